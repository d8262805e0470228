"""One asset's history as the fast engine needs it: columns up to the end of a run, prices as whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from trading_core import ids
from trading_core.backtest.feed import EXCHANGE
from trading_core.backtest.history import FundingRow, History, between
from trading_core.broker.book import instrument_key
from trading_core.broker.inputs import Bar
from trading_core.market.past import PastCandles, PastFunding, of_interval
from trading_core.market.series import Candles, FloatArray, IntArray
from trading_core.model import MINUTE_MS, Candle
from trading_core.money import EXACT

_MOST_DIGITS = 10**15
"""Of two decimals of at most 15 digits no two are the same float, so the one found is what `repr` would show."""
_MOST_PLACES = 12


class Whole(NamedTuple):
    """Prices as whole numbers: `price` × 10^`places`, exactly."""

    price: IntArray
    places: int


class Bars:
    """The bars of one asset that close by `to_ms`, and what engines derive from them, made once a history and end."""

    def __init__(self, asset: str, candles: Candles, funding: list[FundingRow], interval_h: int) -> None:
        self.asset = asset
        self.key = instrument_key(EXCHANGE, asset)
        self.candles = candles
        self.past: Callable[[str], PastCandles] = of_interval(candles)
        self.minutes = self.past("1m")
        self.rates = {row.hour_ms: row for row in funding}
        """By hour; rows are sorted by stamp, so of two rows of one hour the later stays."""
        hourly = [row.rate if interval_h == 1 else EXACT.divide(row.rate, interval_h) for row in funding]
        self.funding = PastFunding([row.stamp_ms for row in funding], [row.hour_ms for row in funding], hourly)
        self._whole: Whole | None = None
        self._is_scaled = False

    @property
    def whole(self) -> Whole | None:
        """The closes as whole numbers; None where a price has too many digits for that."""
        if not self._is_scaled:
            self._whole, self._is_scaled = whole_numbers(self.candles.close), True
        return self._whole

    def closes_at(self, row: int) -> int:
        """When the bar `row` closes; past every run when there is none."""
        return int(self.candles.open_time_ms[row]) + MINUTE_MS

    def bar(self, row: int) -> Bar:
        columns = self.candles
        candle = Candle(
            asset=self.asset,
            open_time_ms=int(columns.open_time_ms[row]),
            interval_ms=MINUTE_MS,
            open=float(columns.open[row]),
            high=float(columns.high[row]),
            low=float(columns.low[row]),
            close=float(columns.close[row]),
            volume=float(columns.volume[row]),
        )
        return Bar(EXCHANGE, self.asset, candle)

    def mark_id(self, row: int) -> str:
        return f"c:{ids.SHORT[EXCHANGE]}:{self.asset}:1m:{int(self.candles.open_time_ms[row])}"


def bars_of(history: History, asset: str, to_ms: int, interval_h: int) -> Bars:
    key = f"{asset}:{to_ms}:{interval_h}"
    found = history.prepared.get(key)
    if not isinstance(found, Bars):
        candles = between(history.candles[asset], 0, to_ms)
        found = history.prepared[key] = Bars(asset, candles, list(history.funding.get(asset, ())), interval_h)
    return found


def whole_numbers(prices: FloatArray) -> Whole | None:
    """The least power of ten that makes whole numbers of all `prices`, exactly as `repr` prints them."""
    for places in range(_MOST_PLACES + 1):
        scale = 10.0**places
        if not _fits(prices[:1_000], scale):
            continue
        if _fits(prices, scale):
            return Whole(np.rint(prices * scale).astype(np.int64), places)
    return None


def _fits(prices: FloatArray, scale: float) -> bool:
    scaled = np.rint(prices * scale)
    return bool((scaled / scale == prices).all() and (scaled < _MOST_DIGITS).all())
