"""NATS comes back without the end of EXEC while the broker goes on: it is sent once more, in its order."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
import pytest
from a_run import Hour, an_hour, publish, said_by_the_core
from test_rebuild import whole

from trading_core.bus.connection import Bus, connect
from trading_core.bus.provision import provision
from trading_core.embedded import launch
from trading_core.embedded.nats import NatsServer, new_password
from trading_core.testing import eventually
from trading_core.testing_servers import OwnServer, ServiceAt

pytestmark = pytest.mark.integration
MINUTES = 10


@dataclass
class Nats:
    """A server of its own, whose EXEC can be put back to what its disk had at an earlier moment."""

    plan: NatsServer
    process: OwnServer
    kept: Path

    @property
    def _exec(self) -> Path:
        [folder] = self.plan.folder.rglob("streams/EXEC")
        return folder

    async def remember(self) -> None:
        await asyncio.to_thread(self.process.stop)
        shutil.copytree(self._exec, self.kept)
        await asyncio.to_thread(self.process.start)

    async def lose_what_came_since(self) -> None:
        await asyncio.to_thread(self.process.kill)
        lost = self._exec
        shutil.rmtree(lost)
        shutil.copytree(self.kept, lost)
        await asyncio.to_thread(self.process.start)


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[Nats]:
    plan = NatsServer(tmp_path / "nats", launch.free_port(), launch.free_port(), new_password())
    process = OwnServer(plan, tmp_path / "nats.log")
    process.start()
    yield Nats(plan, process, tmp_path / "kept")
    process.kill()


@pytest.fixture
async def own_bus(nats: Nats) -> AsyncIterator[Bus]:
    bus = await connect(nats.plan.url, name="test/1", on_error=lambda _error: None)
    await provision(bus)
    yield bus
    await bus.close()


@pytest.mark.parametrize("goes_on", [False, True], ids=["while_nothing_happens", "before_the_next_minute"])
async def test_a_lost_end_is_sent_again_in_its_place(
    nats: Nats, own_bus: Bus, database_url: str, service_at: ServiceAt, goes_on: bool
) -> None:
    hour = an_hour(seed=3, minutes=MINUTES)
    broker = service_at("paper_broker", "broker", TRADING_NATS__URL=nats.plan.url)
    broker.start()
    await publish(own_bus, hour, range(1, 4))
    await eventually(lambda: valued(database_url, hour, 3))
    await nats.remember()
    await publish(own_bus, hour, range(4, MINUTES))
    await eventually(lambda: valued(database_url, hour, MINUTES - 1))
    await nats.lose_what_came_since()
    if goes_on:
        await publish(own_bus, hour, range(MINUTES, MINUTES + 1))
    said = said_by_the_core(replace(hour, minutes=MINUTES if goes_on else MINUTES - 1))
    await eventually(lambda: whole(own_bus, said))
    assert broker.ended() is None


async def valued(database_url: str, hour: Hour, minute: int) -> bool:
    """All of it is in the ledger, and marked as sent."""
    db = await asyncpg.connect(database_url)
    try:
        newest = await db.fetchval("SELECT max(ts) FROM trading_paper.mark_to_market")
        unsent = await db.fetchval("SELECT count(*) FROM trading_paper.outbox WHERE sent_at IS NULL")
    finally:
        await db.close()
    return newest is not None and newest.timestamp() * 1_000 >= hour.start + minute * 60_000 and not unsent
