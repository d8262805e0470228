"""RSIMeanReversion: short what rose too fast, buy what fell too fast."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import talib
from msgspec import Meta

from trading_core.market.series import FloatArray
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
"""Far more than the arithmetic of an RSI can be off, and too little to leave many doubts."""
_SMALLEST_MOVE = 1e-9
"""TA-Lib takes a mean move below 1e-14 for none at all: near it nothing is inferred."""


@register
class RSIMeanReversion(Strategy):
    """
    ## Thesis
    On a scale of hours, a move that is fast against its own recent past is partly noise and partly forced trading,
    and gives some of it back. The relative strength index of 5m closes measures "fast": above `overbought` the
    strategy is SHORT, below `oversold` LONG.

    ## Expected edge
    Small and unproven. A reversal has to earn the round trip (20 bps with the default fees and slippage) before it
    earns anything. In four weeks of 2025 it lost on 127 of 201 trades; it is here as a plain, well-known yardstick.

    ## Data requirements
    Hyperliquid 1m candles. The RSI is that of TA-Lib over exactly the last `lookback` complete 5m closes, so it is a
    function of those closes alone; the first 20 h 50 min of data give no signal. A window without any movement says
    nothing (`flat`).

    ## Risk characteristics
    Trades against the move. In a trend it is wrong again and again and its stop, not its target, ends the trade: many
    small results and now and then a row of losses. The cooldown after a loss and the daily limit cap such a row.
    """

    name = "rsi_mean_reversion"
    interval = "5m"

    class Params(StrategyParams, frozen=True):
        period: Annotated[int, Meta(ge=2)] = 14
        overbought: float = 75.0
        oversold: float = 25.0
        lookback: int = 250

        def __post_init__(self) -> None:
            if not 0 < self.oversold < self.overbought < 100:
                raise ValueError(f"must be 0 < oversold < overbought < 100, got {self.oversold} and {self.overbought}")
            if self.lookback <= self.period:
                raise ValueError(f"lookback must be > period ({self.period}), got {self.lookback}")

    params: Params

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        """LONG or SHORT when the RSI lies strictly outside its two bounds; confidence grows to 1 at 0 and at 100."""
        closes = snapshot.closes(self.interval, self.params.lookback)
        if closes.max() == closes.min():
            raise MissingInput("flat")  # TA-Lib says 0 here, which would read as oversold
        rsi = self._rsi(closes)
        overbought, oversold = self.params.overbought, self.params.oversold
        if rsi > overbought:
            confidence = 0.5 + 0.5 * (rsi - overbought) / (100 - overbought)
            return self.signal(snapshot, Direction.SHORT, confidence, rsi=rsi, close=float(closes[-1]))
        if rsi < oversold:
            confidence = 0.5 + 0.5 * (oversold - rsi) / oversold
            return self.signal(snapshot, Direction.LONG, confidence, rsi=rsi, close=float(closes[-1]))
        return None

    def scan(self, past: Past) -> None:
        """The RSI of each window, computed exactly only where that of all closes so far leaves a doubt."""
        windows = past.windows(self.interval, self.params.lookback)
        closes = windows.past.close
        if len(closes) < windows.size:
            return
        newest = np.maximum(windows.end, windows.size) - 1
        moves = np.cumsum(np.diff(closes, prepend=closes[:1]) != 0)
        past.leave(moves[newest] == moves[newest - windows.size + 1], "flat")
        rsi, error = (column[newest] for column in self._smoothed(closes))
        near = ~(np.minimum(abs(rsi - self.params.overbought), abs(rsi - self.params.oversold)) > error)
        doubtful = np.flatnonzero(near & past.undecided)
        rsi[doubtful] = [self._rsi(window) for window in windows.closes(doubtful)]
        # Outside its bounds an RSI has a confidence of 0.5 at least: enough to know for most of them.
        past.say_at_least(rsi > self.params.overbought, Direction.SHORT, 0.5)
        past.say_at_least(rsi < self.params.oversold, Direction.LONG, 0.5)

    def _rsi(self, closes: FloatArray) -> float:
        return float(talib.RSI(closes, self.params.period)[-1])

    def _smoothed(self, closes: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The RSI over all closes up to each, and how far that of its window may lie from it at most.

        Wilder's smoothing multiplies what lies before a window by (1 - 1/period) with each close in it, so the two
        mean gains, and the two mean losses, differ by at most `rest`, and the RSI by 200 × rest / (mean move - rest).
        """
        period, lookback = self.params.period, self.params.lookback
        moves = np.abs(np.diff(closes, prepend=closes[:1]))
        mean_move = talib.ATR(closes, closes, closes, period)
        # What both smoothings were, at most, when the window's own began: no mean is above the highest move.
        before = np.maximum.accumulate(moves)
        rest = (1 - 1 / period) ** (lookback - 1 - period) * before
        with np.errstate(divide="ignore", invalid="ignore"):
            error = np.where(mean_move > rest + _SMALLEST_MOVE, 200 * rest / (mean_move - rest) + _ROUNDING, np.inf)
        return talib.RSI(closes, period), error
