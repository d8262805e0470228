"""Fill prices and quantities: the venue's tick and size step, slippage, fees. All exact, in Decimal.

Both fill models give a list of executions; `fixed` gives one. To be called inside `money.exactly()`.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cache

import msgspec

from trading_core.broker.events import Side
from trading_core.broker.rules import Rules
from trading_core.money import EXACT, ZERO, usd

_SIGNIFICANT = 5
_MAX_DECIMALS = 6
_UNIT = Decimal(1)


@cache
def _power_of_ten(exponent: int) -> Decimal:
    return _UNIT.scaleb(exponent, EXACT)


@cache
def _perp_tick(magnitude: int, size_decimals: int) -> Decimal:
    return _power_of_ten(min(0, max(magnitude - (_SIGNIFICANT - 1), -(_MAX_DECIMALS - size_decimals))))


class Execution(msgspec.Struct, frozen=True, gc=False):
    """One execution at one price; `fee` is 0 or more."""

    quantity: Decimal
    price: Decimal
    fee: Decimal


def entry_side(direction: str) -> Side:
    return "BUY" if direction == "LONG" else "SELL"


def exit_side(direction: str) -> Side:
    return "SELL" if direction == "LONG" else "BUY"


def worse(side: Side, first: Decimal, second: Decimal) -> Decimal:
    """The reference price of a signal's fill: the one of the two that is worse for the trader."""
    is_second = second > first if side == "BUY" else second < first
    return second if is_second else first


def perp_tick(price: Decimal, size_decimals: int) -> Decimal:
    """Hyperliquid's price step: five significant digits, at most 6 - szDecimals places, never above 1."""
    return _perp_tick(price.adjusted(), size_decimals)


def on_tick(rules: Rules, price: Decimal, size_decimals: int, rounding: str) -> Decimal:
    """`price` on a multiple of the tick: the configured one, else the venue's at this price."""
    if rules.tick_size is None:
        return price.quantize(perp_tick(price, size_decimals), rounding, EXACT)
    return (price / rules.tick_size).quantize(_UNIT, rounding, EXACT) * rules.tick_size


def fixed_price(rules: Rules, side: Side, reference: Decimal, size_decimals: int) -> Decimal:
    """`reference` made worse by the slippage, then rounded to the tick against the trader."""
    if side == "BUY":
        return on_tick(rules, reference * (1 + rules.slippage), size_decimals, ROUND_CEILING)
    return on_tick(rules, reference * (1 - rules.slippage), size_decimals, ROUND_FLOOR)


def on_size_step(quantity: Decimal, size_decimals: int) -> Decimal:
    """`quantity` rounded down to the size step."""
    return quantity.quantize(_power_of_ten(-size_decimals), ROUND_FLOOR, EXACT)


def affordable(stake: Decimal, price: Decimal, size_decimals: int) -> Decimal:
    """The quantity that `stake` buys at `price`, rounded down to the size step; 0 when it buys none."""
    if stake <= 0 or price <= 0:
        return ZERO
    step = _power_of_ten(-size_decimals)
    return (stake // (price * step)) * step


def execution(rules: Rules, quantity: Decimal, price: Decimal) -> Execution:
    return Execution(quantity, price, usd(quantity * price * rules.taker_fee))
