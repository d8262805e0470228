"""Order books, and what the venue says of prediction markets: terms, standing books, results."""

from __future__ import annotations

import msgspec

from trading_core.broker import depth as depths
from trading_core.broker import exits
from trading_core.broker.book import Book, HeldMark, instrument_key
from trading_core.broker.decide import close_if, observe
from trading_core.broker.events import Event
from trading_core.broker.evolve import forget_prices, hold_depth, hold_terms
from trading_core.broker.holding import is_token
from trading_core.broker.inputs import Level, MarketPoll, OrderBook, Resolution
from trading_core.broker.rules import RuleBook
from trading_core.broker.terms import polled
from trading_core.money import decimal_of


def on_order_book(book: Book, rules: RuleBook, told: OrderBook) -> list[Event]:
    """The book is held; that of a prediction market is also a mark, if both of its sides are there.

    Books of coins are held only where a strategy fills by them. One of a market without known terms is left out:
    it could not be traded, and its fees would be wrong.
    """
    key = instrument_key(told.exchange, told.instrument)
    terms = book.terms.get(key)
    if is_token(told.exchange):
        if terms is None or terms.is_resolved:
            return []
    elif told.exchange not in rules.book_exchanges:
        return []
    held = book.depths.get(key)
    if held is not None and (told.event_time_ms < held.event_time_ms or told.event_id == held.event_id):
        return []
    hold_depth(book, key, depths.renewed(held, told))
    if terms is None:
        return []
    if told.tick_size is not None and told.event_time_ms >= terms.tick_ms:
        tick_size = decimal_of(told.tick_size)
        hold_terms(book, key, msgspec.structs.replace(terms, tick_size=tick_size, tick_ms=told.event_time_ms))
    top = depths.top_of(told.bids, told.asks)
    if top is None:
        return []
    before = book.marks.get(key)
    mark = HeldMark(
        float((top.bid + top.ask) / 2),
        told.event_id,
        told.event_time_ms,
        told.visible_ms,
        None if before is None else before.price,
        top,
        None if before is None else before.top,
    )
    return observe(book, rules, key, mark)


def on_poll(book: Book, rules: RuleBook, poll: MarketPoll) -> list[Event]:
    """The market's terms. A poll that found the best prices of the held book says that it stood, and the mark with it.

    A market that has ended and in which nothing is held is not taken up any more.
    """
    key = instrument_key(poll.exchange, poll.instrument)
    terms = book.terms.get(key)
    if terms is None and poll.end_time_ms < poll.event_time_ms:
        return []
    if terms is None or poll.event_time_ms >= terms.poll_ms:
        hold_terms(book, key, polled(terms, poll))
    depth, mark = book.depths.get(key), book.marks.get(key)
    if depth is None or poll.event_time_ms < depth.event_time_ms:
        return []
    if (poll.bid, poll.ask) != (_best(depth.bids), _best(depth.asks)):
        return []
    hold_depth(book, key, msgspec.structs.replace(depth, event_time_ms=poll.event_time_ms))
    if mark is None or not (depth.bids and depth.asks):
        return []
    seen_again = HeldMark(
        mark.price, poll.event_id, poll.event_time_ms, poll.visible_ms, mark.price, mark.top, mark.top
    )
    return observe(book, rules, key, seen_again)


def on_resolution(book: Book, rules: RuleBook, result: Resolution) -> list[Event]:
    """Every position in the market is paid out, in order of opening; nothing opens there any more."""
    events: list[Event] = []
    for position in book.on_instrument(result.exchange, result.instrument):
        events += close_if(book, rules, position, exits.by_result(position, result))
    key = instrument_key(result.exchange, result.instrument)
    terms = book.terms.get(key)
    if terms is not None:
        hold_terms(book, key, msgspec.structs.replace(terms, is_resolved=True))
    forget_prices(book, key)
    return events


def _best(levels: tuple[Level, ...]) -> str | None:
    return levels[0][0] if levels else None
