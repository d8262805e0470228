"""Servers and services of a test's own, which it may kill and start again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from trading_core.db.roles import url_for
from trading_core.embedded import launch
from trading_core.embedded.nats import new_password
from trading_core.embedded.postgres import PostgresServer


class Startable(Protocol):
    """`NatsServer`, `PostgresServer`, or anything that says how it is started and when it is ready."""

    def prepare(self) -> launch.Launch: ...

    def ready(self) -> bool: ...


class OwnServer:
    """One server process, always on the same port and data. Every way to end it waits until it is gone."""

    def __init__(self, server: Startable, log: Path) -> None:
        self._server = server
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        plan = self._server.prepare()
        self._process = launch.start(plan, self._log)
        launch.wait_ready(self._process, self._server.ready, plan, self._log)

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        if self._process is not None:
            launch.stop(self._process, self._server.prepare().stop_signal)

    def freeze(self) -> None:
        """The process stays, with its connections, and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)  # the signal needs a moment to arrive

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


class ServiceProcess:
    """`python -m <module>` with its own settings in the environment; what it says is in `log`."""

    def __init__(self, module: str, environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        self.module = module
        self._argv = [sys.executable, "-m", module]
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **once: str) -> None:
        """once: more of its environment, for this start only."""
        with self.log.open("ab") as output:
            environment = {**self._environment, **once}
            self._process = subprocess.Popen(self._argv, env=environment, stdout=output, stderr=output)

    def ended(self) -> int | None:
        """The exit code, below 0 the signal that it died of; None while it runs."""
        return None if self._process is None else self._process.poll()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """The process stays, with its connections, and does nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)  # the signal needs a moment to arrive

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def terminate(self, limit_s: float = 30) -> int:
        """The exit code after SIGTERM; TimeoutExpired when it takes longer than `limit_s`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=limit_s)

    def said(self, words: str) -> bool:
        return self.times_said(words) > 0

    def times_said(self, words: str) -> int:
        return self.log.read_text().count(words) if self.log.exists() else 0


class ServiceAt(Protocol):
    """The fixture `service_at`: a service on the test's streams, with a role of its database or another URL."""

    def __call__(self, module: str, role_or_url: str, **environment: str) -> ServiceProcess: ...


class OwnPostgres:
    """A migrated PostgreSQL of a test's own that keeps its promises when it is killed (fsync on)."""

    def __init__(self, folder: Path, password: str) -> None:
        self.server = PostgresServer(folder / "postgres", launch.free_port(), new_password())
        self.process = OwnServer(self.server, folder / "postgres.log")
        self.url = self.server.url()
        self._password = password

    def role_url(self, role: str) -> str:
        return url_for(self.url, role, self._password)
