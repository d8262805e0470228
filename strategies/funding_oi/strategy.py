"""FundingOI: bet against the crowded side when funding is extreme and open interest is high."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from msgspec import Meta

from trading_core.market.exchange import OPEN_INTEREST_HOURS
from trading_core.money import exact
from trading_core.strategy import Direction, MarketSnapshot, Signal, Strategy, StrategyParams, register


@register
class FundingOI(Strategy):
    """
    ## Thesis
    An extreme funding rate says which side is crowded, open interest how large the crowd is. Only when both are high
    can a retreat become a rush: at an 8 h rate of `funding` or more the strategy is SHORT, at minus that or less LONG,
    and only while open interest is at or above the `oi_pct` percentile of the last `oi_window_h` hours.

    ## Expected edge
    The rush, within an hour. The carry of that hour does not pay the round trip of 20 bps in fees and slippage.
    Unproven, and not backtested: there is no public history of open interest, so it must earn its record live.

    ## Data requirements
    Hyperliquid's settled hourly funding rates, open interest from its asset contexts (the last value of each hour, at
    least `min_snapshots` of them, so the first day gives no signal), and 1m candles for the price.

    ## Risk characteristics
    Trades against the crowd, which can stay right for days; a squeeze ends at the stop. Signals are very rare, and
    open interest in coins falls just when the rush begins, which ends the signals before the move does.
    """

    name = "funding_oi"
    interval = "1m"

    class Params(StrategyParams, frozen=True):
        funding: Annotated[float, Meta(gt=0)] = 0.0015
        oi_pct: Annotated[float, Meta(ge=0, le=100)] = 85.0
        oi_window_h: Annotated[int, Meta(ge=1, le=OPEN_INTEREST_HOURS)] = 168
        min_snapshots: Annotated[int, Meta(ge=1)] = 24
        basis_hours: Annotated[int, Meta(ge=1)] = 8

        def __post_init__(self) -> None:
            # At a full hour there are at most so many values, the current one among them.
            if self.min_snapshots > self.oi_window_h:
                raise ValueError(f"min_snapshots must be <= oi_window_h ({self.oi_window_h}), got {self.min_snapshots}")

    params: Params

    def prepare(self) -> None:
        self._funding = exact(self.params.funding)

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        """Against the paying side from the rate itself on; confidence 0.5 there, 1 from twice that on."""
        params = self.params
        rate = snapshot.funding_rate_8h(params.basis_hours)
        sample = snapshot.open_interest_sample(params.oi_window_h, params.min_snapshots)
        if abs(rate) < self._funding:
            return None
        current, level = float(sample[-1]), float(np.percentile(sample, params.oi_pct, method="linear"))
        if current < level:
            return None
        return self.signal(
            snapshot,
            Direction.SHORT if rate > 0 else Direction.LONG,
            min(1.0, 0.5 * float(abs(rate)) / params.funding),
            funding_rate_8h=str(rate),
            open_interest=current,
            open_interest_level=level,
            snapshots=len(sample),
        )
