"""What is known of a market as messages of the bus, with their deterministic ids. Pure."""

from __future__ import annotations

from decimal import Decimal

from collector_pm.book import EMPTY_ASK, EMPTY_BID
from collector_pm.followed import Followed
from trading_core import ids
from trading_core.messages import BookMessage, ProbMessage, ResolvedMessage
from trading_core.model import Exchange

EXCHANGE = Exchange.POLYMARKET.value


def book(followed: Followed, event_ms: int, visible_ms: int, received_ms: int) -> BookMessage:
    """`event_ms`: when the venue changed the book, or when it was found to stand unchanged."""
    bids, asks = followed.book.levels()
    market = followed.listing.market
    return BookMessage(
        id=ids.book(EXCHANGE, market, event_ms, [bids, asks]),
        exchange=EXCHANGE,
        asset=followed.asset,
        event_time_ms=event_ms,
        visible_ms=visible_ms,
        received_time_ms=received_ms,
        market=market,
        book_time_ms=followed.book.changed_ms,
        bids=bids,
        asks=asks,
        tick_size=followed.tick_size,
    )


def prob(followed: Followed, event_ms: int, visible_ms: int, received_ms: int, slot_ms: int) -> ProbMessage:
    """Quotes are those of the kept book; the catalogue's, which lag, only while there is none."""
    listing = followed.listing
    bid, ask = _quotes(followed)
    has_both = bid is not None and ask is not None
    middle = (Decimal(bid) + Decimal(ask)) / 2 if has_both and bid and ask else None
    spread = Decimal(ask) - Decimal(bid) if has_both and bid and ask else None
    content = [bid, ask, followed.last, listing.volume_24h, listing.liquidity]
    return ProbMessage(
        id=ids.prob(EXCHANGE, listing.market, slot_ms, content),
        exchange=EXCHANGE,
        asset=followed.asset,
        event_time_ms=event_ms,
        visible_ms=visible_ms,
        received_time_ms=received_ms,
        market=listing.market,
        slug=listing.slug,
        title=listing.title,
        start_time_ms=listing.start_ms,
        end_time_ms=listing.end_ms,
        yes_token=listing.yes_token,
        no_token=listing.no_token,
        bid=bid,
        ask=ask,
        mid=_plain(middle),
        last=followed.last,
        spread=_plain(spread),
        volume_24h=listing.volume_24h,
        liquidity=listing.liquidity,
        tick_size=followed.tick_size,
        min_size=listing.min_size,
        fee_rate=listing.fee_rate,
        fee_exponent=listing.fee_exponent,
    )


def resolved(
    asset: str, market: str, yes_payout: str, event_ms: int, visible_ms: int, received_ms: int
) -> ResolvedMessage:
    return ResolvedMessage(
        id=ids.resolved(EXCHANGE, market),
        exchange=EXCHANGE,
        asset=asset,
        event_time_ms=event_ms,
        visible_ms=visible_ms,
        received_time_ms=received_ms,
        market=market,
        yes_payout=yes_payout,
    )


def _quotes(followed: Followed) -> tuple[str | None, str | None]:
    if not followed.book.is_known:
        return followed.listing.bid, followed.listing.ask
    bid, ask = followed.book.top()
    return None if bid == EMPTY_BID else bid, None if ask == EMPTY_ASK else ask


def _plain(value: Decimal | None) -> str | None:
    return None if value is None else format(value.normalize(), "f")
