"""One asset on one grid: what it has seen, and its evaluations in order of grid points.

Live runner and parity feed the same object; neither a clock nor the moment of a message's arrival matters.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from trading_core import ids
from trading_core.config import SnapshotConfig
from trading_core.errors import StrategyFailed
from trading_core.market.state import HISTORY, MarketState
from trading_core.messages import GridMessage, MarketData, SignalMessage, WatermarkMessage
from trading_core.model import MINUTE_MS
from trading_core.sequence.timeline import NOTHING, Timeline
from trading_core.strategy.evaluate import evaluate, is_due, pass_message
from trading_core.strategy.registry import LoadedStrategy


def first_grid_point(first_watermark_ms: int) -> int:
    """The first grid point of a history whose first watermark is this one: the full minute after it."""
    return first_watermark_ms // MINUTE_MS * MINUTE_MS + MINUTE_MS


@dataclass(frozen=True)
class Failure:
    """A strategy that raised for the first time, with the traceback as text."""

    strategy: str
    ts: int
    traceback: str


@dataclass
class Evaluations:
    """All that one grid point gave: a signal per strategy, PASS included, and the grid message that counts them."""

    grid: GridMessage
    signals: list[SignalMessage] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


class GridShard:
    """Evaluates every strategy of one grid for one asset at each full minute that its interval divides."""

    def __init__(
        self, grid: str, asset: str, strategies: Iterable[LoadedStrategy], next_ts: int, snapshot: SnapshotConfig
    ) -> None:
        self.grid = grid
        self.asset = asset
        self.exchanges = tuple(grid.split("-"))
        self.next_ts = next_ts
        self.failed: dict[str, str] = {}
        self._strategies = [s for s in strategies if s.grid == grid and asset in s.assets]
        self.history = max((s.instance.history for s in self._strategies), default=HISTORY)
        """1m candles that its strategies may look back over."""
        self.state = MarketState(asset, self.exchanges, history=self.history)
        self._timeline = Timeline(self.exchanges)
        self._snapshot = snapshot

    def remember(self, history: Iterable[MarketData]) -> None:
        """Apply what is known from before the first message that will be added, in order of application."""
        for message in history:
            self.state.apply(message)

    def stays_failed(self, newest: SignalMessage) -> None:
        """After a restart: a strategy whose newest evaluation says that it failed is not tried again unchanged."""
        for strategy in self._strategies:
            same = (newest.strategy, newest.code_hash, newest.params_hash)
            if newest.reason == "failed" and same == (strategy.name, strategy.code_hash, strategy.params_hash):
                self.failed[strategy.name] = "failed before the restart"

    def add(self, stream: str, message: MarketData | WatermarkMessage) -> None:
        if isinstance(message, WatermarkMessage) or message.asset == self.asset:
            self._timeline.add(stream, message)

    @property
    def watermark(self) -> int:
        return min((self._timeline.watermark(exchange) for exchange in self.exchanges), default=NOTHING)

    def ready(self) -> bool:
        """Nothing that `next_ts` may see can still come."""
        return self.watermark >= self.next_ts

    def evaluate_next(self) -> Evaluations:
        """The evaluations of `next_ts`, which then moves on by a minute. Call only when `ready`."""
        ts = self.next_ts
        for exchange in self.exchanges:
            for message in self._timeline.take(exchange, ts):
                self.state.apply(message)
        due = [strategy for strategy in self._strategies if is_due(strategy, ts)]
        grid = GridMessage(
            id=ids.grid(self.grid, self.asset, ts),
            exchanges=self.grid,
            asset=self.asset,
            ts=ts,
            evaluations=len(due),
        )
        result = Evaluations(grid)
        for strategy in due:
            result.signals.append(self._evaluate(strategy, ts, result.failures))
        self.next_ts = ts + MINUTE_MS
        return result

    def _evaluate(self, strategy: LoadedStrategy, ts: int, failures: list[Failure]) -> SignalMessage:
        if strategy.name not in self.failed:
            try:
                return evaluate(strategy, self.state, ts, self._snapshot)
            except StrategyFailed as error:
                self.failed[strategy.name] = str(error)
                failures.append(Failure(strategy.name, ts, str(error)))
        return pass_message(strategy, self.state, ts, "failed")
