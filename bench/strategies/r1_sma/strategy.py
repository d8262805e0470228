"""R1Sma: LONG while the fast mean of closes lies above the slow one, flat otherwise."""

from __future__ import annotations

import numpy as np

from trading_core.strategy import Direction, MarketSnapshot, Past, Signal, Strategy, StrategyParams, register


@register
class R1Sma(Strategy):
    """
    ## Thesis
    None: the rule that every engine of the comparison runs.

    ## Expected edge
    None. It pays for its costs.

    ## Data requirements
    1m candles whose closes are multiples of `tick`.

    ## Risk characteristics
    One unit a trade, whatever the equity; no stop.
    """

    name = "r1_sma"
    interval = "1m"

    class Params(StrategyParams, frozen=True):
        fast: int = 20
        slow: int = 100
        tick: float = 0.1

    params: Params

    def evaluate(self, snapshot: MarketSnapshot) -> Signal:
        """LONG or CLOSE at every minute. In whole ticks, so that equal means are equal."""
        fast, slow = self.params.fast, self.params.slow
        ticks = np.rint(snapshot.closes(self.interval, slow) / self.params.tick)
        is_above = ticks[-fast:].sum() * slow > ticks.sum() * fast
        return self.signal(snapshot, Direction.LONG if is_above else Direction.CLOSE, 1.0)

    def scan(self, past: Past) -> None:
        """The same from running sums, which are exact: they are whole numbers of ticks."""
        fast, slow = self.params.fast, self.params.slow
        windows = past.windows(self.interval, slow)
        sums = np.concatenate((np.zeros(1), np.cumsum(np.rint(windows.past.close / self.params.tick))))
        end = np.maximum(windows.end, slow)
        if len(sums) <= slow:
            return
        is_above = (sums[end] - sums[end - fast]) * slow > (sums[end] - sums[end - slow]) * fast
        past.say(is_above, Direction.LONG, 1.0)
        past.say(~is_above, Direction.CLOSE, 1.0)
