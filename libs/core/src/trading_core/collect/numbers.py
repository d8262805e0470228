"""Numbers as venues print them, checked before anything is published. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from trading_core.errors import VenueMessageInvalid
from trading_core.model import DAY_MS

AHEAD_MS = 5_000
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_NUMBER_LENGTH_MAX = 32
_DIGITS = r"[0-9]{1,15}(?:\.[0-9]{1,16})?"
_USUAL = re.compile(rf"(?![0.]+ ){_DIGITS} {_DIGITS}").fullmatch
"""A price above zero and a size, with a blank between: one look at both is half the work of two."""
REMEMBERED = 4_096
"""Prices and sizes come again and again, with every book anew: what was right once is not looked at again. They take
2 MiB; four times as many took 8, by which a collector grew in its first hours."""


def number(name: str, text: str) -> float:
    """`text` as a number. VenueMessageInvalid naming `name`: no plain decimal, or longer than 32 characters."""
    if len(text) > _NUMBER_LENGTH_MAX:
        raise VenueMessageInvalid(f"{name} has {len(text)} characters, at most {_NUMBER_LENGTH_MAX} are taken")
    if not _NUMBER.fullmatch(text):
        raise VenueMessageInvalid(f"{name} is no decimal number: {text!r}")
    return float(text)


@lru_cache(maxsize=REMEMBERED)
def price(name: str, text: str) -> float:
    value = number(name, text)
    if value <= 0:
        raise VenueMessageInvalid(f"{name} must be > 0, got {text}")
    return value


@lru_cache(maxsize=REMEMBERED)
def size(name: str, text: str) -> float:
    value = number(name, text)
    if value < 0:
        raise VenueMessageInvalid(f"{name} must be >= 0, got {text}")
    return value


class TradeNumbers:
    """Prices and sizes of trades that are right, looked at once: the venue prints the same ones again and again."""

    def __init__(self) -> None:
        self.prices: set[str] = set()
        self.sizes: set[str] = set()

    def learn(self, price: str, size: str) -> bool:
        """Whether `price` and `size` of this module take the two and neither is oddly long; then they are known."""
        if _USUAL(f"{price} {size}") is None:
            return False
        if len(self.prices) + len(self.sizes) > REMEMBERED:
            self.prices.clear()
            self.sizes.clear()
        self.prices.add(price)
        self.sizes.add(size)
        return True


def check_time(event_ms: int, clock_ms: int) -> None:
    """VenueMessageInvalid when a live event lies over 5 s ahead of venue time or over 24 h behind it."""
    if event_ms > clock_ms + AHEAD_MS:
        raise VenueMessageInvalid(f"time {event_ms} is {event_ms - clock_ms} ms ahead of venue time")
    if event_ms < clock_ms - DAY_MS:
        raise VenueMessageInvalid(f"time {event_ms} is more than 24 h behind venue time {clock_ms}")
