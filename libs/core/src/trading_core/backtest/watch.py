"""Looks ahead for the bars that may end an open position: prices are searched, the broker decides."""

from __future__ import annotations

from math import inf, nextafter

from trading_core.backtest.bars import Bars
from trading_core.backtest.stream import NEVER
from trading_core.broker.events import PositionState

_FIRST_LOOK, _GROWTH = 64, 4
"""Bars searched at first; each time nothing is found, so many times more."""


class Watch:
    """One open position. `next_ms`: when to look at it next."""

    __slots__ = ("_above", "_at", "_bars", "_below", "_found_ms", "_step", "asset", "deadline_ms", "next_ms")

    def __init__(self, position: PositionState, bars: Bars) -> None:
        """Levels and deadline are those of the entry, which nothing moves."""
        self.asset = position.asset
        self._bars = bars
        is_long = position.direction == "LONG"
        lower, upper = (
            (position.stop_price, position.target_price) if is_long else (position.target_price, position.stop_price)
        )
        # One float further, so that rounding a level never hides a bar that touches it.
        self._below = -inf if lower is None else nextafter(float(lower), inf)
        self._above = inf if upper is None else nextafter(float(upper), -inf)
        self._at = bars.minutes.closed_by(position.entry_ms)
        self._step = _FIRST_LOOK
        self.deadline_ms = self._first_close_from(position.deadline_ms)
        self._found_ms = NEVER
        if lower is None and upper is None:
            self.next_ms = self.deadline_ms
        else:
            self._look()

    def is_due(self, ts_ms: int) -> bool:
        """Whether the bar closing at `ts_ms` may reach a level."""
        return self._found_ms == ts_ms

    def look_on(self, ts_ms: int) -> None:
        """The bar at `ts_ms` did not end it: search what comes after."""
        if self.next_ms <= ts_ms < self.deadline_ms:
            self._look()

    def _first_close_from(self, deadline_ms: int | None) -> int:
        """When the first bar from the deadline on closes."""
        if deadline_ms is None:
            return NEVER
        row = self._bars.minutes.closed_by(deadline_ms - 1)
        return self._bars.closes_at(row) if row < len(self._bars.minutes) else NEVER

    def _look(self) -> None:
        """Search the next bars; sets `next_ms` to the one found, or to the last one searched."""
        first, columns = self._at, self._bars.candles
        end = first + self._step
        reached = columns.low[first:end] <= self._below
        reached |= columns.high[first:end] >= self._above
        count = len(reached)
        self._step *= _GROWTH
        self._found_ms = NEVER
        if not count:
            self.next_ms = self.deadline_ms
            return
        place = int(reached.argmax())
        is_found = bool(reached[place])
        self._at = first + (place + 1 if is_found else count)
        looked_ms = self._bars.closes_at(self._at - 1)
        if is_found:
            self._found_ms = looked_ms
        self.next_ms = min(looked_ms, self.deadline_ms)
