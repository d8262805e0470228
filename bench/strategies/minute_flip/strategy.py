"""MinuteFlip: LONG in even minutes, SHORT in odd ones."""

from __future__ import annotations

from trading_core.model import MINUTE_MS
from trading_core.strategy import Direction, MarketSnapshot, Signal, Strategy, register


@register
class MinuteFlip(Strategy):
    """
    ## Thesis
    None. Every grid point reverses the position, so that each one gives a signal and two fills to measure.

    ## Expected edge
    The round trip is lost at every minute.

    ## Data requirements
    The candle that closes at the grid point, and the last 20 closes, as a strategy would ask for them.

    ## Risk characteristics
    A steady loss of fees and slippage.
    """

    name = "minute_flip"
    interval = "1m"

    def evaluate(self, snapshot: MarketSnapshot) -> Signal:
        """LONG or SHORT by the parity of the minute; the mean of the closes is only metadata."""
        mean = float(snapshot.closes(self.interval, 20).mean())
        direction = Direction.LONG if snapshot.ts // MINUTE_MS % 2 == 0 else Direction.SHORT
        return self.signal(snapshot, direction, 0.9, mean=mean)
