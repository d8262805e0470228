"""Wiring: streams in, grid points evaluated, signals and grid messages out."""

from __future__ import annotations

import asyncio
import os
import time

import asyncpg

from strategy_runner import metrics
from strategy_runner.history import ingest_time_ns
from trading_core import ids, messages
from trading_core.bus import market
from trading_core.bus.ordered import Start
from trading_core.bus.publisher import WindowPublisher
from trading_core.db.history import history_of
from trading_core.db.pool import connect_pool
from trading_core.errors import ConfigError
from trading_core.messages import OpsMessage
from trading_core.model import MINUTE_MS
from trading_core.runtime import Runtime
from trading_core.sequence.shard import Evaluations, GridShard, first_grid_point
from trading_core.strategy.registry import LoadedStrategy, enabled_strategies
from trading_core.streams import (
    BOOK,
    MARKET,
    SIGNALS,
    StreamSpec,
    grid_subject,
    ops_subject,
    shard_filters,
    signal_subject,
)


async def run(runtime: Runtime) -> None:
    """Evaluate until `runtime.stop` is set."""
    strategies = enabled_strategies(runtime.settings)
    if not strategies:
        raise ConfigError("no strategy is enabled. Set strategies.<name>.enabled: true in config.yaml.")
    runner = Runner(runtime, strategies, pinned_assets(runtime.settings.assets))
    await runtime.until_stop(runner.run())


def pinned_assets(configured: tuple[str, ...]) -> tuple[str, ...]:
    """The assets of this runner: RUNNER_ASSETS=BTC,ETH, or all that are configured."""
    pinned = tuple(asset.strip() for asset in os.environ.get("RUNNER_ASSETS", "").split(",") if asset.strip())
    unknown = [asset for asset in pinned if asset not in configured]
    if unknown:
        raise ConfigError(f"RUNNER_ASSETS names {', '.join(unknown)}; config.yaml: assets has {', '.join(configured)}")
    return pinned or configured


