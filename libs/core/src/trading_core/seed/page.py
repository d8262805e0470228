"""`.run/seeded`: a PostgreSQL of its own for a made-up past, and the dashboard on it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import asyncpg
from rich.console import Console

from trading_core.access.users import USERS
from trading_core.bus.connection import connect
from trading_core.bus.provision import provision
from trading_core.db.roles import LOGIN_ROLES, set_passwords
from trading_core.embedded import launch
from trading_core.embedded.launch import Launch, port_is_free
from trading_core.embedded.postgres import PostgresServer
from trading_core.errors import ConfigError
from trading_core.supervise import pids
from trading_core.supervise.folder import DATABASE, RunFolder
from trading_core.supervise.services import Addresses, service_launch

_FILLED = "filled"


@dataclass(frozen=True)
class Seeded:
    """The folder while its PostgreSQL runs; `url` is that of the database's owner."""

    folder: RunFolder
    url: str

    @property
    def path(self) -> Path:
        return self.folder.path

    @property
    def is_filled(self) -> bool:
        return (self.path / _FILLED).exists()

    def mark_filled(self) -> None:
        (self.path / _FILLED).touch()

    def show(self, port: int, host: str, console: Console) -> int:
        """The dashboard until Ctrl-C or until it ends; its exit code."""
        if not port_is_free(port, host):
            raise ConfigError(f"Port {port} is taken by another program. Choose another one: --page {port + 1}")
        secrets = self.folder.secrets()
        asyncio.run(set_passwords(self.url, {role: secrets[role] for role in LOGIN_ROLES}))
        bus = self.folder.nats_server(launch.free_port(), launch.free_port())
        urls = {user: self.folder.nats_url(bus, user) for user in USERS}
        addresses = Addresses(urls, self.url, host, port, 0)
        with _running(self.folder, "nats", bus.prepare(), bus.ready):
            asyncio.run(_provision(bus.url))
            api = service_launch("api", addresses, secrets, demo_speed=None, metrics_port=launch.free_port())
            with _running(self.folder, "api", api, lambda: launch.answers(port, host)) as process:
                console.print(f"Dashboard  {addresses.page}   (Ctrl-C ends it)", markup=False)
                with _terminated() as told:
                    while process.poll() is None and not told.wait(0.2):
                        pass
                return process.poll() or 0


@contextlib.contextmanager
def seeded_folder(base: Path, *, fresh: bool) -> Iterator[Seeded]:
    """`base`/seeded with its PostgreSQL up. A past that was not written to its end is thrown away."""
    folder = RunFolder(base, "seeded")
    folder.prepare()
    with folder.lock():
        pids.end_leftovers(folder.pids, lambda _line: None)
        if fresh or not (folder.path / _FILLED).exists():
            folder.reset()
        postgres = PostgresServer(folder.path / "postgres", launch.free_port(), folder.secrets()["postgres"])
        with _running(folder, "postgres", postgres.prepare(), postgres.ready):
            if not (folder.path / _FILLED).exists():
                asyncio.run(_create(postgres.url()))
            yield Seeded(folder, postgres.url(DATABASE))


async def _create(url: str) -> None:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.execute(f'CREATE DATABASE "{DATABASE}"')
    finally:
        await connection.close()


async def _provision(url: str) -> None:
    bus = await connect(url, name="provision/1")
    try:
        await provision(bus)
    finally:
        await bus.close()


@contextlib.contextmanager
def _running(folder: RunFolder, name: str, plan: Launch, ready: Callable[[], bool]) -> Iterator[Popen[bytes]]:
    process = launch.start(plan, folder.log(name))
    pids.remember(folder.pids, name, process.pid, plan.stop_signal)
    try:
        launch.wait_ready(process, ready, plan, folder.log(name))
        yield process
    finally:
        launch.stop(process, plan.stop_signal)
        pids.forget(folder.pids, name)


@contextlib.contextmanager
def _terminated() -> Iterator[threading.Event]:
    """Set by SIGTERM and Ctrl-C; the handlers of before are put back."""
    told = threading.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda *_: told.set()) for number in numbers}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
