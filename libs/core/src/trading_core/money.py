"""The one door between float market data and the Decimal ledger."""

from contextlib import AbstractContextManager
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation, localcontext
from functools import lru_cache

MICRO = Decimal("0.000001")
ZERO = Decimal(0)
NOTHING_USD = Decimal("0.000000")
# 60 digits: the product of a quantity, a price and a rate of 15 to 17 significant digits each is exact.
EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)


def exact(value: float) -> Decimal:
    """The decimal a venue printed, from the float that holds it (shortest round trip)."""
    # A mark is asked for once by each of its positions, a signal's price by every check. 0.0 and -0.0 are equal keys.
    return _shortest(value) if value else Decimal(repr(float(value)))


@lru_cache(maxsize=1024)
def _shortest(value: float) -> Decimal:
    return Decimal(repr(float(value)))


def usd(amount: Decimal) -> Decimal:
    """`amount` in USD rounded to six places, half to even; applied once, when it enters the ledger.

    Nothing has no sign: PostgreSQL keeps no -0, so a short closed at its entry price would differ from its replay.
    """
    return amount.quantize(MICRO, ROUND_HALF_EVEN, EXACT) or NOTHING_USD


def to_micros(amount: Decimal) -> int:
    """An amount of the ledger in millionths of a USD. It has six places, so nothing is lost."""
    return int(EXACT.scaleb(amount, 6))


def from_micros(amount: int) -> Decimal:
    """The amount of the ledger, six places, in USD, that `amount` millionths are."""
    return EXACT.scaleb(Decimal(amount), -6)


def plain(amount: Decimal) -> str:
    """`amount` without an exponent, as it goes on the wire and into golden files."""
    return format(amount, "f")


def decimal_of(text: str) -> Decimal:
    """The decimal in a venue's string. ValueError when it is not a finite number."""
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is not a decimal number") from error
    if not value.is_finite():
        raise ValueError(f"{text!r} is not finite")
    return value


def exactly() -> AbstractContextManager[Context]:
    """A block in which `+ - * /` on Decimals do not depend on the precision a caller has set globally."""
    return localcontext(EXACT)
