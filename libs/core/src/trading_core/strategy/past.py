"""What a strategy's `scan` sees: many grid points of one asset at once, each with exactly its snapshot's inputs.

As in `evaluate` the order in which inputs are asked for is the order of the PASS reasons: a grid point that lacks one
is decided, and later statements about it change nothing. What stays undecided at the end is `no_signal`.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trading_core.market.past import PastCandles, PastFunding
from trading_core.market.series import FloatArray, IntArray
from trading_core.model import HOUR_MS, INTERVALS_MS, Direction
from trading_core.money import EXACT

BoolArray = npt.NDArray[np.bool_]

UNDECIDED, LONG, SHORT, CLOSE, ASK = -1, -2, -3, -4, -5
"""Codes of grid points; 0 and more are PASS reasons."""
CODES = {Direction.LONG: LONG, Direction.SHORT: SHORT, Direction.CLOSE: CLOSE}


class Windows(NamedTuple):
    """The last `size` complete candles at each grid point: rows `end - size` to `end` (excluded) of `past`.

    `end`: shape (n,). Where a window is too short the point is `warming_up`, and `end` is of no use.
    """

    past: PastCandles
    size: int
    end: IntArray

    def closes(self, points: IntArray) -> FloatArray:
        """Closes of the windows of these grid points, shape (len(points), size), oldest first."""
        return np.lib.stride_tricks.sliding_window_view(self.past.close, self.size)[self.end[points] - self.size]


class Past:
    """The grid points of one strategy on one asset at which its candle exists. Masks have shape (n,), n points."""

    def __init__(
        self,
        asset: str,
        ts: IntArray,
        series: Callable[[str], PastCandles],
        funding: PastFunding,
        *,
        history: int,
        funding_max_age_h: int,
    ) -> None:
        self.asset = asset
        self.ts = ts
        """T of each, UTC ms, shape (n,)."""
        self.reasons: list[str] = ["no_signal"]
        self.codes = np.full(len(ts), UNDECIDED, np.int16)
        self.confidence = np.zeros(len(ts))
        """Of signals: theirs, or where `is_bound` what it is at least."""
        self.is_bound = np.zeros(len(ts), np.bool_)
        self._series = series
        self._funding = funding
        self._history = history
        self._max_age_ms = funding_max_age_h * HOUR_MS
        self._minute_end = series("1m").all_closed_by(ts)

    @property
    def undecided(self) -> BoolArray:
        found: BoolArray = self.codes == UNDECIDED
        return found

    @property
    def mark_price(self) -> FloatArray:
        """The close at T, shape (n,), USD."""
        return self._series("1m").close[self._minute_end - 1]

    def windows(self, interval: str, count: int) -> Windows:
        """The last `count` complete candles at each grid point; PASS `warming_up` where fewer can be seen."""
        past = self._series(interval)
        end = past.all_closed_by(self.ts)
        first, surplus = end - count, self._minute_end - self._history
        is_short = first < 0
        if (surplus > 0).any() and len(past):
            reach = self._series("1m").open_time_ms[np.maximum(surplus, 0)]
            is_short |= (surplus > 0) & (past.open_time_ms[np.maximum(first, 0)] < reach)
        self.leave(is_short, "warming_up")
        return Windows(past, count, end)

    def require_fresh(self, interval: str) -> None:
        """PASS `stale_bars` where the newest complete candle of `interval` closed more than 2 intervals before T."""
        past, width_ms = self._series(interval), INTERVALS_MS[interval]
        end = past.all_closed_by(self.ts)
        opens = np.concatenate((np.array([-width_ms]), past.open_time_ms))  # without any, the newest closed at 0
        self.leave(self.ts - opens[end] - width_ms > 2 * width_ms, "stale_bars")

    def funding_rates_8h(self, basis_hours: int = 8) -> tuple[list[Decimal], IntArray]:
        """Settled rates × `basis_hours`, and which of them is seen at each grid point; PASS `no_funding`."""
        rates = [EXACT.multiply(rate, Decimal(basis_hours)) for rate in self._funding.rate]
        row = np.searchsorted(np.array(self._funding.stamp_ms, np.int64), self.ts, "right") - 1
        hours = np.array([*self._funding.hour_ms, 0], np.int64)
        self.leave((row < 0) | (self.ts - hours[row] > self._max_age_ms), "no_funding")
        return rates, row

    def leave(self, where: BoolArray, reason: str) -> None:
        """PASS with `reason` at the undecided points of `where`."""
        self._decide(where, self.code_of(reason))

    def say(self, where: BoolArray, direction: Direction, confidence: FloatArray | float) -> None:
        """A signal at the undecided points of `where`, with the very confidence (shape (n,)) that `evaluate` gives."""
        where = self._decide(where, CODES[direction])
        self.confidence[where] = confidence[where] if isinstance(confidence, np.ndarray) else confidence

    def say_at_least(self, where: BoolArray, direction: Direction, least: float) -> None:
        """The same where only a lower bound of the confidence is worth computing for all of them."""
        where = self._decide(where, CODES[direction])
        self.confidence[where] = least
        self.is_bound[where] = True

    def ask(self, where: BoolArray) -> None:
        """`evaluate` itself is to be asked at the undecided points of `where`."""
        self._decide(where, ASK)

    def code_of(self, reason: str) -> int:
        if reason not in self.reasons:
            self.reasons.append(reason)
        return self.reasons.index(reason)

    def _decide(self, where: BoolArray, code: int) -> BoolArray:
        where = where & (self.codes == UNDECIDED)
        self.codes[where] = code
        return where
