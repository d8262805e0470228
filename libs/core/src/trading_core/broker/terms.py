"""Under which terms one instrument trades: its steps, its smallest order, its fee."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

from trading_core.broker.holding import is_token
from trading_core.broker.inputs import MarketPoll
from trading_core.broker.rules import RuleBook, Rules
from trading_core.money import EXACT, ZERO, decimal_of, usd

TOKEN_SIZE_DECIMALS = 2
USUAL_TOKEN_TICK = Decimal("0.01")
"""Of a market whose tick nobody has said yet: most markets begin with it."""
_FEE_STEP = Decimal("0.00001")


class MarketTerms(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the venue says of one prediction market: `poll_id` is the newest poll, `tick_ms` the tick's event time."""

    end_time_ms: int
    poll_id: str
    poll_ms: int
    tick_size: Decimal
    tick_ms: int
    min_size: Decimal | None = None
    fee_rate: Decimal | None = None
    fee_exponent: Decimal = Decimal(1)
    is_resolved: bool = False


class Terms(msgspec.Struct, frozen=True, gc=False):
    """The terms of one fill.

    `tick_size` None: that of a perpetual at its price. `taker_fee` is a fraction of notional; None: the market's own
    schedule of `fee_rate` and `fee_exponent`.
    """

    size_decimals: int
    tick_size: Decimal | None
    min_size: Decimal | None
    taker_fee: Decimal | None
    fee_rate: Decimal = ZERO
    fee_exponent: Decimal = Decimal(1)
    is_token: bool = False

    def fee(self, quantity: Decimal, price: Decimal) -> Decimal:
        """USD, six places, 0 or more."""
        if self.taker_fee is not None:
            return usd(quantity * price * self.taker_fee)
        curve = EXACT.power(price * (1 - price), self.fee_exponent)
        return usd((quantity * self.fee_rate * curve).quantize(_FEE_STEP, ROUND_HALF_EVEN, EXACT))


def terms_for(rule_book: RuleBook, rules: Rules, exchange: str, asset: str, market: MarketTerms | None) -> Terms:
    """`market`: what is known of the prediction market, None for a perpetual. Configured numbers win over its tick."""
    if not is_token(exchange):
        return Terms(rule_book.size_decimals(asset), rules.tick_size, rules.min_size, rules.taker_fee)
    if market is None:
        return Terms(
            TOKEN_SIZE_DECIMALS, rules.tick_size or USUAL_TOKEN_TICK, rules.min_size, rules.taker_fee, is_token=True
        )
    return Terms(
        TOKEN_SIZE_DECIMALS,
        rules.tick_size or market.tick_size,
        rules.min_size if market.min_size is None else market.min_size,
        rules.taker_fee,
        market.fee_rate or ZERO,
        market.fee_exponent,
        is_token=True,
    )


def polled(held: MarketTerms | None, poll: MarketPoll) -> MarketTerms:
    """The market's terms after a poll. A poll without a tick leaves the tick as it is."""
    tick_size, tick_ms = (held.tick_size, held.tick_ms) if held else (USUAL_TOKEN_TICK, -1)
    if poll.tick_size is not None and poll.event_time_ms >= tick_ms:
        tick_size, tick_ms = decimal_of(poll.tick_size), poll.event_time_ms
    return MarketTerms(
        end_time_ms=poll.end_time_ms,
        poll_id=poll.event_id,
        poll_ms=poll.event_time_ms,
        tick_size=tick_size,
        tick_ms=tick_ms,
        min_size=_number(poll.min_size),
        fee_rate=_number(poll.fee_rate),
        fee_exponent=_number(poll.fee_exponent) or Decimal(1),
        is_resolved=held is not None and held.is_resolved,
    )


def _number(text: str | None) -> Decimal | None:
    return None if text is None else decimal_of(text)
