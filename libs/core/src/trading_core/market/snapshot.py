"""What a strategy sees at a grid point T, and nothing past it.

Asking for an input that is not there raises `MissingInput`; the evaluator records it as a PASS with that reason, so
the order in which a strategy asks is the order of its PASS reasons and a strategy needs no branch for missing data.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TypeVar

import numpy as np

from trading_core.config import SnapshotConfig
from trading_core.market.exchange import ExchangeState
from trading_core.market.missing import MissingInput
from trading_core.market.prediction import PredictionSnapshot
from trading_core.market.series import Candles, CandleSeries, FloatArray
from trading_core.model import HOUR_MS, INTERVALS_MS
from trading_core.money import EXACT

Window = TypeVar("Window", Candles, FloatArray)
__all__ = ["MarketSnapshot", "MissingInput", "PredictionSnapshot"]


class MarketSnapshot:
    """One asset on one exchange as known at `ts`. Windows are the last N existing complete candles."""

    __slots__ = ("_history", "_limits", "_state", "asset", "exchange", "ts")

    def __init__(self, state: ExchangeState, ts: int, limits: SnapshotConfig, history: int) -> None:
        self._state = state
        self._limits = limits
        self._history = history
        self.asset = state.asset
        self.exchange = state.exchange
        self.ts = ts
        """The grid point T, UTC ms."""

    @property
    def mark_price(self) -> float:
        """The mark at T, USD; PASS `no_price` when none was seen yet."""
        price = self._state.mark_price
        if price is None:
            raise MissingInput("no_price")
        return price

    @property
    def mark_age_ms(self) -> int:
        """T minus the event time of the mark, ms."""
        if self._state.mark_price is None:
            raise MissingInput("no_price")
        return self.ts - self._state.mark_time_ms

    def nearest_market(self, min_time_left_s: float) -> PredictionSnapshot:
        """Of the open prediction markets with at least so much time left the one that ends first; PASS `no_market`.

        It is chosen first, whatever its book; ties go to the bytewise smaller id.
        """
        market = self._state.markets.nearest(self.ts, min_time_left_s)
        if market is None:
            raise MissingInput("no_market")
        return self.market(market)

    def market(self, market: str) -> PredictionSnapshot:
        """One prediction market by its id; PASS `no_market` when it is not known."""
        held = self._state.markets.get(market)
        if held is None or held.poll is None:
            raise MissingInput("no_market")
        return PredictionSnapshot(market, held, self.ts, self._limits)

    def price_of(self, instrument: str) -> float:
        """What a signal on `instrument` is priced at: the mark of the asset, or a market's probability."""
        return self.mark_price if instrument in ("", self.asset) else float(self.market(instrument).probability())

    def closed_at(self, interval: str) -> bool:
        """Whether the complete candle of `interval` that closes exactly at T exists."""
        series = self._state.series(interval)
        return series.newest_open_ms == self.ts - INTERVALS_MS[interval] and len(series) > 0

    def candles(self, interval: str, count: int) -> Candles:
        """The last `count` complete candles, oldest first, read-only views; PASS `warming_up` when fewer exist."""
        return _enough(self._reaching(interval, count).last(count))

    def closes(self, interval: str, count: int) -> FloatArray:
        """Closes of the last `count` complete candles, shape (count,), oldest first; PASS `warming_up`."""
        return _enough(self._reaching(interval, count).last_closes(count))

    def volumes(self, interval: str, count: int) -> FloatArray:
        """Volumes in base units of the last `count` complete candles, oldest first; PASS `warming_up`."""
        return _enough(self._reaching(interval, count).last_volumes(count))

    def require_fresh(self, interval: str) -> None:
        """PASS `stale_bars` when the newest complete candle of `interval` closed more than 2 intervals before T."""
        if self.ts - self._state.series(interval).newest_close_ms > 2 * INTERVALS_MS[interval]:
            raise MissingInput("stale_bars")

    def funding_rate_1h(self) -> Decimal:
        """The newest settled hourly rate, exact, a fraction of notional; above 0 longs pay.

        Usable for `funding_max_age_h` after the hour it settled; then PASS `no_funding`.
        """
        state = self._state
        if state.funding_rate is None or self.ts - state.funding_hour_ms > self._limits.funding_max_age_h * HOUR_MS:
            raise MissingInput("no_funding")
        return state.funding_rate

    def funding_rate_8h(self, basis_hours: int = 8) -> Decimal:
        """The settled hourly rate × `basis_hours`, exact, the way funding is quoted; PASS `no_funding`."""
        return EXACT.multiply(self.funding_rate_1h(), Decimal(basis_hours))

    def funding_estimate_1h(self) -> Decimal:
        """The venue's running estimate for the hour in progress, not a settled rate; PASS `no_funding`."""
        estimate = self._state.funding_estimate_1h
        if estimate is None:
            raise MissingInput("no_funding")
        return estimate

    def open_interest(self) -> float:
        """The newest open interest with event time in (T − 1 h, T], base units; PASS `no_oi`."""
        newest = self._state.newest_open_interest()
        if newest is None or newest[0] <= self.ts - HOUR_MS:
            raise MissingInput("no_oi")
        return newest[1]

    def open_interest_sample(self, window_h: int, at_least: int) -> FloatArray:
        """The last value of each full hour h, T − `window_h` < h < T, oldest first, and the current one at the end.

        Hours without a value are left out. PASS `no_oi` without a current value, `warming_up` with fewer than
        `at_least` values.
        """
        current = self.open_interest()
        first = (self.ts - window_h * HOUR_MS) // HOUR_MS * HOUR_MS + HOUR_MS
        hourly = (self._state.open_interest_at(hour) for hour in range(first, self.ts, HOUR_MS))
        sample = [value for value in hourly if value is not None]
        sample.append(current)
        if len(sample) < at_least:
            raise MissingInput("warming_up")
        return np.array(sample, np.float64)

    def _reaching(self, interval: str, count: int) -> CandleSeries:
        """The candles of `interval`; PASS `warming_up` when `count` of them begin before the look-back does."""
        series, minutes = self._state.series(interval), self._state.minutes
        surplus, first = len(minutes) - self._history, len(series) - count
        if surplus > 0 and first >= 0 and series.open_time_at(first) < minutes.open_time_at(surplus):
            raise MissingInput("warming_up")
        return series


def _enough(window: Window | None) -> Window:
    if window is None:
        raise MissingInput("warming_up")
    return window
