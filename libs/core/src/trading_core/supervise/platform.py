"""Brings the platform up in order, watches it, and takes it down in order."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shlex
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass

import asyncpg
from nats.aio.msg import Msg

from trading_core.access.secrets import CONTROL_TOKEN
from trading_core.access.users import USERS
from trading_core.bus.connection import Bus, connect
from trading_core.bus.provision import provision
from trading_core.db.migrate import migrate
from trading_core.db.partitions import ensure_partitions
from trading_core.db.roles import LOGIN_ROLES, set_passwords, url_for
from trading_core.embedded.launch import Launch, answers, free_port
from trading_core.embedded.postgres import PostgresServer
from trading_core.errors import MessageInvalid
from trading_core.messages import HeartbeatMessage, decode
from trading_core.streams import HEALTH, heartbeat_subject
from trading_core.supervise.child import Child
from trading_core.supervise.console import Console
from trading_core.supervise.folder import DATABASE, RunFolder, write_private
from trading_core.supervise.services import (
    MODULES,
    Addresses,
    archive_launch,
    parity_launch,
    service_launch,
    venue_launch,
)
from trading_core.supervise.troubles import Troubles

PARTITION_CHECK_S = 24 * 3600


@dataclass(frozen=True)
class Options:
    folder: RunFolder
    port: int
    host: str
    demo_speed: float | None
    """None: live data instead of the recorded sample."""


class Platform:
    def __init__(self, options: Options, console: Console) -> None:
        folder = options.folder
        self._options, self._console = options, console
        self._secrets = folder.secrets()
        self._nats = folder.nats_server(free_port(), free_port())
        self._postgres = PostgresServer(folder.path / "postgres", free_port(), self._secrets["postgres"])
        self.addresses = Addresses(
            nats_urls={user: folder.nats_url(self._nats, user) for user in USERS},
            database_url=self._postgres.url(DATABASE),
            page_host=options.host,
            page_port=options.port,
            venue_port=free_port(),
        )
        self._bus: Bus | None = None
        self._metrics_ports = {name: free_port() for name in MODULES}
        self._servers: list[Child] = []
        self._services: list[Child] = []
        self._venue: Child | None = None
        self._partitions: asyncio.Task[None] | None = None
        self._troubles = Troubles(console.say)

    async def start(self) -> None:
        """Returns once every service says it is ready. ConfigError or TradingError names the one that is not."""
        console = self._console
        with console.step("PostgreSQL"):
            await self._start_server("postgres", self._postgres.prepare, self._postgres.ready)
        with console.step("database schema"):
            await self._make_database()
        with console.step("NATS JetStream"):
            await self._start_server("nats", self._nats.prepare, self._nats.ready)
            self._bus = await connect(self._nats.url, name="supervisor/1", on_error=lambda _error: None)
            await provision(self._bus)
            await self._bus.nc.subscribe(HEALTH.subjects[0], cb=self._beat_heard)
        if self._options.demo_speed is not None:
            with console.step("venue-sim"):
                self._venue = self._child("venue-sim", self._venue_launch, self._venue_ready, may_finish=True)
                await self._venue.start()
        for name in MODULES:
            self._services.append(self._child(name, self._service_launch(name), self._heard_from))
            console.begin(name)
        await _all([self._start_service(service) for service in self._services])
        self._tell_commands()
        for name, launch in (("archive", self._archive_launch), ("parity", self._parity_launch)):
            beside = self._child(name, launch, _at_once, announces=False)
            await beside.start()
            self._services.append(beside)
        self._partitions = asyncio.create_task(self._keep_partitions())

    async def wait_for_end_of_data(self) -> None:
        """Returns when the recorded sample is used up; never for live data."""
        if self._venue is None:
            await asyncio.Event().wait()
        else:
            await self._venue.finished.wait()

    async def stop(self) -> bool:
        """Ends the services and the venue at once, then the servers. True when all was clean.

        The venue's clock must not run on without its collector, and the collector not miss its venue.
        """
        if self._partitions is not None:
            self._partitions.cancel()
            await asyncio.gather(self._partitions, return_exceptions=True)
        children = [*([self._venue] if self._venue is not None else []), *self._services]
        codes = list(await asyncio.gather(*(child.stop() for child in children)))
        if self._bus is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._bus.close(), 2)
        for server in reversed(self._servers):
            codes.append(await server.stop())
        folder = self._options.folder
        for file in (folder.address, folder.environment, folder.targets):
            file.unlink(missing_ok=True)
        return not any(codes)

    async def _start_server(self, name: str, prepare: Callable[[], Launch], ready: Callable[[], bool]) -> None:
        async def is_ready(_child: Child) -> bool:
            return ready()

        server = self._child(name, prepare, is_ready)
        self._servers.append(server)
        await server.start()

    async def _start_service(self, service: Child) -> None:
        await service.start()
        self._console.done(service.name)

    def _child(
        self, name: str, prepare: Callable[[], Launch], ready: Callable[[Child], Awaitable[bool]], *,
        may_finish: bool = False, announces: bool = True,
    ) -> Child:  # fmt: skip
        return Child(
            name, self._options.folder, prepare, ready, self._console.say, may_finish=may_finish, announces=announces
        )

    def _archive_launch(self) -> Launch:
        return archive_launch(self._options.folder, self.addresses, self._secrets)

    def _parity_launch(self) -> Launch:
        return parity_launch(self._options.folder, self.addresses, self._secrets)

    def _venue_launch(self) -> Launch:
        assert self._options.demo_speed is not None
        return venue_launch(self._options.folder, self.addresses, self._options.demo_speed)

    async def _venue_ready(self, _child: Child) -> bool:
        return answers(self.addresses.venue_port)

    def _service_launch(self, name: str) -> Callable[[], Launch]:
        port = self._metrics_ports[name]
        return lambda: service_launch(
            name, self.addresses, self._secrets, demo_speed=self._options.demo_speed, metrics_port=port
        )

    async def _beat_heard(self, message: Msg) -> None:
        with contextlib.suppress(MessageInvalid):
            beat = decode(message.data)
            if isinstance(beat, HeartbeatMessage):
                self._troubles.heard(beat)

    async def _heard_from(self, service: Child) -> bool:
        """Whether a heartbeat of this very process has arrived (and the page answers)."""
        assert self._bus is not None
        if service.name == "api" and not answers(self.addresses.page_port, self.addresses.page_host):
            return False
        try:
            async with asyncio.timeout(2):
                last = await self._bus.last(HEALTH, heartbeat_subject(service.name, "1"))
        except TimeoutError:
            return False
        message = decode(last.data) if last is not None else None
        return isinstance(message, HeartbeatMessage) and message.sent_time_ms >= service.started_time_ms

    async def _make_database(self) -> None:
        server = await asyncpg.connect(self._postgres.url(), timeout=10)
        try:
            if not await server.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                await server.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            await server.close()
        await asyncio.to_thread(migrate, self.addresses.database_url)
        passwords = {role: self._secrets[role] for role in LOGIN_ROLES}
        await set_passwords(self.addresses.database_url, passwords)
        await ensure_partitions(self.addresses.database_url)

    async def _keep_partitions(self) -> None:
        while True:
            await asyncio.sleep(PARTITION_CHECK_S)
            try:
                await ensure_partitions(self.addresses.database_url)
            except (OSError, asyncpg.PostgresError) as error:
                self._console.say(f"monthly partitions could not be checked, next try in a day: {error}")

    def _tell_commands(self) -> None:
        """Leaves behind where page and metrics are and how commands such as `parity` reach the data."""
        folder = self._options.folder
        variables = {
            "TRADING_DATABASE__URL": url_for(self.addresses.database_url, "research", self._secrets["research"]),
            "TRADING_NATS__URL": self.addresses.nats_urls["operator"],
        }
        text = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
        write_private(folder.environment, text)
        targets = [
            {"targets": [f"127.0.0.1:{port}"], "labels": {"job": name}} for name, port in self._metrics_ports.items()
        ]
        folder.targets.write_text(json.dumps(targets, indent=1) + "\n")
        write_private(folder.control_token, self._secrets[CONTROL_TOKEN] + "\n")
        folder.address.write_text(self.addresses.page + "\n")


async def _at_once(_child: Child) -> bool:
    return True


async def _all(starts: list[Coroutine[None, None, None]]) -> None:
    """Runs them side by side; the first failure cancels the rest and is raised as it is."""
    tasks = [asyncio.create_task(start) for start in starts]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
