"""The newest recorded book of an instrument, what was already taken from it, and how an order walks it.

Sizes and prices stay the venue's texts until they are needed. To be called inside `money.exactly()`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

import msgspec

from trading_core.broker import fills
from trading_core.broker.events import Side
from trading_core.broker.holding import ONE, Top
from trading_core.broker.inputs import Level, OrderBook
from trading_core.money import ZERO

Taken = dict[str, Decimal]
"""Quantity by the price text of a level."""


class Depth(msgspec.Struct, frozen=True, omit_defaults=True):
    """One order book in the market's own terms; it was last known to stand at `event_time_ms`."""

    event_id: str
    event_time_ms: int
    book_time_ms: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    taken_bids: Taken = {}
    taken_asks: Taken = {}


class Part(msgspec.Struct, frozen=True, gc=False):
    """What one level gives, or, without `book_event_id`, what the `fixed` model gives; price in held terms."""

    price: Decimal
    quantity: Decimal
    book_event_id: str | None = None


def renewed(held: Depth | None, told: OrderBook) -> Depth:
    """The depth after `told`. The same book told again keeps what was taken from it, a changed one is whole."""
    depth = Depth(told.event_id, told.event_time_ms, told.book_time_ms, told.bids, told.asks)
    if held is None or (held.book_time_ms, held.bids, held.asks) != (told.book_time_ms, told.bids, told.asks):
        return depth
    return msgspec.structs.replace(depth, taken_bids=held.taken_bids, taken_asks=held.taken_asks)


def top_of(bids: tuple[Level, ...], asks: tuple[Level, ...]) -> Top | None:
    """Best bid and best ask; None while a side is empty."""
    return Top(Decimal(bids[0][0]), Decimal(asks[0][0])) if bids and asks else None


def by_stake(depth: Depth, side: Side, stake: Decimal, size_decimals: int, *, inverse: bool) -> list[Part]:
    """What `stake` buys, a level at a time from the best on; what the depth does not cover stays unbought."""
    parts: list[Part] = []
    left = stake
    for price, available in _offers(depth, side, inverse=inverse):
        affordable = fills.affordable(left, price, size_decimals)
        quantity = min(affordable, fills.on_size_step(available, size_decimals))
        if quantity > 0:
            parts.append(Part(price, quantity, depth.event_id))
            left -= price * quantity
        if quantity == affordable:
            break
    return parts


def by_quantity(depth: Depth, side: Side, quantity: Decimal, size_decimals: int, *, inverse: bool) -> list[Part]:
    """What the levels give of `quantity`, from the best on; less than that when it outruns them."""
    parts: list[Part] = []
    left = quantity
    for price, available in _offers(depth, side, inverse=inverse):
        part = min(left, fills.on_size_step(available, size_decimals))
        if part > 0:
            parts.append(Part(price, part, depth.event_id))
            left -= part
        if not left:
            break
    return parts


def last_price(depth: Depth, side: Side, *, inverse: bool) -> Decimal | None:
    """The price of the last level that is recorded, taken or not; None without any."""
    levels = _levels(depth, side, inverse=inverse)
    if not levels:
        return None
    price = Decimal(levels[-1][0])
    return ONE - price if inverse else price


def take(depth: Depth, side: Side, price: Decimal, quantity: Decimal, *, inverse: bool) -> Depth:
    """The depth after a fill at the level of `price` (held terms)."""
    wanted = ONE - price if inverse else price
    text = next(level[0] for level in _levels(depth, side, inverse=inverse) if Decimal(level[0]) == wanted)
    if _takes_asks(side, inverse=inverse):
        return msgspec.structs.replace(depth, taken_asks=_with(depth.taken_asks, text, quantity))
    return msgspec.structs.replace(depth, taken_bids=_with(depth.taken_bids, text, quantity))


def total(parts: Iterable[Part]) -> tuple[Decimal, Decimal]:
    """Quantity, and quantity times price."""
    quantity, notional = ZERO, ZERO
    for part in parts:
        quantity += part.quantity
        notional += part.quantity * part.price
    return quantity, notional


def _takes_asks(side: Side, *, inverse: bool) -> bool:
    """Buying takes asks; the NO/Down token is bought where somebody bids for YES/Up."""
    return (side == "BUY") != inverse


def _levels(depth: Depth, side: Side, *, inverse: bool) -> tuple[Level, ...]:
    return depth.asks if _takes_asks(side, inverse=inverse) else depth.bids


def _offers(depth: Depth, side: Side, *, inverse: bool) -> Iterator[tuple[Decimal, Decimal]]:
    """Price in held terms, and what is left of each level; best first."""
    taken = depth.taken_asks if _takes_asks(side, inverse=inverse) else depth.taken_bids
    for price_text, size_text in _levels(depth, side, inverse=inverse):
        price = Decimal(price_text)
        yield (ONE - price if inverse else price), Decimal(size_text) - taken.get(price_text, ZERO)


def _with(taken: Taken, text: str, quantity: Decimal) -> Taken:
    return {**taken, text: taken.get(text, ZERO) + quantity}
