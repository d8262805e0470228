"""Section `end_to_end`: publishing and recording at the same time, until the last row is committed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import asyncpg

from bench.publish import with_bare_client, with_our_publisher
from bench.record import LIMIT_S, afresh
from bench.rows import Row, rates
from bench.servers import Servers
from bench.trades import some_trades
from recorder.stream import BATCH
from trading_core.bus.connection import Bus
from trading_core.db.times import utc
from trading_core.messages import TradeMessage

POLL_S = 0.005
_IS_THERE = "SELECT EXISTS (SELECT 1 FROM trading_market_data.ticks WHERE ts = $1 AND event_id = $2)"
Publish = Callable[[Bus, list[TradeMessage]], Awaitable[float]]


async def measure(servers: Servers, *, quick: bool) -> list[Row]:
    """Ours, then the bare pair, each for all repetitions: a consumer process stays up for its own."""
    count, repetitions = (10 * BATCH, 3) if quick else (60 * BATCH, 5)
    bus, database = await servers.bus(), await servers.database()
    try:
        await afresh(bus, database)
        with servers.process("recorder", role="recorder") as process:
            await process.says("service_started")
            ours = [await run_once(bus, database, count, with_our_publisher) for _ in range(repetitions)]
        await afresh(bus, database)
        with servers.process("bench.bare_recorder") as process:
            await process.says("ready")
            bare = [await run_once(bus, database, count, with_bare_client) for _ in range(repetitions)]
    finally:
        await database.close()
        await bus.close()
    limit = f"nats-py publish_async → fetch({BATCH}) → asyncpg unnest"
    note = f"{count} trades a run"
    return [
        Row("end_to_end", "collector → JetStream → committed rows", "events/s", rates(ours), limit, rates(bare), note)
    ]


async def run_once(bus: Bus, database: asyncpg.Connection, count: int, publish: Publish) -> float:
    """Events per second from the first send until the last of them can be read from the table."""
    trades = some_trades(count)
    await database.execute("TRUNCATE trading_market_data.ticks")
    await database.execute("CHECKPOINT")
    last = trades[-1]
    began = time.perf_counter()
    await publish(bus, trades)
    # Both consumers commit in stream order: the last row is there when all are.
    while not await database.fetchval(_IS_THERE, utc(last.event_time_ms), last.id):
        if time.perf_counter() - began > LIMIT_S:
            raise TimeoutError(f"{count} messages were not stored in {LIMIT_S} s")
        await asyncio.sleep(POLL_S)
    elapsed = time.perf_counter() - began
    stored = await database.fetchval("SELECT count(*) FROM trading_market_data.ticks")
    if stored != count:
        raise RuntimeError(f"{stored} rows are stored where {count} were published")
    return count / elapsed
