"""The one entry to the broker's rules: live, replay and backtest call just this."""

from __future__ import annotations

from decimal import getcontext, setcontext
from typing import assert_never

from trading_core.broker import commands, decide, equity, funding, pauses, predictions
from trading_core.broker.book import Book
from trading_core.broker.events import Event
from trading_core.broker.evolve import forget_ended
from trading_core.broker.inputs import (
    Bar,
    CloseAll,
    ClosePosition,
    Command,
    DayChange,
    FundingHour,
    FundingRate,
    Input,
    Mark,
    MarketPoll,
    MarkToMarket,
    OrderBook,
    PauseByPerson,
    Resolution,
    SignalInput,
    Timeouts,
)
from trading_core.broker.rules import RuleBook
from trading_core.money import EXACT


def apply(book: Book, rules: RuleBook, event: Input) -> list[Event]:
    """What `event` causes, in order; `book` is changed to what it is afterwards.

    A position's row comes before the fills that name it, so a writer may keep the order of the list.
    Equal books and inputs give equal events, byte for byte. Raises only when an invariant is broken:
    the caller then throws the book away and loads its last checkpoint.
    """
    # As `money.exactly()`, which costs twice as much: this is done for every mark there is.
    callers = getcontext()
    setcontext(EXACT)
    try:
        return _caused(book, commands.in_force(book, rules), event)
    finally:
        setcontext(callers)


def _caused(book: Book, rules: RuleBook, event: Input) -> list[Event]:
    match event:
        case Mark():
            return decide.on_mark(book, rules, event)
        case Bar():
            return decide.on_bar(book, rules, event)
        case SignalInput():
            return decide.on_signal(book, rules, event)
        case OrderBook():
            return predictions.on_order_book(book, rules, event)
        case MarkToMarket():
            forget_ended(book, event.ts_ms)
            return [equity.mark_to_market(book, event.ts_ms)]
        case Timeouts():
            return decide.on_timeouts(book, rules)
        case FundingHour():
            return decide.settle(book, funding.at_hour(book, rules, event.ts_ms))
        case FundingRate():
            return decide.on_funding_rate(book, rules, event)
        case DayChange():
            return decide.settle(book, equity.start_day(book, event.ts_ms))
        case MarketPoll():
            return predictions.on_poll(book, rules, event)
        case Resolution():
            return predictions.on_resolution(book, rules, event)
        case CloseAll() | ClosePosition():
            return decide.on_manual_close(book, rules, event)
        case PauseByPerson():
            return decide.settle(book, pauses.by_person(book, event))
        case Command():
            return commands.on_command(book, rules, event)
        case _:
            assert_never(event)
