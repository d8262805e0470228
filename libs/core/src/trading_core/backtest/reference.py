"""The reference engine of candle backtests: the live market state, evaluator and broker, fed minute by minute.

Nothing here decides. At each full minute T it does what the rule book's section on candle backtests lists:
day change, bars with stops and targets, funding, timeouts, signals, the end, mark-to-market.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from trading_core import ids
from trading_core.backtest.equity import Equity
from trading_core.backtest.feed import EXCHANGE, Feed
from trading_core.backtest.history import History
from trading_core.backtest.passes import Passes
from trading_core.backtest.record import Record
from trading_core.broker.apply import apply
from trading_core.broker.book import Book, new_book
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

PROGRESS_STEP = 1_440

Progress = Callable[[int, int], None]
"""Called now and then with (minutes done, minutes in all)."""


class ReferenceEngine:
    """The state of one run."""

    def __init__(
        self,
        history: History,
        evaluated: Sequence[LoadedStrategy],
        rules: RuleBook,
        limits: SnapshotConfig,
        from_ms: int,
        to_ms: int,
    ) -> None:
        """`evaluated`: strategies that trade on candles, by name."""
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
        self.record = Record()
        self.from_ms, self.to_ms = from_ms, to_ms

    def run(self, progress: Progress | None) -> Record:
        total = (self.to_ms - self.from_ms) // MINUTE_MS
        for minute, ts_ms in enumerate(range(self.from_ms, self.to_ms + 1, MINUTE_MS)):
            self._minute(ts_ms)
            if progress is not None and minute % PROGRESS_STEP == 0:
                progress(minute, total)
        if progress is not None:
            progress(total, total)
        return self.record

    def passes(self) -> Passes:
        return self.record.passes()

    def equity(self) -> Equity:
        return self.record.equity(self.rules)

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
        if ts_ms < self.to_ms:
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
        for loaded, feeds in self.evaluations:
            if ts_ms % loaded.interval_ms:
                continue
            name = loaded.name
            self.record.evaluations += len(feeds)
            for feed in feeds:
                outcome = decide(loaded, feed.state, ts_ms, self.limits)
                if isinstance(outcome, Pass):
                    self.record.passed(ts_ms, name, feed.asset, outcome.reason)
                else:
                    signals.append(((name, feed.asset, outcome.held), outcome, feed))
        for key, signal, feed in sorted(signals, key=lambda item: item[0]):
            if feed.has_new_mark:
                self._apply(feed.last_mark())
                feed.has_new_mark = False
            place = Place(ts_ms, Rank.SIGNAL, "|".join(key))
            self._apply(SignalInput(signal, ids.signal(signal.strategy, EXCHANGE, signal.held, ts_ms), place))

    def _apply(self, given: Input) -> None:
        self.record.take(apply(self.book, self.rules, given))
