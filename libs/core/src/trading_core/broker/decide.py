"""From an input to events, stage by stage: what one stage has closed, the next one sees.

Each function decides with the pure modules beside it and lets `evolve` change the book before the next stage.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from trading_core import ids
from trading_core.broker import checks, entries, exits, funding
from trading_core.broker.book import Book, HeldMark, KnownRate, instrument_key
from trading_core.broker.checks import Sizing
from trading_core.broker.events import Decision, Event, PositionState, Reason, StrategyPaused, StrategyResumed, Verdict
from trading_core.broker.evolve import evolve, hold_mark, remember_rate
from trading_core.broker.exits import Exit
from trading_core.broker.inputs import Bar, CloseAll, ClosePosition, FundingRate, Mark, PauseByPerson, SignalInput
from trading_core.broker.rules import RuleBook, Rules
from trading_core.model import Direction
from trading_core.money import exact


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
    if held is not None and mark.event_time_ms < held.event_time_ms:
        return []
    events: list[Event] = []
    if key in book.by_instrument and held is not None:
        for position in book.on_instrument(mark.exchange, mark.instrument):
            events += _close_if(book, rules, position, exits.at_mark(position, mark, held.price))
    hold_mark(book, key, mark.price, mark.event_id, mark.event_time_ms, mark.visible_ms)
    return events


def on_bar(book: Book, rules: RuleBook, bar: Bar) -> list[Event]:
    """The same for the range of a closed candle; its close at its close time is the mark afterwards."""
    candle = bar.candle
    key = instrument_key(bar.exchange, bar.asset)
    event_id = f"c:{ids.SHORT[bar.exchange]}:{bar.asset}:1m:{candle.open_time_ms}"
    events: list[Event] = []
    if key in book.by_instrument:
        before = book.marks[key].price
        for position in book.on_instrument(bar.exchange, bar.asset):
            events += _close_if(book, rules, position, exits.in_bar(position, bar, before, event_id))
    closed_ms = candle.close_time_ms
    hold_mark(book, key, candle.close, event_id, closed_ms, closed_ms)
    return events


def on_timeouts(book: Book, rules: RuleBook) -> list[Event]:
    events: list[Event] = []
    for position in list(book.positions.values()):
        events += _close_if(book, rules, position, exits.at_deadline(position, book.held_mark(position)))
    return events


def on_manual_close(book: Book, rules: RuleBook, given: CloseAll | ClosePosition) -> list[Event]:
    events: list[Event] = []
    for position in list(book.positions.values()):
        if isinstance(given, CloseAll) or position.position_id == given.position_id:
            why = exits.at_held_mark("manual", given.ts_ms, book.held_mark(position))
            events += _close_if(book, rules, position, why)
    return events


def on_person(book: Book, given: PauseByPerson) -> list[Event]:
    """A person's pause or its end; nothing when it is so already."""
    if given.paused == (given.strategy in book.paused_by_person):
        return []
    if given.paused:
        return settle(
            book,
            [
                StrategyPaused(
                    event_id=ids.pause(book.portfolio, given.strategy, given.ts_ms),
                    portfolio=book.portfolio,
                    ts_ms=given.ts_ms,
                    strategy=given.strategy,
                    cause="person",
                    until_ms=None,
                    reason=given.reason,
                )
            ],
        )
    return settle(
        book,
        [
            StrategyResumed(
                event_id=ids.resume(book.portfolio, given.strategy, given.ts_ms),
                portfolio=book.portfolio,
                ts_ms=given.ts_ms,
                strategy=given.strategy,
                cause="person",
            )
        ],
    )


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
    """Judge, close what is opposite (or, for CLOSE, what is there), then see whether anything may open."""
    signal = given.signal
    rules = rule_book.rules_for(signal.strategy, signal.exchange)
    mark = book.mark(signal.exchange, signal.held)
    reason = checks.judge(rules, given, mark)
    if reason is not None or mark is None:
        return [_decision(book, rules, given, mark, reason, None, None)]
    held = book.of_strategy(signal.strategy, signal.exchange, signal.held)
    events: list[Event] = []
    if held is not None and held.direction != signal.direction:
        why = exits.by_signal(held, signal.entry_price, given.place.visible_ms, mark, late=given.late)
        events += _close_if(book, rule_book, held, why, given.event_id)
    closed_id = held.position_id if events and held is not None else None
    if signal.direction == "CLOSE":
        reason = None if closed_id else "nothing_open"
        return [*events, _decision(book, rules, given, mark, reason, closed_id, None)]
    reason = checks.may_open(book, rules, given, has_closed=closed_id is not None)
    if reason is not None:
        return [*events, _decision(book, rules, given, mark, reason, closed_id, None)]
    sized = checks.size(book, rules, given, mark, rule_book.size_decimals(signal.asset))
    events.append(_decision(book, rules, given, mark, sized.reason, closed_id, sized))
    if sized.reason is None:
        events += settle(book, entries.open_position(book, rule_book, rules, given, mark, sized))
    return events


def _close_if(
    book: Book, rules: RuleBook, position: PositionState, why: Exit | None, signal_id: str | None = None
) -> list[Event]:
    """Close the position when there is a reason to, and pause its strategy when that was one loss too many."""
    if why is None:
        return []
    closing = settle(book, exits.close(book, rules, position, why, signal_id))
    closed = next(event for event in closing if isinstance(event, PositionState))
    return closing + settle(book, exits.pause_due(book, rules, closed))


def _decision(
    book: Book,
    rules: Rules,
    given: SignalInput,
    mark: HeldMark | None,
    reason: Reason | None,
    closed_id: str | None,
    sized: Sizing | None,
) -> Decision:
    signal = given.signal
    direction = _decidable(signal.direction)
    verdict: Verdict
    if reason is not None:
        verdict = "rejected"
    elif direction == "CLOSE":
        verdict = "closed"
    else:
        verdict = "opened" if closed_id is None else "reversed"
    opened_id = ids.position(book.portfolio, given.event_id) if verdict in ("opened", "reversed") else None
    return Decision(
        event_id=ids.decision(book.portfolio, given.event_id),
        portfolio=book.portfolio,
        ts_ms=given.place.visible_ms,
        signal_ts_ms=signal.ts,
        signal_id=given.event_id,
        strategy=signal.strategy,
        asset=signal.asset,
        exchange=signal.exchange,
        instrument=signal.held,
        direction=direction,
        decision=verdict,
        reason=reason,
        acted_on=opened_id is not None or closed_id is not None,
        position_id=opened_id,
        closed_position=closed_id,
        confidence=signal.confidence,
        entry_price=exact(signal.entry_price),
        mark_price=None if mark is None else exact(mark.price),
        mark_event_id=None if mark is None else mark.event_id,
        mark_ms=None if mark is None else mark.event_time_ms,
        equity=None if sized is None else sized.equity,
        exposure_usd=None if sized is None else sized.exposure_usd,
        stake=None if sized is None else sized.stake,
        place=given.place,
        late=given.late,
        rules=rules,
    )


def _decidable(direction: Direction) -> Literal["LONG", "SHORT", "CLOSE"]:
    match direction:
        case Direction.LONG:
            return "LONG"
        case Direction.SHORT:
            return "SHORT"
        case Direction.CLOSE:
            return "CLOSE"
        case Direction.PASS:
            raise ValueError("a PASS is recorded, never decided")
