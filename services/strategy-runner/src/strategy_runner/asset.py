"""One asset: from its last grid message on, every grid point evaluated and published, in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import asyncpg

from strategy_runner import metrics, operators
from strategy_runner.history import ingest_time_ns
from strategy_runner.isolation import Evaluator
from trading_core import messages
from trading_core.bus import market
from trading_core.bus.ordered import Start
from trading_core.bus.publisher import WindowPublisher
from trading_core.db.history import history_of
from trading_core.db.pool import AWAY, FIRST_WAIT_S, LONGEST_WAIT_S
from trading_core.faultpoints import faultpoint
from trading_core.model import MINUTE_MS
from trading_core.runtime import Runtime
from trading_core.sequence.shard import Evaluations, GridShard, first_grid_point
from trading_core.strategy.registry import LoadedStrategy
from trading_core.streams import (
    BOOK,
    MARKET,
    SIGNALS,
    StreamSpec,
    grid_subject,
    shard_filters,
    signal_subject,
)


class AssetRunner:
    """The shards of one asset, one for each set of exchanges in use. `published` hears of each grid point."""

    def __init__(
        self, runtime: Runtime, database: asyncpg.Pool, asset: str, strategies: Sequence[LoadedStrategy]
    ) -> None:
        self.asset = asset
        self.shards: list[GridShard] = []
        self._runtime = runtime
        self._db = database
        self._strategies = strategies
        self._grids = sorted({strategy.grid for strategy in strategies})
        self._exchanges = tuple(sorted({name for grid in self._grids for name in grid.split("-")}))
        self._publisher = WindowPublisher(runtime.bus)
        self._arrived = asyncio.Event()
        self._read_at = 0.0
        self._replaced: list[LoadedStrategy] = []

    def replace(self, changed: LoadedStrategy) -> None:
        """Evaluate `changed` from the next grid point on."""
        self._replaced.append(changed)

    async def run(self) -> None:
        """Never ends; what raises ends the service. Cancelled, it leaves no process and publishes nothing more."""
        starts = await self._restored()
        evaluator = Evaluator(self.shards, self._runtime.settings.runner)
        self._runtime.log.info(
            "asset_started", asset=self.asset, next_grid_points={shard.grid: shard.next_ts for shard in self.shards}
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                for stream, start in starts.items():
                    tasks.create_task(self._read(evaluator, stream, start))
                tasks.create_task(self._evaluate_for_ever(evaluator))
        finally:
            await evaluator.stop()
            await self._publisher.close()

    async def _evaluate_for_ever(self, evaluator: Evaluator) -> None:
        while True:
            ready = [index for index, shard in enumerate(self.shards) if shard.ready()]
            if ready:
                await self._take_over(evaluator)
                await self._evaluate(evaluator, ready)
            else:
                self._arrived.clear()
                await self._arrived.wait()

    async def _take_over(self, evaluator: Evaluator) -> None:
        """Between two grid points: changed strategies, in a new worker."""
        if self._replaced:
            changed, self._replaced = self._replaced, []
            for strategy in changed:
                for shard in self.shards:
                    shard.replace(strategy)
            await evaluator.stop()

    async def _restored(self) -> dict[StreamSpec, Start]:
        """`_restore`, however long a server is away: an asset also begins when its lease is taken again."""
        wait_s = FIRST_WAIT_S
        while True:
            try:
                return await self._restore()
            except AWAY as error:
                self.shards.clear()
                what = str(error) or type(error).__name__
                self._runtime.log.warning("history_awaited", asset=self.asset, error=what)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    async def _restore(self) -> dict[StreamSpec, Start]:
        """Where each shard goes on, what it knows already, and from where each stream is read."""
        firsts = {exchange: await market.first_watermark(self._runtime.bus, exchange) for exchange in self._exchanges}
        resumed_from: list[int] = []
        for grid in self._grids:
            first = first_grid_point(max(firsts[exchange] for exchange in grid.split("-")))
            shard = await self._shard(grid, first)
            self.shards.append(shard)
            resumed_from.append(shard.next_ts if shard.next_ts > first else -1)
        # Two minutes earlier than the earliest shard, so that its mark is surely among what is read.
        upto_ms = min(resumed_from) - 2 * MINUTE_MS
        return {stream: await self._start_of(stream, upto_ms) for stream in (MARKET, BOOK)}

    async def _shard(self, grid: str, first: int) -> GridShard:
        """A shard at its first grid point, or after its last grid message with what it knew by then."""
        bus, snapshot = self._runtime.bus, self._runtime.settings.snapshot
        last = await bus.last(SIGNALS, grid_subject(grid, self.asset))
        if last is None:
            return GridShard(grid, self.asset, self._strategies, first, snapshot)
        done = messages.decode(last.data)
        assert isinstance(done, messages.GridMessage)
        shard = GridShard(grid, self.asset, self._strategies, done.ts + MINUTE_MS, snapshot)
        for exchange in shard.exchanges:
            shard.remember(await history_of(self._db, exchange, self.asset, done.ts, shard.history))
        for strategy in self._strategies:
            newest = await bus.last(SIGNALS, signal_subject(strategy.name, strategy.exchanges[0], self.asset))
            message = messages.decode(newest.data) if newest is not None else None
            if isinstance(message, messages.SignalMessage):
                shard.stays_failed(message)
        return shard

    async def _start_of(self, stream: StreamSpec, upto_ms: int) -> Start:
        times = [await ingest_time_ns(self._db, exchange, stream.name, upto_ms) for exchange in self._exchanges]
        known = [time_ns for time_ns in times if time_ns is not None]
        return market.start_from(min(known) if len(known) == len(times) else None)

    async def _read(self, evaluator: Evaluator, stream: StreamSpec, start: Start) -> None:
        found = shard_filters(self._exchanges, self.asset)
        filters = found.market if stream is MARKET else found.book
        async for batch in market.arrivals(self._runtime.bus, stream, filters, start):
            if batch:
                evaluator.add(stream.name, [message for message, _ in batch])
                self._read_at = time.perf_counter()
                self._arrived.set()

    async def _evaluate(self, evaluator: Evaluator, ready: Sequence[int]) -> None:
        """One grid point of each of these shards: all signals acknowledged, then the grid messages."""
        began = time.perf_counter()
        results = await evaluator.evaluate(ready)
        metrics.EVALUATION_SECONDS.labels(self.asset).observe(time.perf_counter() - began)
        acks = [
            await self._publisher.send(signal_subject(signal.strategy, signal.exchange, signal.asset), signal)
            for result in results
            for signal in result.signals
        ]
        await asyncio.gather(*acks)
        if any(signal.direction != "PASS" for result in results for signal in result.signals):
            faultpoint("runner.before_grid")
        acks = [
            await self._publisher.send(grid_subject(result.grid.exchanges, result.grid.asset), result.grid)
            for result in results
        ]
        await asyncio.gather(*acks)
        metrics.GRID_TO_SIGNAL_SECONDS.observe(time.perf_counter() - self._read_at)
        for result in results:
            await self.report(result)

    async def report(self, result: Evaluations) -> None:
        """To log, metrics and operators, once it is on the stream."""
        for signal in result.signals:
            outcome = f"pass:{signal.reason}" if signal.direction == "PASS" else signal.direction
            metrics.EVALUATIONS.labels(signal.strategy, outcome).inc()
            if signal.direction != "PASS":
                self._runtime.log.info(
                    "signal_published", strategy=signal.strategy, asset=signal.asset, direction=signal.direction,
                    confidence=signal.confidence, grid_point_ms=signal.ts,
                )  # fmt: skip
        metrics.GRID_POINT_MS.labels(result.grid.asset).set(result.grid.ts)
        for failure in result.failures:
            await operators.strategy_failed(self._runtime, self.asset, failure)
