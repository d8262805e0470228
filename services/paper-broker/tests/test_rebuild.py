"""EXEC made anew from Postgres: whole again, in its order, and only when nothing can go wrong."""

from __future__ import annotations

import asyncio

import asyncpg
import msgspec
import pytest
from a_run import an_hour, publish, said_by_the_core

from trading_core import messages, streams
from trading_core.__main__ import main
from trading_core.bus.connection import Bus
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.bus.provision import provision
from trading_core.messages import ExecMessage
from trading_core.testing import eventually
from trading_core.testing_servers import ServiceAt

pytestmark = pytest.mark.integration


async def on_exec(bus: Bus) -> list[str]:
    """The messages of EXEC in order, without their outbox ids."""
    found: list[str] = []
    reader = OrderedPull(bus, streams.EXEC, ["exec.>"], Start.all())
    async for batch in reader.batches():
        for delivered in batch:
            message = messages.decode(delivered.data)
            assert isinstance(message, ExecMessage)
            found.append(messages.encode(message).decode().replace(f'"outbox_id":{message.outbox_id}', '"outbox_id":0'))
        if reader.caught_up:
            break
    await reader.close()
    return found


async def test_a_stream_that_lost_messages_is_whole_again_and_the_broker_goes_on(
    bus: Bus, nats_url: str, database_url: str, service_at: ServiceAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADING_NATS__URL", nats_url)
    monkeypatch.setenv("TRADING_DATABASE__URL", database_url)
    hour = an_hour(seed=3, minutes=20)
    said = said_by_the_core(hour)
    broker, recorder = service_at("paper_broker", "broker"), service_at("recorder", "recorder")
    broker.start()
    recorder.start()
    await publish(bus, hour, range(1, 11))
    db = await asyncpg.connect(database_url)

    async def recorded() -> bool:
        rows = await db.fetchval("SELECT count(*) FROM trading_ops.exec_events")
        return bool(rows and rows == len(await on_exec(bus)) and await broker_is_done())

    async def broker_is_done() -> bool:
        newest = await db.fetchval("SELECT max(ts) FROM trading_paper.mark_to_market")
        return newest is not None and int(newest.timestamp() * 1000) >= hour.start + 10 * 60_000

    async def rebuilt(*arguments: str) -> int:
        return await asyncio.to_thread(main, ["rebuild-stream", "EXEC", *arguments])

    try:
        await eventually(recorded)
        assert await rebuilt() == 2, "while a broker runs nothing is touched"
        assert await rebuilt("--check") == 0
        assert await asyncio.to_thread(broker.terminate) == 0
        before = await on_exec(bus)
        await lose(bus, first=5, count=3)
        assert await rebuilt("--check") == 1
        assert await rebuilt() == 0
        assert await on_exec(bus) == before
        broker.start()
        await publish(bus, hour, range(11, 21))
        await eventually(lambda: whole(bus, said))
    finally:
        await db.close()


@pytest.mark.parametrize("kept", [0, 5])
async def test_what_the_stream_lost_at_its_end_is_sent_again_although_it_was_marked(
    bus: Bus, database_url: str, service_at: ServiceAt, kept: int
) -> None:
    hour = an_hour(seed=3, minutes=10)
    said = said_by_the_core(hour)
    broker = service_at("paper_broker", "broker")
    broker.start()
    await publish(bus, hour, range(1, 11))
    db = await asyncpg.connect(database_url)

    async def marked() -> bool:
        unsent = await db.fetchval("SELECT count(*) FROM trading_paper.outbox WHERE sent_at IS NULL")
        return unsent == 0 and await whole(bus, said)

    try:
        await eventually(marked)
        assert await asyncio.to_thread(broker.terminate) == 0
        await lose(bus, first=kept, count=len(said) - kept)
        # Nothing of theirs is on EXEC either, but they were sent so long ago that they are only waiting to be tidied.
        forgotten = 0 if kept else 2
        await db.execute(
            "UPDATE trading_paper.outbox SET sent_at = now() - interval '8 days'"
            " WHERE id IN (SELECT id FROM trading_paper.outbox ORDER BY id LIMIT $1)",
            forgotten,
        )
        broker.start()
        await eventually(lambda: whole(bus, said[forgotten:]))
    finally:
        await db.close()


async def test_marks_are_believed_when_another_database_wrote_later(
    bus: Bus, database_url: str, service_at: ServiceAt
) -> None:
    hour = an_hour(seed=3, minutes=3)
    said = said_by_the_core(hour)
    broker = service_at("paper_broker", "broker")
    broker.start()
    await publish(bus, hour, range(1, 4))
    db = await asyncpg.connect(database_url)
    try:
        await eventually(lambda: whole(bus, said))
        assert await asyncio.to_thread(broker.terminate) == 0
        await lose(bus, first=0, count=len(said))
        other = ExecMessage(
            id="eq:other", kind="equity", portfolio="default", event_time_ms=1, outbox_id=1_000_000, body={}
        )
        await bus.publish(streams.exec_subject("equity", "default", None, None), other)
        await db.execute("UPDATE trading_paper.outbox SET sent_at = now()")
        await db.execute(
            "UPDATE trading_paper.outbox SET sent_at = NULL WHERE id = (SELECT max(id) FROM trading_paper.outbox)"
        )
        broker.start()
        # The one row that is not marked is sent, and nothing before it: rows are sent in order.
        await eventually(lambda: whole(bus, [messages.encode(without_id(other)).decode(), said[-1]]))
    finally:
        await db.close()


def without_id(message: ExecMessage) -> ExecMessage:
    return msgspec.structs.replace(message, outbox_id=0)


async def whole(bus: Bus, said: list[str]) -> bool:
    return await on_exec(bus) == said


async def lose(bus: Bus, first: int, count: int) -> None:
    """The stream as bit rot leaves it: without some of its messages. It cannot be asked to delete them."""
    kept = []
    reader = OrderedPull(bus, streams.EXEC, ["exec.>"], Start.all())
    async for batch in reader.batches():
        kept += batch
        if reader.caught_up:
            break
    await reader.close()
    await bus.js.delete_stream("EXEC")
    await provision(bus)
    for number, delivered in enumerate(kept):
        if not first <= number < first + count:
            message = messages.decode(delivered.data)
            assert isinstance(message, ExecMessage)
            await bus.publish(delivered.subject, message, headers={"X-Outbox-Id": str(message.outbox_id)})
