"""Strategies and broker over market data that lies there whole: every signal on time, nobody skipped.

Tick backtests and parity run what was recorded through the very objects that trade live; only the waiting is gone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Container, Iterable, Mapping, Sequence

from trading_core.broker.inputs import Input
from trading_core.config import SnapshotConfig
from trading_core.messages import MarketData
from trading_core.model import MINUTE_MS
from trading_core.sequence.minute import DECIDED_UPON
from trading_core.sequence.sequencer import Resume, Sequencer
from trading_core.sequence.shard import Evaluations, GridShard
from trading_core.strategy.registry import LoadedStrategy
from trading_core.streams import MARKET


async def grid_points(
    first_ms: int, last_ms: int, market: AsyncIterator[MarketData], take: Callable[[MarketData], None]
) -> AsyncIterator[int]:
    """Each grid point from `first_ms` to `last_ms`, once `take` has had every message that is visible by then."""
    ts = first_ms
    async for message in market:
        while message.visible_ms > ts and ts <= last_ms:
            yield ts
            ts += MINUTE_MS
        if ts > last_ms:
            return
        take(message)
    while ts <= last_ms:
        yield ts
        ts += MINUTE_MS


class Stage:
    """Every shard of some strategies and the broker's order, from grid point `first_ms` on.

    `resume`: where the broker stood before it; None for a new portfolio.
    """

    def __init__(
        self,
        strategies: Sequence[LoadedStrategy],
        assets: Sequence[str],
        exchanges: Sequence[str],
        first_ms: int,
        snapshot: SnapshotConfig,
        resume: Resume | None = None,
    ) -> None:
        shards = {(strategy.grid, asset) for strategy in strategies for asset in assets}
        self.shards = [GridShard(grid, asset, strategies, first_ms, snapshot) for grid, asset in sorted(shards)]
        self._readers = {
            (exchange, asset): [s for s in self.shards if s.asset == asset and exchange in s.exchanges]
            for exchange in exchanges
            for asset in assets
        }
        self.sequencer = Sequencer(exchanges=exchanges, shards=shards, start=resume or first_ms - MINUTE_MS)

    def remember(self, message: MarketData) -> None:
        """What strategies know from before the first grid point; the broker starts without it."""
        for shard in self._readers.get((message.exchange, message.asset), ()):
            shard.remember((message,))

    def take(self, message: MarketData) -> None:
        for shard in self._readers.get((message.exchange, message.asset), ()):
            shard.add(MARKET.name, message)
        if isinstance(message, DECIDED_UPON):
            self.sequencer.add_market(MARKET.name, message)


class OnTime(Stage):
    """Nobody is late: per grid point `take` what is visible by then, `evaluate`, then apply `steps` in order."""

    def evaluate(self, failed: Mapping[str, Container[str]] | None = None) -> list[Evaluations]:
        """What every shard says at the next grid point; its signals are applied on time.

        failed: strategies by asset that are known to have failed there.
        """
        known = failed or {}
        results = [shard.evaluate_next(known.get(shard.asset, ())) for shard in self.shards]
        for result in results:
            for signal in result.signals:
                if signal.direction != "PASS":
                    self.sequencer.add_signal(signal)
        return results

    def steps(self) -> Iterable[Input]:
        """What the broker applies up to and including that grid point, in order."""
        for place, step in self.sequencer.pass_recorded({}).steps:
            yield step
            self.sequencer.advance(place)
