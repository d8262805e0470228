"""The limit of the section `chain`: the comparison's bare relay from tick to signal to fill, with one commit.

Its streams have the settings of the platform's.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from bench.reading import everything
from bench.servers import Servers
from trading_core.bus.connection import Bus
from trading_core.bus.provision import ensure_stream
from trading_core.messages import SignalMessage, encode
from trading_core.streams import EXEC, MARKET, MIB, SIGNALS

# All room on disk is promised to the platform's own streams but for a little.
TICKS = replace(MARKET, name="BENCH_TICKS", subjects=("bench.tick",), max_bytes=64 * MIB)
SIGNALLED = replace(SIGNALS, name="BENCH_SIGNALS", subjects=("bench.signal",), max_bytes=64 * MIB)
FILLS = replace(EXEC, name="BENCH_FILLS", subjects=("bench.fill",), max_bytes=64 * MIB)
TICK, SIGNAL, FILL = (stream.subjects[0] for stream in (TICKS, SIGNALLED, FILLS))
LIMIT_S = 60


async def run(servers: Servers, bus: Bus, points: int, burst: int, period_s: float) -> list[float]:
    """Milliseconds from stored on the first stream to stored on the second, of `points` bursts, in order."""
    for stream in (TICKS, SIGNALLED, FILLS):
        await ensure_stream(bus, stream)
    database = await servers.database()
    try:
        await database.execute("CREATE SCHEMA bench")
        await database.execute("CREATE TABLE bench.relayed (id TEXT PRIMARY KEY, payload JSON NOT NULL)")
    finally:
        await database.close()
    with (
        servers.process("bench.bare_relay", TICKS.name, TICK, SIGNAL) as signals,
        servers.process("bench.bare_relay", SIGNALLED.name, SIGNAL, FILL, "--commit") as fills,
    ):
        await signals.says("ready")
        await fills.says("ready")
        began = time.perf_counter()
        for number in range(1, points + 1):
            await asyncio.sleep(max(0.0, began + number * period_s - time.perf_counter()))
            for member in range(burst):
                await bus.js.publish_async(TICK, _payload(number, member))
        await bus.js.publish_async_completed()
        return await _latencies(bus, points * burst)


async def _latencies(bus: Bus, count: int) -> list[float]:
    deadline = time.monotonic() + LIMIT_S
    while (await bus.js.stream_info(FILLS.name)).state.messages < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the bare relay did not pass {count} messages on in {LIMIT_S} s")
        await asyncio.sleep(0.1)
    stored = {message.data: message.ingest_time_ns for message in await everything(bus, TICKS, [TICK])}
    passed = await everything(bus, FILLS, [FILL])
    return [(message.ingest_time_ns - stored[message.data]) / 1e6 for message in passed]


def _payload(number: int, member: int) -> bytes:
    """As long as a signal."""
    return encode(
        SignalMessage(
            id=f"s:{number}:{member}", strategy="minute_flip", exchange="hyperliquid", asset="BTC", instrument="BTC",
            ts=1_748_044_800_000 + number, grid="hyperliquid", direction="LONG", confidence=0.9, entry_price="103000.0",
            metadata={"mean": 103_000.0, "seen": {"mark": "x:hl:BTC:1748044800000:00000000"}},
            code_hash="0123456789abcdef", params_hash="01234567",
        )
    )  # fmt: skip
