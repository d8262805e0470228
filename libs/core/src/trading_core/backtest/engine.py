"""The candle backtest: the live market state, evaluator and broker, fed minute by minute from history.

Nothing here decides. At each full minute T it does what the rule book's section on candle backtests lists:
day change, bars with stops and targets, funding, timeouts, signals, the end, mark-to-market.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trading_core import ids
from trading_core.backtest.feed import EXCHANGE, Feed
from trading_core.backtest.history import Gap, History
from trading_core.backtest.passes import DailyLog
from trading_core.broker.apply import apply
from trading_core.broker.book import Book, new_book
from trading_core.broker.events import Decision, EquityMark, Fill, FundingOwed, FundingPayment, PositionState
from trading_core.broker.inputs import (
    CloseAll,
    DayChange,
    FundingHour,
    FundingRate,
    Input,
    MarkToMarket,
    Place,
    Rank,
    SignalInput,
    Timeouts,
)
from trading_core.broker.rules import RuleBook
from trading_core.market.state import HISTORY
from trading_core.model import DAY_MS, HOUR_MS, MINUTE_MS, Signal
from trading_core.strategy.evaluate import Pass, decide
from trading_core.strategy.registry import LoadedStrategy

if TYPE_CHECKING:
    from trading_core.config import SnapshotConfig

_PROGRESS_STEP = 1_440

Progress = Callable[[int, int], None]
"""Called now and then with (minutes done, minutes in all)."""


@dataclass(slots=True)
class Run:
    """What happened in a backtest: the broker's events sorted by kind, in order of time."""

    from_ms: int
    to_ms: int
    rules: RuleBook
    strategies: tuple[LoadedStrategy, ...]
    not_evaluated: tuple[LoadedStrategy, ...]
    """Strategies that need an exchange of which there are no candles."""
    assets: tuple[str, ...]
    source: str
    gaps: list[Gap]
    decisions: list[Decision] = field(default_factory=list)
    trades: list[PositionState] = field(default_factory=list)
    """Closed positions in order of closing."""
    payments: list[FundingPayment] = field(default_factory=list)
    owed: list[FundingOwed] = field(default_factory=list)
    equity: list[EquityMark] = field(default_factory=list)
    passes: DailyLog = field(default_factory=DailyLog)
    both_levels: int = 0
    """Exits whose bar held the stop and the target."""
    evaluations: int = 0


