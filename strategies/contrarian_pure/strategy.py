"""ContrarianPure: bet against a strong consensus in the nearest market."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from msgspec import Meta

from trading_core.money import exact
from trading_core.strategy import Direction, MarketSnapshot, Signal, Strategy, StrategyParams, register


@register
class ContrarianPure(Strategy):
    """
    ## Thesis
    The crowd of a short up/down market overpays for what looks decided. At a probability of `threshold` or more the
    strategy is SHORT (it holds NO/Down), at one minus that or less LONG (it holds YES/Up).

    ## Expected edge
    The favourite wins less often than its price says. Unproven: at the default threshold the bet costs at most 0.28
    and pays 1, so it must win more than 28 times in 100 before fees. The taker fee takes 0.07 × p × (1 − p) of each
    token, 1.4 cents at the threshold, which is 5 % of the stake.

    ## Data requirements
    Polymarket's open markets of the asset and the order book of the one that ends first with `min_time_left_s` left,
    not older than `max_book_age_s`. No candles, so a candle backtest cannot judge it.

    ## Risk characteristics
    Many small losses and few large gains: most bets lose the whole stake. Held to the result, without stop or target.
    The same signal repeats every minute while the consensus lasts. Near the end the price is nearly always right.
    """

    name = "contrarian_pure"
    interval = "1m"
    exchanges = ("polymarket",)

    class Params(StrategyParams, frozen=True):
        threshold: Annotated[float, Meta(gt=0.5, lt=1)] = 0.72
        min_time_left_s: Annotated[float, Meta(ge=0)] = 60

    params: Params

    def prepare(self) -> None:
        self._threshold = exact(self.params.threshold)

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        """Against the favoured side from the threshold itself on; confidence 0.5 there, 1 at certainty."""
        market = snapshot.nearest_market(self.params.min_time_left_s)
        probability = market.probability()
        favoured = max(probability, 1 - probability)
        if favoured < self._threshold:
            return None
        direction = Direction.SHORT if probability >= self._threshold else Direction.LONG
        confidence = 0.5 + 0.5 * float((favoured - self._threshold) / (Decimal(1) - self._threshold))
        return self.signal_on(market, snapshot, direction, confidence, probability=str(probability))
