"""R1Rsi: LONG when the RSI of 5m closes is low, SHORT when it is high."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import talib
from msgspec import Meta

from trading_core.market.series import FloatArray
from trading_core.market.state import HISTORY
from trading_core.model import INTERVALS_MS, MINUTE_MS
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

_ROUNDING = 1e-6
"""More than the arithmetic of an RSI is ever off."""


@register
class R1Rsi(Strategy):
    """
    ## Thesis
    None: the rule that every engine of the comparison runs.

    ## Expected edge
    None. It pays for its costs.

    ## Data requirements
    1m candles. Wilder's smoothing never forgets; here it starts anew `lookback` closes ago, which moves an RSI of 14
    by less than 1e-9 and so no trade.

    ## Risk characteristics
    One unit a trade, whatever the equity.
    """

    name = "r1_rsi"
    interval = "5m"

    class Params(StrategyParams, frozen=True):
        window: Annotated[int, Meta(ge=2)] = 14
        lower: float = 25.0
        upper: float = 75.0
        lookback: int = 400

    params: Params

    def prepare(self) -> None:
        self.history = max(HISTORY, self.params.lookback * INTERVALS_MS[self.interval] // MINUTE_MS)

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        """LONG strictly below `lower`, SHORT strictly above `upper`."""
        closes = snapshot.closes(self.interval, self.params.lookback)
        rsi = float(talib.RSI(closes, self.params.window)[-1])
        if rsi < self.params.lower:
            if closes.max() == closes.min():
                raise MissingInput("flat")
            return self.signal(snapshot, Direction.LONG, 1.0)
        if rsi > self.params.upper:
            return self.signal(snapshot, Direction.SHORT, 1.0)
        return None

    def scan(self, past: Past) -> None:
        """By the RSI that never forgets; `evaluate` is asked where its window's own could be on the other side."""
        windows = past.windows(self.interval, self.params.lookback)
        closes = windows.past.close
        if len(closes) < windows.size:
            return
        newest = np.maximum(windows.end, windows.size) - 1
        rsi = talib.RSI(closes, self.params.window)[newest]
        distance = np.minimum(abs(rsi - self.params.lower), abs(rsi - self.params.upper))
        past.ask(~(distance > self._forgotten(closes)[newest]))
        past.say(rsi < self.params.lower, Direction.LONG, 1.0)
        past.say(rsi > self.params.upper, Direction.SHORT, 1.0)

    def _forgotten(self, closes: FloatArray) -> FloatArray:
        """How far, at most, what lies before its window moves the RSI at each close: inf where nearly nothing moved.

        Each close in a window leaves 1 - 1/window of what the means of gains and of losses were before. Neither mean
        is above the largest move so far, and the RSI is 100 times one mean over the sum of both.
        """
        window = self.params.window
        largest = np.maximum.accumulate(np.abs(np.diff(closes, prepend=closes[:1])))
        left = largest * (1 - 1 / window) ** (self.params.lookback - 1 - window)
        mean_move = talib.ATR(closes, closes, closes, window)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(mean_move > 2 * left + _ROUNDING, 200 * left / (mean_move - left) + _ROUNDING, np.inf)
