"""R1Boll: goes with a close outside the Bollinger bands of 1h closes, until the close crosses the middle band."""

from __future__ import annotations

import numpy as np

from trading_core.market.series import FloatArray
from trading_core.strategy import Direction, MarketSnapshot, Past, Signal, Strategy, StrategyParams, register

_ROUNDING = 1e-9
"""More than a mean of so few closes is ever off, as a fraction of it."""


@register
class R1Boll(Strategy):
    """
    ## Thesis
    None: the rule that every engine of the comparison runs.

    ## Expected edge
    None. It pays for its costs.

    ## Data requirements
    1m candles, of which 21 complete hours.

    ## Risk characteristics
    One unit a trade, whatever the equity; no stop.
    """

    name = "r1_boll"
    interval = "1h"

    class Params(StrategyParams, frozen=True):
        window: int = 20
        sigmas: float = 2.0
        volume_factor: float = 1.0

    params: Params

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        """LONG or SHORT outside the bands on enough volume, CLOSE when the close has changed sides of the middle.

        A strategy does not see what it holds. A position lies on the side of the middle on which the closes have been
        since it was opened, so a change of sides is when there is something to close. Where the same hour breaks out
        on the other side, the rule `opposite_signal: close` makes of that signal a close, or an entry if nothing is
        open: what an engine that sees its position would do.
        """
        window = self.params.window
        closes = snapshot.closes(self.interval, window + 1)
        volumes = snapshot.volumes(self.interval, window)
        newest = closes[1:]
        distance = float(newest[-1] - newest.mean())
        if volumes[-1] > self.params.volume_factor * volumes.mean() and abs(distance) > self._band(newest):
            return self.signal(snapshot, Direction.LONG if distance > 0 else Direction.SHORT, 1.0)
        before = float(closes[-2] - closes[:-1].mean())
        if np.sign(distance) != np.sign(before):
            return self.signal(snapshot, Direction.CLOSE, 1.0)
        return None

    def _band(self, closes: FloatArray) -> float:
        return self.params.sigmas * float(closes.std())

    def scan(self, past: Past) -> None:
        """Leaves the hours that are inside the bands and on the side of the hour before; `evaluate` sees the rest."""
        windows = past.windows(self.interval, self.params.window + 1)
        points = np.flatnonzero(past.undecided)
        if not len(points):
            return
        closes = windows.closes(points)
        distance = closes[:, -1] - closes[:, 1:].mean(axis=1)
        before = closes[:, -2] - closes[:, :-1].mean(axis=1)
        doubt = _ROUNDING * closes[:, -1]
        is_outside = np.abs(distance) > self.params.sigmas * closes[:, 1:].std(axis=1) - doubt
        has_crossed = np.sign(distance) * np.sign(before) <= 0
        is_near = np.minimum(np.abs(distance), np.abs(before)) < doubt
        asked = np.zeros(len(past.ts), np.bool_)
        asked[points] = is_outside | has_crossed | is_near
        past.ask(asked)
