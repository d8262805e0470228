"""Section `grid`: from a complete grid point to what each strategy says about it, with many strategies in a runner."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

from bench import feed
from bench.reading import everything
from bench.rows import QUANTILES, Row, Series, latency
from bench.servers import HERE, Servers
from bench.trades import purge
from trading_core import messages
from trading_core.bus.connection import Bus
from trading_core.bus.publisher import WindowPublisher
from trading_core.messages import GridMessage, SignalMessage
from trading_core.streams import SIGNALS, all_signals

EXCHANGES = ("hyperliquid", "polymarket")
HISTORY, MANY_HISTORY = 1_500, 65
"""Minutes there are before the first that counts: more than the longest look-back of a strategy."""
SEVEN_FROM, MANY_FROM = 100_000, 200_000
"""Numbers of grid points that no other section uses: what has an id that was there a moment ago is not stored."""
BOUND_MS, BOUND = 1_000.0, "what a 1m grid may be late"
WAIT_S = 120
MANY = 100
_CONFIG = "enabled: true\ninterval: 1m\n"
_MANY = '''"""RSI number {number} of many: for measuring, not for trading."""

from __future__ import annotations

import talib

from trading_core.strategy import Direction, MarketSnapshot, Signal, Strategy, register


@register
class Many{number}(Strategy):
    """
    ## Thesis
    None: it measures what an evaluation costs.

    ## Expected edge
    None.

    ## Data requirements
    60 closes.

    ## Risk characteristics
    Fees.
    """

    name = "many_{number}"
    interval = "1m"

    def evaluate(self, snapshot: MarketSnapshot) -> Signal:
        """LONG below 50, SHORT above."""
        value = float(talib.RSI(snapshot.closes(self.interval, 60), {period})[-1])
        return self.signal(snapshot, Direction.LONG if value < 50 else Direction.SHORT, 0.9, rsi=value)
'''


class Case(NamedTuple):
    """What one runner is given: `points` grid points, one every `period_s`, after `history` minutes at once."""

    strategies: Path
    points: int
    period_s: float
    first: int
    history: int


async def measure(servers: Servers, *, quick: bool) -> list[Row]:
    bus = await servers.bus()
    try:
        given = Case(HERE.parent / "strategies", 50 if quick else 300, 0.15, SEVEN_FROM, HISTORY)
        seven = await _latencies(servers, bus, given)
        given = Case(_many(servers.folder / "many"), 5 if quick else 30, 2.0, MANY_FROM, MANY_HISTORY)
        with _one_core():
            many = await _latencies(servers, bus, given)
    finally:
        await bus.close()
    return [
        *_rows("grid point → signal, 7 strategies × 3 assets", seven),
        *_rows(f"grid point → signal, {MANY} strategies × 3 assets, one core", many),
    ]


async def _latencies(servers: Servers, bus: Bus, given: Case) -> list[float]:
    """ms from the last watermark of a grid point until each signal of it, PASS included, was stored.

    The pace is fixed: what waits, waits in the numbers.
    """
    strategies, points, period_s, first, history = given
    counted = first + history
    await purge(bus)
    await bus.js.purge_stream(SIGNALS.name)
    publisher = WindowPublisher(bus)
    for number in range(first, first + history):
        await feed.send_minute(publisher, feed.grid_point(number), EXCHANGES)
    await publisher.barrier()
    config = _config(servers.folder / f"{strategies.name}.yaml", strategies)
    where = {"TRADING_CONFIG": str(config), "TRADING_RUNNER__STRATEGIES_DIR": str(strategies)}
    with servers.process("strategy_runner", role="runner_ro", **where) as runner:
        await runner.says("runner_started")
        await _evaluated(bus, feed.grid_point(counted - 1))
        began = time.perf_counter()
        for passed in range(points):
            await asyncio.sleep(max(0.0, began + passed * period_s - time.perf_counter()))
            await feed.send_minute(publisher, feed.grid_point(counted + passed), EXCHANGES)
        await publisher.barrier()
        await _evaluated(bus, feed.grid_point(counted + points - 1))
    await publisher.close()
    complete = await feed.completed(bus, EXCHANGES)
    found = []
    for delivered in await everything(bus, SIGNALS, all_signals()):
        signal = messages.decode(delivered.data)
        assert isinstance(signal, SignalMessage)
        if signal.ts >= feed.grid_point(counted):
            found.append((delivered.ingest_time_ns - complete[signal.ts]) / 1e6)
    return found


async def _evaluated(bus: Bus, ts: int) -> None:
    """Returns once every asset has said that it is through with `ts`."""
    deadline = time.monotonic() + WAIT_S
    for asset in feed.PRICES:
        while True:
            found = await bus.last(SIGNALS, f"grid.*.{asset}")
            message = messages.decode(found.data) if found is not None else None
            if isinstance(message, GridMessage) and message.ts >= ts:
                break
            if time.monotonic() > deadline:
                raise TimeoutError(f"the runner did not evaluate {ts} of {asset} in {WAIT_S} s")
            await asyncio.sleep(0.1)


def _config(file: Path, strategies: Path) -> Path:
    """Every strategy of a folder enabled, on both exchanges."""
    names = sorted(path.parent.name for path in strategies.glob("*/config.yaml"))
    content = {
        "assets": list(feed.PRICES),
        "exchanges": {"polymarket": {"enabled": True}},
        "strategies": {name: {"enabled": True} for name in names},
    }
    file.write_text(yaml.safe_dump(content))
    return file


def _many(folder: Path) -> Path:
    for number in range(MANY):
        own = folder / f"many_{number}"
        own.mkdir(parents=True)
        (own / "__init__.py").touch()
        (own / "config.yaml").write_text(_CONFIG)
        (own / "strategy.py").write_text(_MANY.format(number=number, period=7 + number % 20))
    return folder


@contextlib.contextmanager
def _one_core() -> Iterator[None]:
    """What is started meanwhile, and this process, share one core; where the system cannot say so, all."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _rows(name: str, latencies: list[float]) -> list[Row]:
    note = f"{len(latencies)} signals, PASS included"
    return [
        Row("grid", f"{name}, {label}", "ms", latency(latencies, fraction), BOUND, Series((BOUND_MS,)), note)
        for fraction, label in QUANTILES
    ]
