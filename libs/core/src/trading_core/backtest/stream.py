"""The signals of one strategy on one asset: which of them the broker must see, and why all others are refused."""

from __future__ import annotations

import numpy as np

from trading_core.backtest.bars import Bars
from trading_core.backtest.decided import Decisions, Refusals
from trading_core.backtest.feed import EXCHANGE
from trading_core.backtest.opinions import Evaluator, Opinions
from trading_core.broker import checks
from trading_core.broker.book import Book, strategy_asset_key
from trading_core.broker.events import Reason
from trading_core.broker.inputs import Place, Rank, SignalInput
from trading_core.broker.rules import Rules
from trading_core.market.series import IntArray
from trading_core.model import Direction, Signal
from trading_core.strategy.past import CODES

NEVER = 1 << 62
_LASTING = frozenset({"already_open", "max_positions", "nothing_open"})
"""Refusals that only an opening or a closing ends; a pause and a cooldown end with time."""


class _Side:
    """Signals of one direction that are good, and what awaits those from `done` on as long as the book stays so."""

    __slots__ = ("confidence", "direction", "done", "is_bound", "next_ms", "next_row", "plan", "probe", "time_ms")

    def __init__(self, direction: Direction, found: Opinions, rows: IntArray, probe: Signal) -> None:
        self.direction = direction
        self.time_ms = found.ts[rows]
        self.confidence = found.confidence[rows]
        self.is_bound = found.is_bound[rows]
        self.probe = probe
        self.done = 0
        self.next_ms, self.next_row = NEVER, 0
        self.plan: list[tuple[int, int, Reason]] = []
        """Stretches (first, end, reason) of refusals, in order."""


class Stream:
    """One strategy on one asset."""

    def __init__(
        self, name: str, bars: Bars, rules: Rules, evaluator: Evaluator, found: Opinions, decisions: Decisions
    ) -> None:
        self.name = name
        self.bars = bars
        self.next_ms = NEVER
        """When the broker must see a signal, as far as is known now."""
        self._rules = rules
        self._planned_for: object = None
        self.has_siblings = True
        """Whether its strategy has streams on other assets, whose positions count against its own signals."""
        self._evaluator = evaluator
        self._decisions = decisions
        self._sides = []
        for direction, code in CODES.items():
            rows = np.flatnonzero(found.codes == code)
            if direction is not Direction.CLOSE:
                is_weak = found.confidence[rows] < rules.min_confidence
                self._refuse(direction, "low_confidence", found.ts[rows[is_weak]])
                rows = rows[~is_weak]
            if len(rows):
                self._sides.append(_Side(direction, found, rows, _probe(name, bars.asset, direction)))

    def is_affected(self, book: Book) -> bool:
        """Whether anything has changed that the checks of these signals look at, as its strategy did something."""
        return not self.has_siblings or self._looked_at(book) != self._planned_for

    def plan(self, book: Book) -> None:
        """See what awaits the signals not settled yet, the book being as it is now."""
        if self.has_siblings:
            self._planned_for = self._looked_at(book)
        for side in self._sides:
            self._plan(side, book)
        self._find_next()

    def settle(self, ts_ms: int, *, included: bool) -> None:
        """Put down the refusals planned before `ts_ms` (at it too if `included`): the book is about to differ."""
        for side in self._sides:
            if side.done < len(side.time_ms):
                self._settle(side, int(side.time_ms.searchsorted(ts_ms, "right" if included else "left")))

    def signal(self) -> Signal:
        """The signal at `next_ms`, as `evaluate` gives it."""
        side = self._next_side()
        confidence, is_bound = float(side.confidence[side.next_row]), bool(side.is_bound[side.next_row])
        return self._evaluator.signal(self.next_ms, side.direction, confidence, is_bound=is_bound)

    def decided(self) -> None:
        """The broker has seen the signal at `next_ms`: say what came of it by `plan` or `refused`."""
        side = self._next_side()
        self._settle(side, side.next_row)
        side.done = side.next_row + 1
        self._planned_for = None

    def refused(self, book: Book, reason: Reason | None) -> None:
        """The signal at `next_ms` was decided and changed nothing."""
        side = self._next_side()
        if reason in _LASTING:
            side.plan, side.next_ms = [(side.done, len(side.time_ms), reason)], NEVER
        else:
            self._plan(side, book)
        self._find_next()

    def _looked_at(self, book: Book) -> object:
        """What a signal is held against: its own position and last close, the pause, how many are open."""
        held = book.of_strategy(self.name, EXCHANGE, self.bars.asset)
        return (
            held is None or held.position_id,
            book.last_closes.get(strategy_asset_key(self.name, self.bars.asset)),
            book.paused_until.get(self.name),
            sum(position.strategy == self.name for position in book.positions.values()) >= self._rules.max_positions,
        )

    def _next_side(self) -> _Side:
        return next(side for side in self._sides if side.next_ms == self.next_ms)

    def _find_next(self) -> None:
        self.next_ms = min([side.next_ms for side in self._sides], default=NEVER)

    def _settle(self, side: _Side, end: int) -> None:
        if end <= side.done:
            return
        for first, last, reason in side.plan:
            self._refuse(side.direction, reason, side.time_ms[max(first, side.done) : min(last, end)])
        side.done = end

    def _plan(self, side: _Side, book: Book) -> None:
        side.plan, side.next_ms = [], NEVER
        first, count = side.done, len(side.time_ms)
        while first < count:
            reason = self._refusal(side, book, first)
            if reason is None:
                side.next_ms, side.next_row = int(side.time_ms[first]), first
                return
            end = count if reason in _LASTING else self._end_of(reason, side, book, first)
            side.plan.append((first, end, reason))
            first = end

    def _end_of(self, reason: Reason, side: _Side, book: Book, first: int) -> int:
        """The first signal after `first` that is not refused for `reason`, which once over stays over."""
        step, end, count = 1, first + 1, len(side.time_ms)
        while end < count and self._refusal(side, book, end) == reason:
            first, step = end, 2 * step
            end = min(first + step, count)
        while end - first > 1:
            middle = (first + end) // 2
            if self._refusal(side, book, middle) == reason:
                first = middle
            else:
                end = middle
        return end

    def _refusal(self, side: _Side, book: Book, row: int) -> Reason | None:
        """Why the broker would do nothing about the signal; None when it would do something, or must be asked."""
        held = book.of_strategy(self.name, EXCHANGE, self.bars.asset)
        if side.direction is Direction.CLOSE:
            return None if held is not None else "nothing_open"
        if held is not None and held.direction != side.direction:
            return None
        given = SignalInput(side.probe, "", Place(int(side.time_ms[row]), Rank.SIGNAL, ""))
        return checks.may_open(book, self._rules, given, has_closed=False)

    def _refuse(self, direction: Direction, reason: str, time_ms: IntArray) -> None:
        if len(time_ms):
            self._decisions.stretches.append(Refusals(self.name, self.bars.asset, direction.value, reason, time_ms))


def _probe(name: str, asset: str, direction: Direction) -> Signal:
    """A signal for the checks that look at whose it is and where it goes, at nothing else."""
    return Signal(
        strategy=name, asset=asset, exchange=EXCHANGE, direction=direction, confidence=1.0, entry_price=1.0,
        metadata={}, ts=0,
    )  # fmt: skip
