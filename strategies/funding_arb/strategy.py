"""FundingArb: be on the side that receives a high funding rate."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import numpy as np
from msgspec import Meta

from trading_core.money import exact
from trading_core.strategy import Direction, MarketSnapshot, Past, Signal, Strategy, StrategyParams, register


@register
class FundingArb(Strategy):
    """
    ## Thesis
    A funding rate far from zero says that one side of the market is crowded and pays to stay. The strategy takes the
    other side and is paid every hour: SHORT when the 8 h rate is above `threshold`, LONG when it is below minus that.

    ## Expected edge
    The carry, and whatever a crowd's retreat adds. One leg, no hedge: a bet with a carry, not an arbitrage. At the
    default threshold eight hours of funding earn about 5 bps while a round trip costs 20 bps in fees and slippage, so
    funding alone does not pay for the trade below a rate of about 0.002 per 8 h.

    ## Data requirements
    Hyperliquid's settled hourly funding rates, used for `funding_max_age_h` after the hour they settled, and 1m
    candles for the price. The venue's running estimate is not used.

    ## Risk characteristics
    Fully exposed to the price for up to eight hours: one move of a per cent outweighs weeks of carry. A stop at 2 %
    and no target, so that funding is earned; signals repeat every minute while the rate stays extreme.
    """

    name = "funding_arb"
    interval = "1m"

    class Params(StrategyParams, frozen=True):
        threshold: Annotated[float, Meta(gt=0)] = 0.0005
        basis_hours: Annotated[int, Meta(ge=1)] = 8

    params: Params

    def prepare(self) -> None:
        self._threshold = exact(self.params.threshold)

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        """The paid side when the rate lies strictly beyond the threshold; confidence 0.5 there, 1 at twice that."""
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
        if abs(rate) <= self._threshold:
            return None
        direction = Direction.SHORT if rate > 0 else Direction.LONG
        return direction, min(1.0, 0.5 * float(abs(rate)) / self.params.threshold)
