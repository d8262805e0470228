"""In which terms an instrument is held: a perpetual by its price, a prediction market by the token that one holds.

Signals, marks and order books of a prediction market are in YES/Up terms. LONG holds that token, SHORT holds the
other one, whose price is 1 minus it. Either is bought to enter and sold to leave, and gains when its own price rises.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from trading_core.broker.events import PositionState, Side
from trading_core.model import Exchange

ONE = Decimal(1)
_TOKENS = Exchange.POLYMARKET.value


class Top(msgspec.Struct, frozen=True, gc=False):
    """Best bid and best ask of the YES/Up token."""

    bid: Decimal
    ask: Decimal


def is_token(exchange: str) -> bool:
    """Whether what is held there is a token with a price between 0 and 1."""
    return exchange == _TOKENS


def is_inverse(exchange: str, direction: str) -> bool:
    """Whether prices of what is held are 1 minus those of the market."""
    return direction == "SHORT" and exchange == _TOKENS


def gains_with_price(exchange: str, direction: str) -> bool:
    """Whether a rising price of what is held is a gain: not for a short perpetual."""
    return direction == "LONG" or exchange == _TOKENS


def sign(position: PositionState) -> int:
    return 1 if gains_with_price(position.exchange, position.direction) else -1


def entry_side(exchange: str, direction: str) -> Side:
    return "BUY" if gains_with_price(exchange, direction) else "SELL"


def exit_side(exchange: str, direction: str) -> Side:
    return "SELL" if gains_with_price(exchange, direction) else "BUY"


def held_price(exchange: str, direction: str, price: Decimal) -> Decimal:
    """A price of the market in terms of what is held."""
    return ONE - price if is_inverse(exchange, direction) else price


def best_of(top: Top, side: Side, direction: str) -> Decimal:
    """The best price at which the held token can be bought or sold."""
    if direction == "SHORT":
        return ONE - (top.bid if side == "BUY" else top.ask)
    return top.ask if side == "BUY" else top.bid
