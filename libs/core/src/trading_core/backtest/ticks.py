"""The tick backtest: what the platform recorded, through the very objects that trade live.

Nothing here decides, and nothing stands in for live code: shards evaluate, the sequencer orders, the broker applies.
Fed with a live run from its first grid point on, it trades what that run traded.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trading_core.backtest.feed import EXCHANGE
from trading_core.backtest.history import Gap, holes
from trading_core.backtest.isolated import summed
from trading_core.backtest.record import Record, Run
from trading_core.backtest.reference import Progress
from trading_core.broker.apply import apply
from trading_core.broker.book import new_book
from trading_core.broker.inputs import CloseAll, Input, MarkToMarket, Timeouts
from trading_core.broker.portfolios import concerns, ledgers_of
from trading_core.broker.rules import Isolation, RuleBook
from trading_core.errors import StrategyFailed
from trading_core.messages import CandleMessage, MarketData
from trading_core.model import MINUTE_MS
from trading_core.sequence.minute import signal_order
from trading_core.sequence.on_time import OnTime, grid_points
from trading_core.strategy.registry import LoadedStrategy

if TYPE_CHECKING:
    from trading_core.config import SnapshotConfig

_PROGRESS_STEP = 60


@dataclass
class LiveMinutes:
    """Open times of the candles that came as they closed, by asset: in those minutes the platform watched."""

    opens: dict[str, set[int]]
    from_ms: int
    to_ms: int

    @classmethod
    def within(cls, assets: Sequence[str], from_ms: int, to_ms: int) -> LiveMinutes:
        return cls({asset: set() for asset in assets}, from_ms, to_ms)

    def see(self, message: CandleMessage) -> None:
        inside = self.from_ms <= message.open_time_ms < self.to_ms
        if inside and not message.backfilled and message.asset in self.opens:
            self.opens[message.asset].add(message.open_time_ms)

    @property
    def coverage(self) -> float:
        """The fraction of the minutes of all assets that were watched."""
        minutes = len(self.opens) * ((self.to_ms - self.from_ms) // MINUTE_MS)
        return sum(map(len, self.opens.values())) / minutes if minutes else 0.0

    def gaps(self) -> list[Gap]:
        """The others, by asset, in order."""
        return [
            gap
            for asset, opens in sorted(self.opens.items())
            for gap in holes(asset, np.array(sorted(opens), np.int64), self.from_ms, self.to_ms)
        ]


async def run_ticks(
    market: AsyncIterator[MarketData],
    source: str,
    strategies: Sequence[LoadedStrategy],
    assets: Sequence[str],
    rules: RuleBook,
    limits: SnapshotConfig,
    from_ms: int,
    to_ms: int,
    progress: Progress | None = None,
    *,
    exchanges: Sequence[str] = (EXCHANGE,),
    isolation: Isolation = "shared",
) -> Run:
    """The run over grid points `from_ms` to `to_ms`, bounds rounded up to full minutes; it starts with nothing open.

    market: everything visible up to `to_ms`, in order of application; what is visible by `from_ms` - 1 minute is what
    the strategies know already, and of that only the order within an asset matters. exchanges: those it is of.
    ValueError for an empty span. StrategyFailed when a strategy raises.
    """
    from_ms, to_ms = (-(-bound // MINUTE_MS) * MINUTE_MS for bound in (from_ms, to_ms))
    if from_ms >= to_ms:
        raise ValueError(f"an empty span: from {from_ms} to {to_ms}")
    ordered = sorted(strategies, key=lambda loaded: loaded.name)
    evaluated = tuple(loaded for loaded in ordered if set(loaded.exchanges) <= set(exchanges))
    if not evaluated:
        isolation = "shared"
    ledgers = [_Ledger(own) for own in ledgers_of(rules, isolation, [loaded.name for loaded in evaluated])]
    ticks = _TickRun(evaluated, sorted(assets), exchanges, ledgers, limits, from_ms, to_ms)
    gaps = await ticks.run(market, progress)
    runs = [
        Run(
            from_ms=from_ms,
            to_ms=to_ms,
            rules=ledger.rules,
            strategies=tuple(loaded for loaded in evaluated if ledger.rules.takes(loaded.name)),
            not_evaluated=tuple(loaded for loaded in ordered if loaded not in evaluated),
            assets=tuple(sorted(assets)),
            source=source,
            gaps=gaps,
            equity=ledger.record.equity(ledger.rules),
            decisions=ledger.record.decisions,
            trades=ledger.record.trades,
            payments=ledger.record.payments,
            owed=ledger.record.owed,
            passes=ledger.record.passes(),
            evaluations=ledger.record.evaluations,
            fidelity="tick",
        )
        for ledger in ledgers
    ]
    return runs[0] if isolation == "shared" else summed(runs, rules)


class _Ledger:
    """One ledger's rules, its state, and what happened on it."""

    def __init__(self, rules: RuleBook) -> None:
        self.rules = rules
        self.book = new_book(rules)
        self.record = Record()

    def apply(self, given: Input) -> None:
        if concerns(self.rules, given) and not (isinstance(given, Timeouts) and not self.book.timeout_due()):
            self.record.take(apply(self.book, self.rules, given))


class _TickRun:
    """The state of one run."""

    def __init__(
        self,
        strategies: Sequence[LoadedStrategy],
        assets: Sequence[str],
        exchanges: Sequence[str],
        ledgers: Sequence[_Ledger],
        limits: SnapshotConfig,
        from_ms: int,
        to_ms: int,
    ) -> None:
        self._from_ms, self._to_ms = from_ms, to_ms
        self._ledgers = ledgers
        self._on_time = OnTime(strategies, assets, exchanges, from_ms, limits)
        self._live = LiveMinutes.within(assets, from_ms, to_ms)
        self._known_ms = from_ms - MINUTE_MS

    async def run(self, market: AsyncIterator[MarketData], progress: Progress | None) -> list[Gap]:
        """Fills the records of the ledgers; the minutes that nobody watched."""
        total = (self._to_ms - self._from_ms) // MINUTE_MS
        async for ts in grid_points(self._from_ms, self._to_ms, market, self._take):
            if ts < self._to_ms:
                self._evaluate(ts)
            for step in self._on_time.steps():
                if ts == self._to_ms and isinstance(step, MarkToMarket):
                    self._apply(CloseAll(ts))
                self._apply(step)
            minute = (ts - self._from_ms) // MINUTE_MS
            if progress is not None and (minute % _PROGRESS_STEP == 0 or minute == total):
                progress(minute, total)
        return self._live.gaps()

    def _take(self, message: MarketData) -> None:
        if isinstance(message, CandleMessage):
            self._live.see(message)
        if message.visible_ms <= self._known_ms:
            self._on_time.remember(message)
        else:
            self._on_time.take(message)

    def _evaluate(self, ts: int) -> None:
        results = self._on_time.evaluate()
        for failure in (failure for result in results for failure in result.failures):
            raise StrategyFailed(failure.traceback)
        for result in results:
            for signal in result.signals:
                self._record_of(signal.strategy).evaluations += 1
        signals = [signal for result in results for signal in result.signals if signal.direction == "PASS"]
        for signal in sorted(signals, key=signal_order):
            self._record_of(signal.strategy).passed(ts, signal.strategy, signal.asset, signal.reason or "")

    def _record_of(self, strategy: str) -> Record:
        return next(ledger.record for ledger in self._ledgers if ledger.rules.takes(strategy))

    def _apply(self, given: Input) -> None:
        for ledger in self._ledgers:
            ledger.apply(given)
