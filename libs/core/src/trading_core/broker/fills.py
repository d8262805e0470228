"""Prices and quantities of fills: the venue's tick and size step, slippage. All exact, in Decimal.

To be called inside `money.exactly()`.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cache

from trading_core.broker.events import Side
from trading_core.broker.rules import Rules
from trading_core.broker.terms import Terms
from trading_core.money import EXACT, ZERO

_SIGNIFICANT = 5
_MAX_DECIMALS = 6
_UNIT = Decimal(1)


@cache
def _power_of_ten(exponent: int) -> Decimal:
    return _UNIT.scaleb(exponent, EXACT)


@cache
def _perp_tick(magnitude: int, size_decimals: int) -> Decimal:
    return _power_of_ten(min(0, max(magnitude - (_SIGNIFICANT - 1), -(_MAX_DECIMALS - size_decimals))))


def worse(side: Side, first: Decimal, second: Decimal) -> Decimal:
    """The reference price of a signal's fill: the one of the two that is worse for the trader."""
    is_second = second > first if side == "BUY" else second < first
    return second if is_second else first


def perp_tick(price: Decimal, size_decimals: int) -> Decimal:
    """Hyperliquid's price step: five significant digits, at most 6 - szDecimals places, never above 1."""
    return _perp_tick(price.adjusted(), size_decimals)


def on_tick(terms: Terms, price: Decimal, rounding: str) -> Decimal:
    """`price` on a multiple of the tick: the one of the terms, else that of a perpetual at this price."""
    if terms.tick_size is None:
        return price.quantize(perp_tick(price, terms.size_decimals), rounding, EXACT)
    on_step = (price / terms.tick_size).quantize(_UNIT, rounding, EXACT) * terms.tick_size
    if not terms.is_token:
        return on_step
    return min(max(on_step, terms.tick_size), _UNIT - terms.tick_size)


def fixed_price(rules: Rules, terms: Terms, side: Side, reference: Decimal) -> Decimal:
    """`reference` made worse by the slippage, then rounded to the tick against the trader."""
    if side == "BUY":
        return on_tick(terms, reference * (1 + rules.slippage), ROUND_CEILING)
    return on_tick(terms, reference * (1 - rules.slippage), ROUND_FLOOR)


def on_size_step(quantity: Decimal, size_decimals: int) -> Decimal:
    """`quantity` rounded down to the size step."""
    return quantity.quantize(_power_of_ten(-size_decimals), ROUND_FLOOR, EXACT)


def affordable(stake: Decimal, price: Decimal, size_decimals: int) -> Decimal:
    """The quantity that `stake` buys at `price`, rounded down to the size step; 0 when it buys none."""
    if stake <= 0 or price <= 0:
        return ZERO
    step = _power_of_ten(-size_decimals)
    return (stake // (price * step)) * step
