"""A real Prometheus and its promtool: from PROMETHEUS_BIN, the PATH, or Debian's package, unpacked for this run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import urllib.parse
import urllib.request
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from trading_core.embedded import launch

MISSING = (
    "No Prometheus: set PROMETHEUS_BIN to a folder with prometheus and promtool, or install both; "
    "apt-get download prometheus did not work here either. What it would have checked was not checked."
)


@cache
def program(name: str) -> str:
    """`prometheus` or `promtool`. Skips, and says so, where there is none."""
    for candidate in (f"{os.environ.get('PROMETHEUS_BIN', '')}/{name}", shutil.which(name)):
        if candidate and os.access(candidate, os.X_OK):
            return candidate
    unpacked = _unpacked() / "usr" / "bin" / name
    if not unpacked.exists():
        pytest.skip(MISSING)
    return str(unpacked)


@cache
def _unpacked() -> Path:
    """Debian's package without installing it, kept for the next run on this machine."""
    folder = Path(tempfile.gettempdir()) / f"prometheus-{os.getuid()}"
    if not (folder / "done").exists() and shutil.which("apt-get") and shutil.which("dpkg"):
        own = Path(tempfile.mkdtemp(prefix="prometheus-"))
        got = subprocess.run(
            ["apt-get", "-qq", "-o", "APT::Sandbox::User=", "download", "prometheus"],
            cwd=own, capture_output=True, check=False, timeout=120,
        )  # fmt: skip
        packages = list(own.glob("*.deb"))
        if got.returncode == 0 and packages:
            subprocess.run(["dpkg", "-x", str(packages[0]), str(own)], check=True, timeout=120)
            packages[0].unlink()
            (own / "done").touch()
            try:
                own.rename(folder)
            except OSError:  # another worker was first
                shutil.rmtree(own, ignore_errors=True)
    return folder


class PrometheusServer:
    """On a port of its own, with the targets of `file_sd` and rules; its data is in `folder`."""

    def __init__(self, folder: Path, targets: list[Path], rules: Path | None = None, every_s: int = 1) -> None:
        folder.mkdir(exist_ok=True)
        self._folder, self._port = folder, launch.free_port()
        config: dict[str, Any] = {
            "global": {"scrape_interval": f"{every_s}s", "evaluation_interval": f"{every_s}s"},
            "rule_files": [str(rules)] if rules else [],
            "scrape_configs": [
                {
                    "job_name": "platform",
                    "file_sd_configs": [{"files": [str(file) for file in targets], "refresh_interval": "1s"}],
                }
            ],
        }
        (folder / "prometheus.json").write_text(json.dumps(config))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            program("prometheus"), f"--config.file={self._folder / 'prometheus.json'}",
            f"--storage.tsdb.path={self._folder / 'data'}", f"--web.listen-address=127.0.0.1:{self._port}",
            "--log.level=warn",
        ]  # fmt: skip
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/-/ready", timeout=5):
                return True
        except OSError:
            return False

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The instant vector, NaN left out. AssertionError with what the server says of a wrong expression."""
        arguments = urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/api/v1/query?{arguments}", timeout=30) as got:
                result: list[dict[str, Any]] = json.load(got)["data"]["result"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{expression}: {error.read().decode()}") from error
        return [sample for sample in result if sample["value"][1] != "NaN"]

    def stop(self) -> None:
        if self._process is not None:
            launch.stop(self._process, signal.SIGTERM)
