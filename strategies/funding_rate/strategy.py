"""FundingRate: bet against the crowded side when funding is extreme."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import numpy as np
from msgspec import Meta

from trading_core.money import exact
from trading_core.strategy import Direction, MarketSnapshot, Past, Signal, Strategy, StrategyParams, register


@register
class FundingRate(Strategy):
    """
    ## Thesis
    An extreme funding rate says that one side of the market is so crowded that it pays dearly to stay. Crowds unwind
    together: at an 8 h rate of `threshold` or more the strategy is SHORT, at minus that or less LONG.

    ## Expected edge
    The unwinding, within an hour. The carry of that hour is small beside it (1.5 bps at the default threshold) and
    does not pay the round trip of 20 bps in fees and slippage. Unproven: in four weeks of 2025 the default threshold
    was reached in three hours of all three assets together, for three trades.

    ## Data requirements
    Hyperliquid's settled hourly funding rates, used for `funding_max_age_h` after the hour they settled, and 1m
    candles for the price. The venue's running estimate is not used.

    ## Risk characteristics
    Trades against the crowd, which can stay right for days; a squeeze ends at the stop. Signals are rare, come in
    clusters on all assets at once, and repeat every minute while the rate stays extreme.
    """

    name = "funding_rate"
    interval = "1m"

    class Params(StrategyParams, frozen=True):
        threshold: Annotated[float, Meta(gt=0)] = 0.0012
        basis_hours: Annotated[int, Meta(ge=1)] = 8

    params: Params

    def prepare(self) -> None:
        self._threshold = exact(self.params.threshold)

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        """Against the paying side from the threshold itself on; confidence 0.5 there, 1 from twice that on."""
        rate = snapshot.funding_rate_8h(self.params.basis_hours)
        opinion = self._opinion(rate)
        return None if opinion is None else self.signal(snapshot, *opinion, funding_rate_8h=str(rate))

    def scan(self, past: Past) -> None:
        """The opinion of each rate, wherever it is the newest."""
        rates, seen = past.funding_rates_8h(self.params.basis_hours)
        opinions = [self._opinion(rate) or (Direction.PASS, 0.0) for rate in rates]
        opinions.append((Direction.PASS, 0.0))  # of the points before the first rate
        confidences = np.array([confidence for _, confidence in opinions])[seen]
        for direction in (Direction.LONG, Direction.SHORT):
            past.say(np.array([said is direction for said, _ in opinions])[seen], direction, confidences)

    def _opinion(self, rate: Decimal) -> tuple[Direction, float] | None:
        """Direction and confidence at this 8 h rate."""
        if abs(rate) < self._threshold:
            return None
        direction = Direction.SHORT if rate > 0 else Direction.LONG
        return direction, min(1.0, 0.5 * float(abs(rate)) / self.params.threshold)
