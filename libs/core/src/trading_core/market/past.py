"""A finished past in columns, and the market state as of any moment of it, without feeding it candle by candle.

`PastState` answers as the `MarketState` would that had been fed everything visible by then.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from decimal import Decimal
from math import fsum
from typing import NamedTuple

import numpy as np

from trading_core.market.exchange import ExchangeState
from trading_core.market.series import Candles, CandleSeries, FloatArray, IntArray, read_only
from trading_core.market.state import MarketState
from trading_core.model import INTERVALS_MS, MINUTE_MS, Exchange

_EXCHANGE = Exchange.HYPERLIQUID.value


class PastCandles:
    """All candles of one interval. Open times and closes are there, the other columns are made when asked for."""

    __slots__ = ("_candles", "_is_dense", "_make", "close", "interval_ms", "open_time_ms")

    def __init__(
        self, interval_ms: int, open_time_ms: IntArray, close: FloatArray, make: Callable[[], Candles]
    ) -> None:
        self.interval_ms = interval_ms
        self.open_time_ms = open_time_ms
        self.close = close
        self._make = make
        self._candles: Candles | None = None
        count = len(open_time_ms)
        self._is_dense = count > 0 and int(open_time_ms[-1] - open_time_ms[0]) == (count - 1) * interval_ms

    def __len__(self) -> int:
        return len(self.open_time_ms)

    @property
    def candles(self) -> Candles:
        if self._candles is None:
            self._candles = self._make()
        return self._candles

    def closed_by(self, ts_ms: int) -> int:
        """How many of them have closed by `ts_ms`."""
        if self._is_dense:
            return min(len(self), max(0, (ts_ms - int(self.open_time_ms[0])) // self.interval_ms))
        return int(self.open_time_ms.searchsorted(ts_ms - self.interval_ms, "right"))

    def all_closed_by(self, ts_ms: IntArray) -> IntArray:
        """`closed_by` of each of them."""
        if self._is_dense:
            rows = (ts_ms - int(self.open_time_ms[0])) // self.interval_ms
            return np.clip(rows, 0, len(self))
        return self.open_time_ms.searchsorted(ts_ms - self.interval_ms, "right")


def minutes(candles: Candles) -> PastCandles:
    return PastCandles(MINUTE_MS, candles.open_time_ms, candles.close, lambda: candles)


def wider(candles: Candles, interval_ms: int) -> PastCandles:
    """The candles of a wider interval, as `WiderSeries` builds them: only where all the 1m candles exist."""
    per_candle = interval_ms // MINUTE_MS
    opens = candles.open_time_ms
    last = np.flatnonzero((opens + MINUTE_MS) % interval_ms == 0)
    last = last[last >= per_candle - 1]
    # Open times are sorted, unique and on whole minutes: so many rows before the end starting there are all.
    last = last[opens[last - (per_candle - 1)] == opens[last] + MINUTE_MS - interval_ms]
    first = last - (per_candle - 1)

    def make() -> Candles:
        rows = first[:, None] + np.arange(per_candle)
        volumes = np.fromiter(map(fsum, candles.volume[rows].tolist()), np.float64, len(rows))
        high, low = candles.high[rows].max(axis=1), candles.low[rows].min(axis=1)
        return Candles(opens[first], candles.open[first], high, low, candles.close[last], volumes)

    return PastCandles(interval_ms, opens[first], candles.close[last], make)


class PastFunding(NamedTuple):
    """Settled hourly rates in order of their stamps, from which on each is visible."""

    stamp_ms: Sequence[int] = ()
    hour_ms: Sequence[int] = ()
    rate: Sequence[Decimal] = ()


class _PastSeries(CandleSeries):
    """A series whose newest row moves over columns that are all there."""

    __slots__ = ("_past",)

    def __init__(self, past: PastCandles) -> None:
        self._past = past
        self.interval_ms = past.interval_ms
        self.keep = None
        self._open_time, self._close = past.open_time_ms, past.close
        self.newest_open_ms = -1
        self._size = 0

    def seek(self, ts_ms: int) -> None:
        self._size = size = self._past.closed_by(ts_ms)
        self.newest_open_ms = int(self._open_time[size - 1]) if size else -1

    def window(self, first: int, end: int) -> Candles:
        columns = self._past.candles
        return Candles(
            read_only(columns.open_time_ms[first:end]),
            read_only(columns.open[first:end]),
            read_only(columns.high[first:end]),
            read_only(columns.low[first:end]),
            read_only(columns.close[first:end]),
            read_only(columns.volume[first:end]),
        )

    def last_volumes(self, count: int) -> FloatArray | None:
        end = self._size
        return read_only(self._past.candles.volume[end - count : end]) if 0 < count <= end else None


class _PastExchange(ExchangeState):
    __slots__ = ("_funding", "_past", "_series", "_ts")

    def __init__(self, asset: str, past: Callable[[str], PastCandles], funding: PastFunding) -> None:
        super().__init__(_EXCHANGE, asset, None)
        self._past = past
        self._funding = funding
        self._ts = -1
        self.minutes = _PastSeries(past("1m"))
        self._series: dict[str, _PastSeries] = {"1m": self.minutes}

    def series(self, interval: str) -> CandleSeries:
        found = self._series.get(interval)
        if found is None:
            found = self._series[interval] = _PastSeries(self._past(interval))
            found.seek(self._ts)
        return found

    def seek(self, ts_ms: int) -> None:
        self._ts = ts_ms
        for series in self._series.values():
            series.seek(ts_ms)
        closes = self.minutes.last_closes(1)
        if closes is None:
            self.mark_price, self.mark_time_ms = None, -1
        else:
            self.mark_price, self.mark_time_ms = float(closes[0]), self.minutes.newest_close_ms
        row = bisect_right(self._funding.stamp_ms, ts_ms) - 1
        if row < 0:
            self.funding_rate, self.funding_hour_ms, self.funding_stamp_ms = None, -1, -1
        else:
            self.funding_rate, self.funding_hour_ms = self._funding.rate[row], self._funding.hour_ms[row]
            self.funding_stamp_ms = self._funding.stamp_ms[row]


class PastState(MarketState):
    """The market state of one asset in a candle backtest, as of the moment `seek` was given last."""

    __slots__ = ("_past_exchange",)

    def __init__(self, asset: str, past: Callable[[str], PastCandles], funding: PastFunding, *, history: int) -> None:
        super().__init__(asset, (), history=history)
        self._past_exchange = _PastExchange(asset, past, funding)
        self._exchanges = {_EXCHANGE: self._past_exchange}

    def seek(self, ts_ms: int) -> None:
        """Know what was visible by `ts_ms`, no more; backwards is fine."""
        self._past_exchange.seek(ts_ms)
        self.newest_visible_ms = ts_ms


def of_interval(minute_candles: Candles) -> Callable[[str], PastCandles]:
    """The candles of any interval over `minute_candles`, each built once."""
    made = {"1m": minutes(minute_candles)}

    def find(interval: str) -> PastCandles:
        if interval not in made:
            made[interval] = wider(minute_candles, INTERVALS_MS[interval])
        return made[interval]

    return find
