"""Section `chain`: from a complete grid point to its signals and to their fills, through the real processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from bench import bare_chain, feed
from bench.reading import everything
from bench.rows import QUANTILES, Row, latency
from bench.servers import Servers
from bench.trades import purge
from trading_core import ids, messages
from trading_core.bus.connection import Bus
from trading_core.bus.publisher import WindowPublisher
from trading_core.messages import ExecMessage, SignalMessage
from trading_core.streams import (
    EXEC,
    SIGNALS,
    all_signals,
    exec_subjects,
)

PERIOD_S = 0.15
"""Three signals each: 20 a second."""
WARM_UP = 30
"""Grid points that are not counted: until the strategy has its candles, and connections and caches are warm."""
PORTFOLIO = "default"
LIMIT_S = 120
_APPLIED = """
SELECT event_id, (extract(epoch FROM created_at) * 1000000)::bigint * 1000 AS ns
FROM trading_paper.outbox WHERE event_id LIKE 'fl:%'
"""


@dataclass(frozen=True)
class Passage:
    """When the server stored the watermarks of a grid point (the later one), a signal of it, and its entry fill.

    `applied_ns`: when the broker began the transaction in which it applied the signal, by PostgreSQL's clock.
    """

    watermark_ns: int
    signal_ns: int
    applied_ns: int
    fill_ns: int


async def measure(servers: Servers, *, quick: bool) -> list[Row]:
    points = round((10 if quick else 45) / PERIOD_S)
    bus = await servers.bus()
    try:
        passages, seconds = await run_platform(servers, bus, points)
        bare = await bare_chain.run(servers, bus, points, len(feed.PRICES), PERIOD_S)
    finally:
        await bus.close()
    note = f"{len(passages)} signals, {len(passages) / seconds:.1f} a second; limit: {len(bare)} messages"
    return _rows(passages, bare, note)


async def run_platform(servers: Servers, bus: Bus, points: int) -> tuple[list[Passage], float]:
    """Passages of the counted grid points in order, and how long feeding these took."""
    await purge(bus)
    publisher = WindowPublisher(bus)
    with (
        servers.process("paper_broker", role="broker") as broker,
        servers.process("strategy_runner", role="runner_ro") as runner,
    ):
        await feed.begin(publisher)
        await runner.says("runner_started")
        await broker.says("broker_restored")
        seconds = await _feed(publisher, points)
        await _valued(bus, feed.grid_point(WARM_UP + points))
    await publisher.close()
    database = await servers.database()
    try:
        applied = {row["event_id"]: row["ns"] for row in await database.fetch(_APPLIED)}
    finally:
        await database.close()
    return await _passages(bus, points, applied), seconds


async def _feed(publisher: WindowPublisher, points: int) -> float:
    """Grid points at a fixed pace. A slow platform does not slow the pace down: what waits, waits in the numbers."""
    began = time.perf_counter()
    for number in range(1, WARM_UP + points + 1):
        await asyncio.sleep(max(0.0, began + number * PERIOD_S - time.perf_counter()))
        await feed.send_minute(publisher, feed.grid_point(number))
    await publisher.barrier()
    return (time.perf_counter() - began) * points / (WARM_UP + points)


async def _valued(bus: Bus, ts: int) -> None:
    """Returns once the valuation of grid point `ts` is on EXEC: the last thing that the broker says about it."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        found = await bus.last(EXEC, exec_subjects("equity", PORTFOLIO))
        message = messages.decode(found.data) if found is not None else None
        if isinstance(message, ExecMessage) and message.event_time_ms >= ts:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"the broker did not reach grid point {ts} in {LIMIT_S} s")
        await asyncio.sleep(0.1)


async def _passages(bus: Bus, points: int, applied: Mapping[str, int]) -> list[Passage]:
    """applied: by the id of each fill."""
    complete = await feed.completed(bus)
    fills = {}
    for delivered in await everything(bus, EXEC, [exec_subjects("fill", PORTFOLIO)]):
        message = messages.decode(delivered.data)
        assert isinstance(message, ExecMessage)
        fills[message.body["order_id"]] = (applied[message.id], delivered.ingest_time_ns)
    found = []
    for delivered in await everything(bus, SIGNALS, all_signals()):
        signal = messages.decode(delivered.data)
        assert isinstance(signal, SignalMessage)
        if signal.ts > feed.grid_point(WARM_UP):
            filled = fills.get(ids.order(PORTFOLIO, signal.id, "open"))
            if filled is None:
                raise RuntimeError(f"{signal.id} ({signal.direction}, {signal.reason}) was not filled")
            found.append(Passage(complete[signal.ts], delivered.ingest_time_ns, *filled))
    if len(found) != points * len(feed.PRICES):
        raise RuntimeError(f"{len(found)} signals where {points * len(feed.PRICES)} were due")
    return found


def _rows(passages: list[Passage], bare: list[float], note: str) -> list[Row]:
    ways = {
        "grid point → signal": [(p.signal_ns - p.watermark_ns) / 1e6 for p in passages],
        "signal → fill": [(p.fill_ns - p.signal_ns) / 1e6 for p in passages],
        "applied → fill": [(p.fill_ns - p.applied_ns) / 1e6 for p in passages],
        "grid point → fill": [(p.fill_ns - p.watermark_ns) / 1e6 for p in passages],
    }
    return [
        Row(
            "chain", f"{name}, {label}", "ms", latency(values, fraction),
            f"bare relay, tick to fill, {label}", latency(bare, fraction), note,
        )
        for name, values in ways.items()
        for fraction, label in QUANTILES
    ]  # fmt: skip
