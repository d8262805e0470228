"""From an input to events, stage by stage: what one stage has closed, the next one sees.

Each function decides with the pure modules beside it and lets `evolve` change the book before the next stage.
"""

from __future__ import annotations

from collections.abc import Iterable

from trading_core import ids
from trading_core.broker import checks, closing, entries, exits, funding
from trading_core.broker.book import Book, HeldMark, KnownRate, instrument_key
from trading_core.broker.decisions import decision
from trading_core.broker.events import Event, PositionState
from trading_core.broker.evolve import evolve, hold_mark, remember_rate
from trading_core.broker.executions import Cause
from trading_core.broker.inputs import Bar, CloseAll, ClosePosition, FundingRate, Mark, SignalInput
from trading_core.broker.rules import RuleBook
from trading_core.broker.terms import terms_for


def settle(book: Book, events: Iterable[Event]) -> list[Event]:
    """Apply a stage's events to the book and hand them on."""
    done = list(events)
    for event in done:
        evolve(book, event)
    return done


def on_mark(book: Book, rules: RuleBook, mark: Mark) -> list[Event]:
    """Stops and targets of the instrument's positions in order of opening; then the mark is held."""
    key = instrument_key(mark.exchange, mark.instrument)
    held = book.marks.get(key)
    if held is not None and (mark.event_time_ms < held.event_time_ms or mark.event_id == held.event_id):
        return []
    before = None if held is None else held.price
    return observe(book, rules, key, HeldMark(mark.price, mark.event_id, mark.event_time_ms, mark.visible_ms, before))


def observe(book: Book, rules: RuleBook, key: str, mark: HeldMark) -> list[Event]:
    """Whatever brought it: the exits that a new mark of one instrument triggers, then it is held."""
    events: list[Event] = []
    if key in book.by_instrument:
        for position_id in tuple(book.by_instrument[key]):
            position = book.positions[position_id]
            events += close_if(book, rules, position, exits.at_mark(position, mark))
    hold_mark(book, key, mark)
    return events


def on_bar(book: Book, rules: RuleBook, bar: Bar) -> list[Event]:
    """The same for the range of a closed candle; its close at its close time is the mark afterwards."""
    candle = bar.candle
    key = instrument_key(bar.exchange, bar.asset)
    event_id = f"c:{ids.SHORT[bar.exchange]}:{bar.asset}:1m:{candle.open_time_ms}"
    events: list[Event] = []
    held = book.marks.get(key)
    before = None if held is None else held.price
    if before is not None:
        for position in book.on_instrument(bar.exchange, bar.asset):
            events += close_if(book, rules, position, exits.in_bar(position, bar, before, event_id))
    closed_ms = candle.close_time_ms
    hold_mark(book, key, HeldMark(candle.close, event_id, closed_ms, closed_ms, before))
    return events


def on_timeouts(book: Book, rules: RuleBook) -> list[Event]:
    events: list[Event] = []
    for position in list(book.positions.values()):
        events += close_if(book, rules, position, exits.at_deadline(position, book.held_mark(position)))
    return events


def on_manual_close(book: Book, rules: RuleBook, given: CloseAll | ClosePosition) -> list[Event]:
    events: list[Event] = []
    for position in list(book.positions.values()):
        if isinstance(given, CloseAll) or position.position_id == given.position_id:
            why = exits.by_hand(position, given.ts_ms, book.held_mark(position))
            events += close_if(book, rules, position, why)
    return events


def on_funding_rate(book: Book, rules: RuleBook, row: FundingRate) -> list[Event]:
    """Keep the rate for its hour, and book what was already owed for that hour, one position at a time."""
    remember_rate(book, row)
    rate = KnownRate(row.rate, row.event_id, row.event_time_ms)
    events: list[Event] = []
    for owed in funding.arrears(book, row):
        position = book.positions.get(owed.position_id) or book.closed_owing[owed.position_id]
        events += settle(book, funding.pay(rules, position, owed, rate, row.visible_ms))
    return events


def on_signal(book: Book, rule_book: RuleBook, given: SignalInput) -> list[Event]:
    """Judge, close what is opposite (or, for CLOSE, what is there), then see whether anything may open.

    With `opposite_signal: close` an opposite signal only closes, with `ignore` it finds the position already open.
    """
    signal = given.signal
    rules = rule_book.rules_for(signal.strategy, signal.exchange)
    mark = book.mark(signal.exchange, signal.held)
    reason = checks.judge(rules, given, mark)
    if reason is not None or mark is None:
        return [decision(book, rules, given, mark, reason=reason)]
    held = book.of_strategy(signal.strategy, signal.exchange, signal.held)
    events: list[Event] = []
    is_close = signal.direction == "CLOSE"
    if held is not None and held.direction != signal.direction and (is_close or rules.opposite_signal != "ignore"):
        why = exits.by_signal(held, signal.entry_price, given.place.visible_ms, mark, late=given.late)
        events += close_if(book, rule_book, held, why, given.event_id)
    closed_id = held.position_id if events and held is not None else None
    if is_close or (closed_id is not None and rules.opposite_signal == "close"):
        reason = None if closed_id else "nothing_open"
        return [*events, decision(book, rules, given, mark, reason=reason, closed_id=closed_id)]
    reason = checks.may_open(book, rules, given, has_closed=closed_id is not None)
    if reason is not None:
        return [*events, decision(book, rules, given, mark, reason=reason, closed_id=closed_id)]
    market = book.market_terms(signal.exchange, signal.held)
    sized = checks.size(book, rules, given, mark, terms_for(rule_book, rules, signal.exchange, signal.asset, market))
    events.append(decision(book, rules, given, mark, reason=sized.reason, closed_id=closed_id, sized=sized))
    if sized.reason is None:
        order, opened, filled = entries.open_position(book, rule_book, rules, given, mark, sized)
        events += (order, *settle(book, [opened, *filled]))
    return events


def close_if(
    book: Book, rules: RuleBook, position: PositionState, why: Cause | None, signal_id: str | None = None
) -> list[Event]:
    """Close the position when there is a reason to, and pause its strategy when that was one loss too many."""
    if why is None:
        return []
    order, closed, filled = closing.close(book, rules, position, why, signal_id)
    settle(book, filled)  # first: what they took from the depth is known by the open position they are of
    evolve(book, closed)
    return [order, closed, *filled, *settle(book, exits.pause_due(book, rules, closed))]
