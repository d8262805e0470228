"""Section `consume`: how fast a durable consumer of ours reads and acknowledges what is in MARKET."""

from __future__ import annotations

import time

from bench.publish import with_our_publisher
from bench.record import fetch_bare
from bench.rows import Row, rates
from bench.servers import Servers
from bench.trades import purge, some_trades
from recorder.stream import BATCH
from trading_core.bus.connection import Bus
from trading_core.bus.durable import Durable
from trading_core.streams import MARKET, RECORDER


async def measure(servers: Servers, *, quick: bool) -> list[Row]:
    count, repetitions = (10 * BATCH, 3) if quick else (60 * BATCH, 5)
    bus = await servers.bus()
    try:
        ours, fetched, acknowledged = [], [], []
        for _ in range(repetitions):
            await purge(bus)
            await with_our_publisher(bus, some_trades(count))
            fetched.append(count / await fetch_bare(bus, count))
            acknowledged.append(count / await fetch_bare(bus, count, acknowledge=True))
            ours.append(count / await consume(bus, count))
    finally:
        await bus.close()
    name, limit = "durable consumption", f"nats-py fetch({BATCH})"
    note = f"{count} trades a run, every one acknowledged by ours"
    return [
        Row("consume", name, "events/s", rates(ours), f"{limit}, nothing acknowledged", rates(fetched), note),
        Row("consume", name, "events/s", rates(ours), f"{limit}, each acknowledged too", rates(acknowledged), note),
    ]


async def consume(bus: Bus, count: int) -> float:
    """Seconds from asking for the first message until the last one is acknowledged, in batches of the recorder's."""
    spec = next(durable for durable in RECORDER if durable.stream is MARKET)
    durable = Durable(bus, spec)
    received = 0
    began = time.perf_counter()
    async for batch in durable.batches(BATCH):
        await durable.ack(batch)
        received += len(batch)
        if received >= count:
            break
    while await durable.unacknowledged():
        pass
    elapsed = time.perf_counter() - began
    await durable.close()
    return elapsed