def run_backtest(
    history: History,
    strategies: Sequence[LoadedStrategy],
    rules: RuleBook,
    limits: SnapshotConfig,
    from_ms: int,
    to_ms: int,
    progress: Progress | None = None,
) -> Run:
    """The run over bars that open in [from_ms, to_ms); earlier ones warm up the indicators only.

    Bounds inside a minute are rounded up, which leaves the set of bars as it is. ValueError for an empty span.
    StrategyFailed when a strategy raises.
    """
    from_ms, to_ms = (-(-bound // MINUTE_MS) * MINUTE_MS for bound in (from_ms, to_ms))
    if from_ms >= to_ms:
        raise ValueError(f"an empty span: from {from_ms} to {to_ms}")
    return _Engine(history, strategies, rules, limits, from_ms, to_ms).run(progress)


class _Engine:
    """The state of one run."""

    def __init__(
        self,
        history: History,
        strategies: Sequence[LoadedStrategy],
        rules: RuleBook,
        limits: SnapshotConfig,
        from_ms: int,
        to_ms: int,
    ) -> None:
        ordered = sorted(strategies, key=lambda loaded: loaded.name)
        evaluated = tuple(loaded for loaded in ordered if loaded.exchanges == (EXCHANGE,))
        assets = tuple(sorted(history.candles))
        keep = max((loaded.instance.history for loaded in evaluated), default=HISTORY)
        self.limits = limits
        self.rules = rules
        self.book: Book = new_book(rules)
        self.feeds = {asset: Feed(asset, history, from_ms, to_ms, keep, rules.funding_interval_h) for asset in assets}
        self.evaluations = [
            (loaded, [self.feeds[asset] for asset in sorted(loaded.assets) if asset in self.feeds])
            for loaded in evaluated
        ]
        self.run_ = Run(
            from_ms=from_ms,
            to_ms=to_ms,
            rules=rules,
            strategies=evaluated,
            not_evaluated=tuple(loaded for loaded in ordered if loaded not in evaluated),
            assets=assets,
            source=history.source,
            gaps=history.gaps(from_ms, to_ms),
        )

    def run(self, progress: Progress | None) -> Run:
        run = self.run_
        total = (run.to_ms - run.from_ms) // MINUTE_MS
        for minute, ts_ms in enumerate(range(run.from_ms, run.to_ms + 1, MINUTE_MS)):
            self._minute(ts_ms)
            if progress is not None and minute % _PROGRESS_STEP == 0:
                progress(minute, total)
        if progress is not None:
            progress(total, total)
        return run

    def _minute(self, ts_ms: int) -> None:
        book = self.book
        if ts_ms % DAY_MS == 0:
            self._apply(DayChange(ts_ms))
        for feed in self.feeds.values():
            if feed.next_close_ms == ts_ms:
                feed.take_bar()
                # A mark nobody looks at is only remembered: it is applied before the next signal of its asset.
                feed.has_new_mark = feed.key not in book.by_instrument
                if not feed.has_new_mark:
                    self._apply(feed.last_bar())
            if feed.next_stamp_ms <= ts_ms:
                feed.take_funding(ts_ms)
        if book.positions:
            if ts_ms % HOUR_MS == 0:
                self._funding(ts_ms)
            if book.timeout_due():
                self._apply(Timeouts(ts_ms))
        if ts_ms < self.run_.to_ms:
            self._signals(ts_ms)
        else:
            self._apply(CloseAll(ts_ms))
        self._apply(MarkToMarket(ts_ms))

    def _funding(self, hour_ms: int) -> None:
        for feed in self.feeds.values():
            row = feed.rates.get(hour_ms)
            if row is not None and feed.key in self.book.by_instrument:
                event_id = ids.funding(EXCHANGE, feed.asset, hour_ms)
                self._apply(FundingRate(EXCHANGE, feed.asset, hour_ms, row.rate, event_id, hour_ms, hour_ms))
        self._apply(FundingHour(hour_ms))

    def _signals(self, ts_ms: int) -> None:
        """All strategies evaluate before any signal is applied, so that none sees what another did."""
        signals: list[tuple[tuple[str, str, str], Signal, Feed]] = []
        run = self.run_
        for loaded, feeds in self.evaluations:
            if ts_ms % loaded.interval_ms:
                continue
            name = loaded.name
            run.evaluations += len(feeds)
            for feed in feeds:
                outcome = decide(loaded, feed.state, ts_ms, self.limits)
                if isinstance(outcome, Pass):
                    asset, reason = feed.asset, outcome.reason
                    run.passes.add(ts_ms, f"{name}/{asset}/{reason}", f"{ts_ms}|{name}|{asset}|{reason}")
                else:
                    signals.append(((name, feed.asset, outcome.held), outcome, feed))
        for key, signal, feed in sorted(signals, key=lambda item: item[0]):
            if feed.has_new_mark:
                self._apply(feed.last_mark())
                feed.has_new_mark = False
            place = Place(ts_ms, Rank.SIGNAL, "|".join(key))
            self._apply(SignalInput(signal, ids.signal(signal.strategy, EXCHANGE, signal.held, ts_ms), place))

    def _apply(self, given: Input) -> None:
        run = self.run_
        for event in apply(self.book, self.rules, given):
            match event:
                case EquityMark():
                    run.equity.append(event)
                case Decision():
                    run.decisions.append(event)
                case PositionState():
                    if event.status == "CLOSED":
                        run.trades.append(event)
                case Fill():
                    run.both_levels += event.both_levels
                case FundingPayment():
                    run.payments.append(event)
                case FundingOwed():
                    run.owed.append(event)
                case _:
                    pass  # Orders, days and pauses are in the decisions and trades they lead to.
