"""RSIMeanReversion: short what rose too fast, buy what fell too fast."""

from __future__ import annotations

from typing import Annotated

import talib
from msgspec import Meta

from trading_core.strategy import Direction, MarketSnapshot, MissingInput, Signal, Strategy, StrategyParams, register


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
        rsi = float(talib.RSI(closes, self.params.period)[-1])
        overbought, oversold = self.params.overbought, self.params.oversold
        if rsi > overbought:
            confidence = 0.5 + 0.5 * (rsi - overbought) / (100 - overbought)
            return self.signal(snapshot, Direction.SHORT, confidence, rsi=rsi, close=float(closes[-1]))
        if rsi < oversold:
            confidence = 0.5 + 0.5 * (oversold - rsi) / oversold
            return self.signal(snapshot, Direction.LONG, confidence, rsi=rsi, close=float(closes[-1]))
        return None
