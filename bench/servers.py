"""The servers and services of one benchmark, with the settings of the demo, in a folder that is thrown away."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from trading_core.bus.connection import Bus, connect
from trading_core.bus.provision import provision
from trading_core.db.migrate import migrate
from trading_core.db.roles import LOGIN_ROLES, set_passwords, url_for
from trading_core.embedded import launch
from trading_core.embedded.nats import NatsServer, new_password
from trading_core.embedded.postgres import PostgresServer
from trading_core.errors import TradingError
from trading_core.testing_servers import OwnServer

HERE = Path(__file__).parent
DATABASE = "trading"


@dataclass(frozen=True)
class Servers:
    """Both servers of one benchmark. `database_url` is the superuser's."""

    folder: Path
    nats_url: str
    database_url: str
    role_password: str

    def role_url(self, role: str) -> str:
        return url_for(self.database_url, role, self.role_password)

    async def bus(self) -> Bus:
        return await connect(self.nats_url, name="bench/1")

    async def database(self) -> asyncpg.Connection:
        return await asyncpg.connect(self.database_url, timeout=10)

    @contextlib.contextmanager
    def process(self, module: str, *arguments: str, role: str | None = None, **environment: str) -> Iterator[Process]:
        """`python -m module`, ended by its own id when the block is left; `environment` wins over what it gets here."""
        url = self.database_url if role is None else self.role_url(role)
        given = {
            "TRADING_CONFIG": str(HERE / "config.yaml"),
            "TRADING_RUNNER__STRATEGIES_DIR": str(HERE / "strategies"),
            "TRADING_NATS__URL": self.nats_url,
            "TRADING_DATABASE__URL": url,
            **environment,
        }
        process = Process.start(module, arguments, given, self.folder)
        try:
            yield process
        finally:
            process.stop()


@dataclass(frozen=True)
class Process:
    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, module: str, arguments: tuple[str, ...], environment: Mapping[str, str], folder: Path) -> Process:
        log = folder / f"{module}-{time.monotonic_ns()}.log"
        argv = (sys.executable, "-m", module, *arguments)
        plan = launch.Launch(
            module, argv, signal.SIGTERM, environment=dict(environment), inherits=("*",), cwd=HERE.parent
        )
        return cls(module, launch.start(plan, log), log)

    def stop(self) -> None:
        launch.stop(self.popen, signal.SIGTERM)

    async def says(self, words: str, limit_s: float = 30) -> None:
        """Returns once `words` are in its log. TradingError with the end of the log when it ends before."""
        deadline = time.monotonic() + limit_s
        while words not in (text := self.log.read_text(errors="replace")):
            if self.popen.poll() is not None or time.monotonic() > deadline:
                raise TradingError(f"{self.name} did not say {words!r}. The end of its log:\n{text[-1500:]}")
            await asyncio.sleep(0.05)


@contextlib.contextmanager
def running() -> Iterator[Servers]:
    """Started, migrated, provisioned. fsync and full page writes are on, and so is NATS's sync of each message."""
    with launch.temporary_folder() as folder:
        postgres = PostgresServer(folder / "postgres", launch.free_port(), new_password())
        nats = NatsServer(folder / "nats", launch.free_port(), launch.free_port(), new_password())
        database = OwnServer(postgres, folder / "postgres.log")
        broker = OwnServer(nats, folder / "nats.log")
        servers = Servers(folder, nats.url, postgres.url(DATABASE), new_password())
        try:
            database.start()
            broker.start()
            asyncio.run(_prepare(servers, postgres.url()))
            yield servers
        finally:
            broker.stop()
            database.stop()
            postgres.remove()


async def _prepare(servers: Servers, server_url: str) -> None:
    connection = await asyncpg.connect(server_url, timeout=10)
    try:
        await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()
    await asyncio.to_thread(migrate, servers.database_url)
    await set_passwords(servers.database_url, dict.fromkeys(LOGIN_ROLES, servers.role_password))
    bus = await servers.bus()
    try:
        await provision(bus)
    finally:
        await bus.close()
