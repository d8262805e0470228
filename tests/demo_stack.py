"""The demo as a person starts it: the supervisor and all its children, in a run folder of the test's own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from repository import ROOT
from secret_scan import secrets_in
from trading_core.embedded import launch
from trading_core.embedded.postgres import PostgresServer
from trading_core.supervise.attach import attach
from trading_core.supervise.folder import RunFolder

START_LIMIT_S = 90
STOP_LIMIT_S = 15


class DemoStack:
    """`python -m trading_core up --demo`, or `--live`. Every process is ended by its own id."""

    def __init__(self, folder: Path, speed: int | None) -> None:
        """speed: None is live."""
        self.run_folder = RunFolder(folder, "live" if speed is None else "demo")
        self.port = launch.free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.output = folder / "console"
        self.settings: dict[str, str] = {}
        """Variables of the environment besides ours, for the next start."""
        self._folder = folder
        self._speed = speed
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "trading_core", "up"]
        command += ["--live"] if self._speed is None else ["--demo", "--speed", str(self._speed)]
        command += ["--port", str(self.port), "--run-dir", str(self._folder)]
        with self.output.open("ab") as console:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **self.settings}, stdin=subprocess.DEVNULL, stdout=console,
                stderr=subprocess.STDOUT,
            )  # fmt: skip

    def is_up(self) -> bool:
        """Whether it says so. AssertionError with all it said when it has ended instead."""
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"the demo ended:\n{self.said()}\n{self.logs()}")
        return "Dashboard" in self.said()

    def said(self) -> str:
        return self.output.read_text(errors="replace")

    def kill(self, name: str) -> None:
        """kill -9 of one child, as `up` names it."""
        os.kill(json.loads((self.run_folder.pids / f"{name}.json").read_text())["pid"], signal.SIGKILL)

    def stop(self) -> int:
        """Exit code after Ctrl-C's sibling SIGTERM."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(STOP_LIMIT_S)

    def end(self) -> None:
        """Whatever state it is in: nothing of it runs on."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        PostgresServer(self.run_folder.path / "postgres", 0, None).remove()

    @contextlib.contextmanager
    def data(self, *, nats: bool = False) -> Iterator[dict[str, str]]:
        """Environment variables that lead to the data, also when the demo does not run; `nats`: to the streams too."""
        with attach(self.run_folder, nats=nats) as variables:
            yield variables

    def open_secrets(self) -> list[str]:
        """Files with a generated secret that are not private, and logs and the console in any case."""
        values = set(self.run_folder.secrets().values())
        stored = {self.run_folder.path / name for name in ("postgres", "archive")}
        files = [file for file in self._folder.rglob("*") if file.is_file() and not stored & set(file.parents)]
        holding = [file for file in files if secrets_in([file.read_bytes()], values)]
        assert self.run_folder.path / "secrets" in holding, "what is there is found"
        return [
            str(file)
            for file in holding
            if file.stat().st_mode & 0o077 or self.run_folder.logs in file.parents or file == self.output
        ]

    def logs(self) -> str:
        """The last lines of each service's log, for the report of a failure."""
        ends = []
        for log in sorted(self.run_folder.logs.glob("*.log")):
            lines = log.read_text(errors="replace").splitlines()[-5:]
            ends.append(f"--- {log.name}\n" + "\n".join(lines))
        return "\n".join(ends)


@contextlib.contextmanager
def demo_stack(speed: int | None = 300) -> Iterator[DemoStack]:
    """A demo that has not been started yet; at the end it is gone, with its folder."""
    with launch.temporary_folder() as folder:
        stack = DemoStack(folder, speed)
        try:
            yield stack
        finally:
            stack.end()
