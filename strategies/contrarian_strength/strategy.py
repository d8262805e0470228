"""ContrarianStrength: bet against a strong consensus that is backed by money."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from msgspec import Meta

from trading_core.money import exact
from trading_core.strategy import Direction, MarketSnapshot, Signal, Strategy, StrategyParams, register


@register
class ContrarianStrength(Strategy):
    """
    ## Thesis
    As ContrarianPure, but only where a consensus of `threshold` or more is backed by money: a market that was traded
    for `min_volume` in 24 hours, rests on `min_liquidity` and quotes no wider than `max_spread`. There the price is
    the crowd's, not that of two stray orders.

    ## Expected edge
    The favourite of a liquid market wins less often than its price says. Unproven: at the default threshold the bet
    costs at most 0.20 and pays 1, so it must win more than 20 times in 100 before fees.

    ## Data requirements
    Besides the book of the nearest market its 24 h volume and liquidity in USD, from a poll not older than
    `stats_max_age_s`. Where the venue does not say them, as in the recorded sample, every evaluation is a PASS
    `no_volume`.

    ## Risk characteristics
    Rarer than ContrarianPure and still mostly losing bets for few large gains; held to the result, without stop or
    target. Money behind a price is more often right than not.
    """

    name = "contrarian_strength"
    interval = "1m"
    exchanges = ("polymarket",)

    class Params(StrategyParams, frozen=True):
        threshold: Annotated[float, Meta(gt=0.5, lt=1)] = 0.80
        min_volume: Annotated[float, Meta(ge=0)] = 1000
        min_liquidity: Annotated[float, Meta(ge=0)] = 500
        max_spread: Annotated[float, Meta(gt=0, le=1)] = 0.05
        min_time_left_s: Annotated[float, Meta(ge=0)] = 60

    params: Params

    def prepare(self) -> None:
        params = self.params
        self._threshold = exact(params.threshold)
        self._min_volume, self._min_liquidity = exact(params.min_volume), exact(params.min_liquidity)
        self._max_spread = exact(params.max_spread)

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        """Against the favoured side from the threshold itself on, if volume, liquidity and spread allow it."""
        market = snapshot.nearest_market(self.params.min_time_left_s)
        probability, spread = market.probability(), market.spread()
        volume, liquidity = market.volume_24h(), market.liquidity()
        favoured = max(probability, 1 - probability)
        is_backed = volume >= self._min_volume and liquidity >= self._min_liquidity and spread <= self._max_spread
        if favoured < self._threshold or not is_backed:
            return None
        direction = Direction.SHORT if probability >= self._threshold else Direction.LONG
        confidence = 0.5 + 0.5 * float((favoured - self._threshold) / (Decimal(1) - self._threshold))
        return self.signal_on(
            market, snapshot, direction, confidence,
            probability=str(probability), spread=str(spread), volume_24h=str(volume), liquidity=str(liquidity),
        )  # fmt: skip
