"""One asset on one grid: what it has seen, and its evaluations in order of grid points.

Live runner and parity feed the same object; neither a clock nor the moment of a message's arrival matters.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from trading_core import ids
from trading_core.config import SnapshotConfig
from trading_core.errors import Overrun, StrategyFailed
from trading_core.market.state import HISTORY, MarketState
from trading_core.messages import GridMessage, MarketData, SignalMessage, WatermarkMessage
from trading_core.model import MINUTE_MS
from trading_core.sequence.timeline import NOTHING, Timeline
from trading_core.strategy.evaluate import evaluate, is_due, pass_message
from trading_core.strategy.registry import LoadedStrategy

Watch = Callable[[LoadedStrategy], AbstractContextManager[None]]
"""Around each evaluation: whoever runs strategies learns which one is at work, and may raise Overrun into it."""
_UNWATCHED = nullcontext()


def first_grid_point(first_watermark_ms: int) -> int:
    """The first grid point of a history whose first watermark is this one: the full minute after it."""
    return first_watermark_ms // MINUTE_MS * MINUTE_MS + MINUTE_MS


@dataclass(frozen=True)
class Failure:
    """A strategy that raised, overran or broke its process for the first time; the traceback, or what is known."""

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
        """Strategies that are not evaluated any more, with the reason; until they are replaced by a changed version."""
        self.strategies = [s for s in strategies if s.grid == grid and asset in s.assets]
        self.watch: Watch = _unwatched
        self.history = max((s.instance.history for s in self.strategies), default=HISTORY)
        """1m candles that its strategies may look back over."""
        self.state = MarketState(asset, self.exchanges, history=self.history)
        self._timeline = Timeline(self.exchanges)
        self._snapshot = snapshot

    def replace(self, changed: LoadedStrategy) -> None:
        """From the next grid point on `changed` is evaluated instead of the strategy of its name, failed or not.

        ValueError when it needs more history than is kept. One that is off, or not of this asset, is left out.
        """
        if changed.instance.history > self.history:
            raise ValueError(
                f"{changed.name} looks back over {changed.instance.history} minutes of {self.history} kept"
            )
        kept = [strategy for strategy in self.strategies if strategy.name != changed.name]
        if changed.enabled and changed.grid == self.grid and self.asset in changed.assets:
            kept.append(changed)
        self.strategies = sorted(kept, key=lambda strategy: strategy.name)
        self.failed.pop(changed.name, None)

    def remember(self, history: Iterable[MarketData]) -> None:
        """Apply what is known from before the first message that will be added, in order of application."""
        for message in history:
            self.state.apply(message)

    def stays_failed(self, newest: SignalMessage) -> None:
        """After a restart: a strategy whose newest evaluation says that it failed is not tried again unchanged."""
        for strategy in self.strategies:
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

    def advance(self) -> int:
        """Take in what is visible by `next_ts`, which moves on by a minute; the grid point that is then the present.

        Call only when `ready`.
        """
        ts = self.next_ts
        for exchange in self.exchanges:
            for message in self._timeline.take(exchange, ts):
                self.state.apply(message)
        self.next_ts = ts + MINUTE_MS
        return ts

    def evaluate_next(self, failed: Container[str] = ()) -> Evaluations:
        """`advance`, and the evaluations of that grid point.

        failed: strategies that are known to have failed there, as in a recording: overrunning depends on the machine,
        so a replay is told of it, as it is told of skips.
        """
        ts = self.advance()
        due = [strategy for strategy in self.strategies if is_due(strategy, ts)]
        grid = GridMessage(
            id=ids.grid(self.grid, self.asset, ts),
            exchanges=self.grid,
            asset=self.asset,
            ts=ts,
            evaluations=len(due),
        )
        result = Evaluations(grid)
        for strategy in due:
            if strategy.name in failed:
                result.signals.append(self._failed(strategy, ts))
            else:
                result.signals.append(self._evaluate(strategy, ts, result.failures))
        return result

    def _evaluate(self, strategy: LoadedStrategy, ts: int, failures: list[Failure]) -> SignalMessage:
        if strategy.name not in self.failed:
            try:
                with self.watch(strategy):
                    return evaluate(strategy, self.state, ts, self._snapshot)
            except (StrategyFailed, Overrun) as error:
                self.failed[strategy.name] = str(error)
                failures.append(Failure(strategy.name, ts, str(error)))
        return self._failed(strategy, ts)

    def _failed(self, strategy: LoadedStrategy, ts: int) -> SignalMessage:
        return pass_message(strategy, self.state, ts, "failed")


def _unwatched(_strategy: LoadedStrategy) -> AbstractContextManager[None]:
    return _UNWATCHED
