"""R1Rsi: LONG when the RSI of 5m closes is low, SHORT when it is high."""

from __future__ import annotations

from typing import Annotated

import talib
from msgspec import Meta

from trading_core.market.state import HISTORY
from trading_core.model import INTERVALS_MS, MINUTE_MS
from trading_core.strategy import Direction, MarketSnapshot, MissingInput, Signal, Strategy, StrategyParams, register


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
