"""Section `record`: how fast the recorder turns a full MARKET stream into committed rows."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import asyncpg
from nats.js import api

from bench.publish import with_our_publisher
from bench.rows import Row, rates
from bench.servers import Servers
from bench.trades import SUBJECT, as_rows, purge, some_trades
from recorder import tables
from recorder.stream import BATCH
from trading_core.bus.connection import Bus
from trading_core.streams import MARKET, RECORDER

LIMIT_S = 120
_PROGRESS = "SELECT stored_at, count(*) FROM trading_market_data.ticks GROUP BY stored_at ORDER BY stored_at"


async def measure(servers: Servers, *, quick: bool) -> list[Row]:
    count, repetitions = (10 * BATCH, 3) if quick else (60 * BATCH, 5)
    bus, database = await servers.bus(), await servers.database()
    try:
        ours, inserted, fetched = [], [], []
        for _ in range(repetitions):
            trades = some_trades(count)
            await afresh(bus, database)
            inserted.append(count / await insert_bare(database, as_rows(trades)))
            await afresh(bus, database)
            await with_our_publisher(bus, trades)
            fetched.append(count / await fetch_bare(bus, count))
            ours.append(await drain(servers, database, count))
    finally:
        await database.close()
        await bus.close()
    name, note = "JetStream → committed rows", f"{count} trades a run, batches of {BATCH}"
    insert = f"asyncpg INSERT … FROM unnest, {BATCH} rows a commit"
    fetch = f"nats-py fetch({BATCH}), nothing written"
    return [
        Row("record", name, "events/s", rates(ours), insert, rates(inserted), note),
        Row("record", name, "events/s", rates(ours), fetch, rates(fetched), note),
    ]


async def afresh(bus: Bus, database: asyncpg.Connection) -> None:
    """Empty streams, empty table, no checkpoint due soon."""
    await purge(bus)
    await database.execute("TRUNCATE trading_market_data.ticks")
    await database.execute("CHECKPOINT")


async def drain(servers: Servers, database: asyncpg.Connection, count: int) -> float:
    """Events per second between the beginnings of the first and the last transaction of a recorder process.

    The start of the process is not counted. What precedes the first transaction is left out, what follows
    the beginning of the last one as well, and so are the rows of the last one.
    """
    with servers.process("recorder", role="recorder"):
        deadline = time.monotonic() + LIMIT_S
        while await database.fetchval("SELECT count(*) FROM trading_market_data.ticks") < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the recorder did not store {count} messages in {LIMIT_S} s")
            await asyncio.sleep(0.25)  # Rarely: counting must not cost the recorder its core.
    batches = await database.fetch(_PROGRESS)
    seconds = (batches[-1]["stored_at"] - batches[0]["stored_at"]).total_seconds()
    return float(sum(batch["count"] for batch in batches[:-1]) / seconds)


async def insert_bare(database: asyncpg.Connection, rows: list[tuple[Any, ...]]) -> float:
    """Seconds for the recorder's own statement with rows that are ready, one transaction per batch."""
    columns = [list(zip(*rows[at : at + BATCH], strict=True)) for at in range(0, len(rows), BATCH)]
    statement = await database.prepare(tables.TICKS.insert)
    began = time.perf_counter()
    for batch in columns:
        await statement.fetch(*batch)
    return time.perf_counter() - began


async def fetch_bare(bus: Bus, count: int, *, acknowledge: bool = False) -> float:
    """Seconds to receive what is in MARKET, nothing decoded; acknowledged one by one or not at all."""
    policy = api.AckPolicy.EXPLICIT if acknowledge else api.AckPolicy.NONE
    config = api.ConsumerConfig(
        ack_policy=policy,
        deliver_policy=api.DeliverPolicy.ALL,
        mem_storage=True,
        max_ack_pending=RECORDER[0].max_ack_pending,
    )
    subscription = await bus.js.pull_subscribe(SUBJECT, stream=MARKET.name, config=config)
    received = 0
    began = time.perf_counter()
    while received < count:
        messages = await subscription.fetch(BATCH, timeout=5)
        received += len(messages)
        if acknowledge:
            for message in messages:
                await message.ack()
    if acknowledge:
        while (await subscription.consumer_info()).num_ack_pending:
            pass
    elapsed = time.perf_counter() - began
    await subscription.unsubscribe()
    return elapsed