class Runner:
    def __init__(self, runtime: Runtime, strategies: list[LoadedStrategy], assets: tuple[str, ...]) -> None:
        self._runtime = runtime
        self._strategies = strategies
        self._assets = assets
        self._grids = sorted({strategy.grid for strategy in strategies})
        self._exchanges = tuple(sorted({name for grid in self._grids for name in grid.split("-")}))
        self._publisher = WindowPublisher(runtime.bus)
        self._shards: list[GridShard] = []
        self._arrived = asyncio.Event()
        self._read_at = 0.0

    async def run(self) -> None:
        """Never ends; what raises ends the service."""
        starts = await self._restore()
        self._runtime.log.info(
            "runner_started",
            strategies=[strategy.name for strategy in self._strategies],
            assets=list(self._assets),
            next_grid_points={f"{shard.grid}/{shard.asset}": shard.next_ts for shard in self._shards},
        )
        async with asyncio.TaskGroup() as tasks:
            for stream, start in starts.items():
                tasks.create_task(self._read(stream, start))
            tasks.create_task(self._evaluate_for_ever())

    async def _evaluate_for_ever(self) -> None:
        while True:
            ready = [shard for shard in self._shards if shard.ready()]
            if ready:
                await self._evaluate(ready)
            else:
                self._arrived.clear()
                await self._arrived.wait()

    async def _restore(self) -> dict[StreamSpec, Start]:
        """Where each shard goes on, what it knows already, and from where each stream is read."""
        runtime = self._runtime
        runtime.health.detail = {"waiting_for": "the first watermark of each exchange"}
        firsts = {exchange: await market.first_watermark(runtime.bus, exchange) for exchange in self._exchanges}
        resumed_from: list[int] = []
        database = await connect_pool(runtime.settings.database.url, role_name="strategy-runner", max=2)
        try:
            for grid in self._grids:
                first = first_grid_point(max(firsts[exchange] for exchange in grid.split("-")))
                for asset in self._assets:
                    shard = await self._shard(database, grid, asset, first)
                    self._shards.append(shard)
                    resumed_from.append(shard.next_ts if shard.next_ts > first else -1)
            # Two minutes earlier than the earliest shard, so that its mark is surely among what is read.
            upto_ms = min(resumed_from) - 2 * MINUTE_MS
            return {stream: await self._start_of(database, stream, upto_ms) for stream in (MARKET, BOOK)}
        finally:
            await database.close()

    async def _shard(self, database: asyncpg.Pool, grid: str, asset: str, first: int) -> GridShard:
        """A shard at its first grid point, or after its last grid message with what it knew by then."""
        bus, snapshot = self._runtime.bus, self._runtime.settings.snapshot
        last = await bus.last(SIGNALS, grid_subject(grid, asset))
        if last is None:
            return GridShard(grid, asset, self._strategies, first, snapshot)
        done = messages.decode(last.data)
        assert isinstance(done, messages.GridMessage)
        shard = GridShard(grid, asset, self._strategies, done.ts + MINUTE_MS, snapshot)
        for exchange in shard.exchanges:
            shard.remember(await history_of(database, exchange, asset, done.ts, shard.history))
        for strategy in self._strategies:
            newest = await bus.last(SIGNALS, signal_subject(strategy.name, strategy.exchanges[0], asset))
            message = messages.decode(newest.data) if newest is not None else None
            if isinstance(message, messages.SignalMessage):
                shard.stays_failed(message)
        return shard

    async def _start_of(self, database: asyncpg.Pool, stream: StreamSpec, upto_ms: int) -> Start:
        times = [await ingest_time_ns(database, exchange, stream.name, upto_ms) for exchange in self._exchanges]
        known = [time_ns for time_ns in times if time_ns is not None]
        return market.start_from(min(known) if len(known) == len(times) else None)

    async def _read(self, stream: StreamSpec, start: Start) -> None:
        filters: dict[str, None] = {}
        for asset in self._assets:
            found = shard_filters(self._exchanges, asset)
            filters |= dict.fromkeys(found.market if stream is MARKET else found.book)
        async for batch in market.arrivals(self._runtime.bus, stream, tuple(filters), start):
            for message, _ in batch:
                for shard in self._shards:
                    shard.add(stream.name, message)
            if batch:
                self._read_at = time.perf_counter()
                self._arrived.set()

    async def _evaluate(self, ready: list[GridShard]) -> None:
        """One grid point of each of these shards: all signals acknowledged, then the grid messages."""
        results = []
        for shard in ready:
            began = time.perf_counter()
            results.append(shard.evaluate_next())
            metrics.EVALUATION_SECONDS.labels(shard.asset).observe(time.perf_counter() - began)
        acks = [
            await self._publisher.send(signal_subject(signal.strategy, signal.exchange, signal.asset), signal)
            for result in results
            for signal in result.signals
        ]
        await asyncio.gather(*acks)
        acks = [
            await self._publisher.send(grid_subject(result.grid.exchanges, result.grid.asset), result.grid)
            for result in results
        ]
        await asyncio.gather(*acks)
        metrics.GRID_TO_SIGNAL_SECONDS.observe(time.perf_counter() - self._read_at)
        for result in results:
            await self._report(result)

    async def _report(self, result: Evaluations) -> None:
        for signal in result.signals:
            outcome = f"pass:{signal.reason}" if signal.direction == "PASS" else signal.direction
            metrics.EVALUATIONS.labels(signal.strategy, outcome).inc()
            if signal.direction != "PASS":
                self._runtime.log.info(
                    "signal_published",
                    strategy=signal.strategy,
                    asset=signal.asset,
                    direction=signal.direction,
                    confidence=signal.confidence,
                    grid_point_ms=signal.ts,
                )
        metrics.GRID_POINT_MS.labels(result.grid.asset).set(result.grid.ts)
        self._runtime.health.event_time_ms = min(shard.next_ts for shard in self._shards) - MINUTE_MS
        self._runtime.health.detail = {"assets": list(self._assets)}
        for failure in result.failures:
            metrics.STRATEGIES_FAILED.inc()
            self._runtime.log.error("strategy_failed", strategy=failure.strategy, traceback=failure.traceback)
            message = OpsMessage(
                id=f"op:strategy-runner:error:{failure.strategy}:{result.grid.asset}:{failure.ts}:{ids.h8(failure.traceback)}",
                service="strategy-runner",
                event="error",
                event_time_ms=failure.ts,
                severity="error",
                body={"strategy": failure.strategy, "asset": result.grid.asset, "traceback": failure.traceback},
            )
            await self._runtime.bus.publish(ops_subject("strategy-runner", "error"), message)
