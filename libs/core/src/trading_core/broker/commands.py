"""What a person asks of a running broker, and the limits that a person has changed. Pure, as all rules are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from trading_core import ids
from trading_core.broker import decide, pauses
from trading_core.broker.book import Book
from trading_core.broker.events import CommandApplied, Event
from trading_core.broker.inputs import ClosePosition, Command, Limit, PauseByPerson
from trading_core.broker.rules import RuleBook, Rules


def on_command(book: Book, rules: RuleBook, command: Command) -> list[Event]:
    """The record of who asked what and why, and its effects; of what is so already there are none."""
    ts_ms = command.place.visible_ms
    events: list[Event] = decide.settle(book, [_applied(book, command)])
    because = f"{command.who}: {command.why}"
    match command.verb:
        case "pause" | "resume":
            for strategy in command.strategies:
                wanted = PauseByPerson(strategy, command.verb == "pause", ts_ms, because)
                events += decide.settle(book, pauses.by_person(book, wanted))
        case "close":
            for position_id in command.positions:
                events += decide.on_manual_close(book, rules, ClosePosition(position_id, ts_ms))
        case "limits":
            pass  # the record itself changes them, see `evolve`
    return events


def in_force(book: Book, rules: RuleBook) -> RuleBook:
    """`rules` with what people have changed while the broker ran."""
    if not book.limits:
        return rules
    if book.limited is None or book.limited[0] is not rules:
        book.limited = (rules, with_limits(rules, book.limits))
    return book.limited[1]


def with_limits(rules: RuleBook, limits: Mapping[str, Mapping[str, Limit]]) -> RuleBook:
    """The limits of each strategy on top, on every exchange. msgspec.ValidationError when one cannot be."""
    changed = {
        (strategy, exchange): _changed(rules.rules_for(strategy, exchange), given)
        for strategy, given in limits.items()
        for exchange in rules.defaults
    }
    return replace(rules, overridden={**rules.overridden, **changed})


def _changed(rules: Rules, given: Mapping[str, Limit]) -> Rules:
    return msgspec.convert({**msgspec.to_builtins(rules), **given}, Rules, strict=False)


def _applied(book: Book, command: Command) -> CommandApplied:
    return CommandApplied(
        event_id=ids.command(book.portfolio, command.request_id),
        portfolio=book.portfolio,
        ts_ms=command.place.visible_ms,
        request_id=command.request_id,
        verb=command.verb,
        who=command.who,
        why=command.why,
        strategies=list(command.strategies),
        positions=list(command.positions),
        limits=command.limits,
        place=command.place,
    )
