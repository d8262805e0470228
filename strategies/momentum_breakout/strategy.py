"""MomentumBreakout: go with a price that leaves its hourly Bollinger band while volume is high."""

from __future__ import annotations

from math import fsum
from typing import Annotated

import numpy as np
import talib
from msgspec import Meta

from trading_core.market.series import FloatArray
from trading_core.market.state import HISTORY
from trading_core.model import HOUR_MS, MINUTE_MS
from trading_core.strategy import (
    Direction,
    MarketSnapshot,
    MissingInput,
    Past,
    Signal,
    Strategy,
    StrategyParams,
    register,
)

_ROUNDING = 1e-9


@register
class MomentumBreakout(Strategy):
    """
    ## Thesis
    A price that leaves the range of the last day while much more is traded than a moment ago is moved by new
    information or by forced orders, and for a while goes on. Above the upper Bollinger band of `bb_period` hourly
    closes the strategy is LONG, below the lower one SHORT, if the last minute's volume is at least `volume_factor`
    times the mean of the last `volume_window` minutes.

    ## Expected edge
    Few large moves against many small failures. Unproven: in four weeks of 2025 it lost on 284 of 417 trades, and lost
    on the whole even before its fees.

    ## Data requirements
    Hyperliquid 1m candles. The bands are those of TA-Lib (simple mean, population standard deviation) over exactly the
    last `bb_period` complete hours, so the first 20 hours of data give no signal. A newest complete hour that closed
    more than two hours ago is no basis (`stale_bars`), nor is a band without width (`flat`).

    ## Risk characteristics
    Buys high and sells low: in a market that swings inside its range every breakout fails, at the stop or by the
    time limit. Signals cluster in volatile hours and often agree across assets, so the exposure is to one bet.
    """

    name = "momentum_breakout"
    interval = "1m"

    class Params(StrategyParams, frozen=True):
        bb_period: Annotated[int, Meta(ge=2, le=1_000)] = 20
        bb_sigma: Annotated[float, Meta(gt=0, le=100)] = 2.0
        volume_factor: Annotated[float, Meta(ge=0)] = 2.0
        volume_window: Annotated[int, Meta(ge=1, le=100_000)] = 60

    params: Params

    def prepare(self) -> None:
        # Room for the hours of the band with some of them missing, and for the hour in progress.
        hours = 2 * self.params.bb_period + 1
        self.history = max(HISTORY, hours * (HOUR_MS // MINUTE_MS), self.params.volume_window)

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        """With a close strictly outside the band on enough volume; confidence grows by the distance, 1 at 2 sigma."""
        params = self.params
        closes = snapshot.closes("1h", params.bb_period)
        minutes = snapshot.candles("1m", params.volume_window)
        snapshot.require_fresh("1h")
        upper, lower, sigma = self._band(closes)
        if sigma <= 0:
            raise MissingInput("flat")
        mean_volume = fsum(minutes.volume.tolist()) / params.volume_window
        if mean_volume == 0:
            raise MissingInput("no_volume")
        close, volume = float(minutes.close[-1]), float(minutes.volume[-1])
        beyond = max(close - upper, lower - close)
        if volume < params.volume_factor * mean_volume or beyond <= 0:
            return None
        return self.signal(
            snapshot,
            Direction.LONG if close > upper else Direction.SHORT,
            min(1.0, 0.5 + beyond / (4 * sigma)),
            close=close,
            upper=upper,
            lower=lower,
            volume=volume,
            mean_volume=mean_volume,
        )

    def scan(self, past: Past) -> None:
        """The band of each hour once, and exact volumes only where the close is outside it."""
        params = self.params
        hours = past.windows("1h", params.bb_period)
        minutes = past.windows("1m", params.volume_window)
        past.require_fresh("1h")
        open_points = np.flatnonzero(past.undecided)
        if not len(open_points):
            return
        ends, hour_of = np.unique(hours.end[open_points], return_inverse=True)
        bands = np.array([self._band(hours.past.close[end - hours.size : end]) for end in ends.tolist()])
        upper, lower, sigma = (np.full(len(past.ts), np.nan) for _ in range(3))
        for column, values in zip((upper, lower, sigma), bands[hour_of].T, strict=True):
            column[open_points] = values
        past.leave(sigma <= 0, "flat")
        close, volume = past.mark_price, minutes.past.candles.volume
        some = np.concatenate((np.zeros(1, np.int64), np.cumsum(volume > 0)))
        first = np.maximum(minutes.end - minutes.size, 0)
        past.leave(some[minutes.end] == some[first], "no_volume")
        sums = np.concatenate((np.zeros(1), np.cumsum(volume)))
        # A little less than the mean: running sums of so many volumes are off in their last digits.
        least = (sums[minutes.end] - sums[first] - _ROUNDING * sums[minutes.end]) / params.volume_window
        is_high = volume[minutes.end - 1] >= params.volume_factor * (1 - _ROUNDING) * least
        past.ask(is_high & (np.maximum(close - upper, lower - close) > 0))

    def _band(self, closes: FloatArray) -> tuple[float, float, float]:
        """Upper band, lower band and standard deviation of the hours' closes."""
        sigmas = self.params.bb_sigma
        uppers, middles, lowers = talib.BBANDS(closes, self.params.bb_period, sigmas, sigmas)
        upper = float(uppers[-1])
        return upper, float(lowers[-1]), (upper - float(middles[-1])) / sigmas
