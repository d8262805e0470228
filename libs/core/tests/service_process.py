"""One of the platform's services as a process of the test's own, ended by its own pid."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
STOP_LIMIT_S = 5.0


class ServiceProcess:
    """`python -m MODULE` with its own URLs, which may be killed and started again. Its log stays for the reader."""

    def __init__(self, module: str, log_folder: Path, nats_url: str, database_url: str, **environment: str) -> None:
        self._module = module
        self._log = log_folder / f"{module}.log"
        self._environment = {
            **os.environ,
            "TRADING_CONFIG": str(ROOT / "config.yaml"),
            "TRADING_NATS__URL": nats_url,
            "TRADING_DATABASE__URL": database_url,
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", self._module]
            self._process = subprocess.Popen(command, env=self._environment, cwd=ROOT, stdout=log, stderr=log)

    def kill(self) -> None:
        """kill -9, if it still runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """Exit code after SIGTERM; TimeoutExpired when it takes longer than a service may."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(STOP_LIMIT_S)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None
