"""The fast engine of candle backtests: looks only at the minutes at which something can happen.

The rules are those of the broker, applied to the same inputs in the same order as in the reference engine. What is
left out are minutes that change nothing: no level reached, no deadline, no hour to pay for, no signal that is not
surely refused. Before an input the marks become what the reference would hold at that moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trading_core import ids
from trading_core.backtest.bars import Bars, bars_of
from trading_core.backtest.equity import Equity
from trading_core.backtest.feed import EXCHANGE
from trading_core.backtest.history import History
from trading_core.backtest.opinions import Evaluator, make_exact, opinions
from trading_core.backtest.passes import Passes
from trading_core.backtest.record import Record
from trading_core.backtest.reference import Progress
from trading_core.backtest.rows import Ledger
from trading_core.backtest.stream import Stream
from trading_core.backtest.watch import Watch
from trading_core.broker.apply import apply
from trading_core.broker.book import HeldMark, new_book
from trading_core.broker.events import Decision, PositionState, Reason, StrategyPaused, StrategyResumed
from trading_core.broker.inputs import (
    CloseAll,
    DayChange,
    FundingHour,
    FundingRate,
    Input,
    Place,
    Rank,
    SignalInput,
    Timeouts,
)
from trading_core.broker.rules import RuleBook
from trading_core.model import DAY_MS, HOUR_MS, MINUTE_MS
from trading_core.strategy.registry import LoadedStrategy

if TYPE_CHECKING:
    from trading_core.config import SnapshotConfig


class FastEngine:
    """The state of one run. `evaluated`: strategies that trade on candles, by name."""

    def __init__(
        self,
        history: History,
        evaluated: Sequence[LoadedStrategy],
        rules: RuleBook,
        limits: SnapshotConfig,
        from_ms: int,
        to_ms: int,
    ) -> None:
        self.rules = rules
        self.from_ms, self.to_ms = from_ms, to_ms
        self.record = Record()
        self.book = new_book(rules)
        self.bars = {
            asset: bars_of(history, asset, to_ms, rules.funding_interval_h) for asset in sorted(history.candles)
        }
        self.ledger = Ledger(from_ms, to_ms)
        self.watches: dict[str, Watch] = {}
        self.streams: list[Stream] = []
        self.columns = Passes()
        self._changed: set[str] = set()
        for loaded in evaluated:
            assets = [asset for asset in sorted(loaded.assets) if asset in self.bars]
            for asset in assets:
                self._add_stream(loaded, self.bars[asset], limits, has_siblings=len(assets) > 1)

    def _add_stream(self, loaded: LoadedStrategy, bars: Bars, limits: SnapshotConfig, *, has_siblings: bool) -> None:
        evaluator = Evaluator(loaded, bars, limits)
        found = opinions(loaded, bars, evaluator, limits, self.from_ms, self.to_ms)
        rules = self.rules.rules_for(loaded.name, EXCHANGE)
        make_exact(found, rules.min_confidence, evaluator)
        self.record.evaluations += len(found.ts) + len(found.without_candle)
        self.columns.columns.append(found.passes(loaded.name, bars.asset))
        stream = Stream(loaded.name, bars, rules, evaluator, found, self.record.decisions)
        stream.has_siblings = has_siblings
        self.streams.append(stream)

    def run(self, progress: Progress | None) -> Record:
        total, told = (self.to_ms - self.from_ms) // MINUTE_MS, self.from_ms
        for stream in self.streams:
            stream.plan(self.book)
        ts_ms = self._next(self.from_ms - 1)
        while ts_ms < self.to_ms:
            self._minute(ts_ms)
            if progress is not None and ts_ms - told >= DAY_MS:
                told = ts_ms
                progress((ts_ms - self.from_ms) // MINUTE_MS, total)
            ts_ms = self._next(ts_ms)
        self._minute(self.to_ms)
        for stream in self.streams:
            stream.settle(self.to_ms, included=False)
        if progress is not None:
            progress(total, total)
        return self.record

    def passes(self) -> Passes:
        return self.columns

    def equity(self) -> Equity:
        return self.ledger.equity(self.rules.initial_capital, self.bars)

    def _next(self, after_ms: int) -> int:
        """The next minute to look at; the last one when nothing comes before it."""
        found = min(self.to_ms, (after_ms // DAY_MS + 1) * DAY_MS)
        for stream in self.streams:
            if stream.next_ms < found:
                found = stream.next_ms
        if self.watches:
            found = min(found, (after_ms // HOUR_MS + 1) * HOUR_MS)
            for watch in self.watches.values():
                if watch.next_ms < found:
                    found = watch.next_ms
        return found

    def _minute(self, ts_ms: int) -> None:
        """As in the reference engine, step by step."""
        if ts_ms % DAY_MS == 0:
            self._hold_marks(ts_ms - MINUTE_MS)
            self._apply(DayChange(ts_ms))
        if self.watches:
            self._exits(ts_ms)
        if self.watches and ts_ms % HOUR_MS == 0:
            self._funding(ts_ms)
        if any(watch.deadline_ms <= ts_ms for watch in self.watches.values()):
            self._hold_marks(ts_ms)
            self._apply(Timeouts(ts_ms))
        if ts_ms == self.to_ms:
            self._hold_marks(ts_ms)
            self._apply(CloseAll(ts_ms))
            return
        if self._changed:
            self._replan(ts_ms, -1)
        for number, stream in enumerate(self.streams):
            if stream.next_ms == ts_ms:
                self._signal(stream, number, ts_ms)

    def _exits(self, ts_ms: int) -> None:
        """Bars that may reach a level, by asset."""
        due = {watch.asset for watch in self.watches.values() if watch.is_due(ts_ms)}
        for asset in sorted(due):
            bars = self.bars[asset]
            row = bars.minutes.closed_by(ts_ms) - 1
            self._hold(bars, row - 1)
            self._apply(bars.bar(row))
        for watch in self.watches.values():
            watch.look_on(ts_ms)

    def _funding(self, hour_ms: int) -> None:
        self._hold_marks(hour_ms)
        for bars in self.bars.values():
            row = bars.rates.get(hour_ms)
            if row is not None and bars.key in self.book.by_instrument:
                event_id = ids.funding(EXCHANGE, bars.asset, hour_ms)
                self._apply(FundingRate(EXCHANGE, bars.asset, hour_ms, row.rate, event_id, hour_ms, hour_ms))
        self._apply(FundingHour(hour_ms))

    def _signal(self, stream: Stream, number: int, ts_ms: int) -> None:
        signal = stream.signal()
        key = (stream.name, stream.bars.asset, signal.held)
        self._hold_marks(ts_ms)
        self._hold(stream.bars, stream.bars.minutes.closed_by(ts_ms) - 1)
        place = Place(ts_ms, Rank.SIGNAL, "|".join(key))
        event_id = ids.signal(signal.strategy, EXCHANGE, signal.held, ts_ms)
        reason = self._apply(SignalInput(signal, event_id, place))
        stream.decided()
        if self._changed:
            self._replan(ts_ms, number)
        else:
            stream.refused(self.book, reason)

    def _replan(self, ts_ms: int, up_to: int) -> None:
        """What has changed begins to count: at `ts_ms` for the streams after number `up_to`, past it for the others."""
        for number, stream in enumerate(self.streams):
            if stream.name in self._changed and stream.is_affected(self.book):
                stream.settle(ts_ms, included=number <= up_to)
                stream.plan(self.book)
        self._changed.clear()

    def _hold_marks(self, ts_ms: int) -> None:
        """Marks of all instruments with a position as of `ts_ms`."""
        for asset in {watch.asset for watch in self.watches.values()}:
            bars = self.bars[asset]
            self._hold(bars, bars.minutes.closed_by(ts_ms) - 1)

    def _hold(self, bars: Bars, row: int) -> None:
        """The close of bar `row` as the mark, the one before it as the price it replaced.

        What a row of inputs `Bar` would have left in the book: the one change to it that is not the broker's.
        """
        if row < 0:
            return
        closes, book, time_ms = bars.minutes.close, self.book, bars.closes_at(row)
        held = book.marks.get(bars.key)
        if held is not None and held.event_time_ms == time_ms:
            return
        before = float(closes[row - 1]) if row else None
        book.marks[bars.key] = HeldMark(float(closes[row]), bars.mark_id(row), time_ms, time_ms, before)

    def _apply(self, given: Input) -> Reason | None:
        """Let the broker do it and follow what it did; the reason of a refused signal."""
        reason: Reason | None = None
        events = apply(self.book, self.rules, given)
        self.record.take(events)
        for event in events:
            match event:
                case PositionState():
                    self._moved(event)
                case Decision():
                    reason = event.reason
                case StrategyPaused() | StrategyResumed():
                    self._changed.add(event.strategy)
                case _:
                    pass
        return reason

    def _moved(self, position: PositionState) -> None:
        self.ledger.moved(position)
        if position.status == "CLOSED":
            del self.watches[position.position_id]
            self._changed.add(position.strategy)
        elif position.version == 1:
            self.watches[position.position_id] = Watch(position, self.bars[position.asset])
            self._changed.add(position.strategy)
