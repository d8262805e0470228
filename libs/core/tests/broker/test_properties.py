"""What must hold in every run: identities, one decision a signal, and that a stored book goes on as it would have."""

from __future__ import annotations

import decimal
from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

import msgspec
from broker_builders import Desk
from broker_runs import RULES, inputs_of, runs
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_core.broker.apply import apply
from trading_core.broker.book import Book, dump, load, new_book
from trading_core.broker.events import Decision, EquityMark, Event, Fill, FundingPayment, PositionState
from trading_core.broker.inputs import (
    Input,
    SignalInput,
)
from trading_core.broker.rules import RuleBook
from trading_core.money import exact, exactly, usd


def play(book: Book, rules: RuleBook, inputs: list[Input]) -> list[Event]:
    return [event for given in inputs for event in apply(book, rules, given)]


def as_bytes(events: list[Event]) -> bytes:
    return b"\n".join(msgspec.json.encode(event) for event in events)


@given(runs)
@settings(max_examples=60, deadline=None)
def test_the_ledger_adds_up_to_the_last_digit(steps: list[dict[str, Any]]) -> None:
    desk = Desk(RULES)
    newest: dict[str, PositionState] = {}
    for given_input in inputs_of(steps):
        for event in desk.apply(given_input):
            if isinstance(event, PositionState):
                newest[event.position_id] = event
        with exactly():
            realised = sum((p.realised_pnl for p in newest.values() if p.realised_pnl is not None), Decimal(0))
            opened = sum((_open_pnl(desk.book, p) for p in newest.values() if p.status == "OPEN"), Decimal(0))
            assert desk.book.equity() == 10_000 + realised + opened
    for row in desk.all(EquityMark):
        with exactly():
            assert row.total_equity == 10_000 + row.realised + row.unrealised + row.open_costs
            assert sum(row.strategies.values(), Decimal(0)) == row.total_equity - 10_000
            assert sum(row.assets.values(), Decimal(0)) == row.total_equity - 10_000


def _open_pnl(book: Book, position: PositionState) -> Decimal:
    """Worked out from the row and the mark alone, not by the code under test."""
    mark = book.mark(position.exchange, position.instrument)
    assert mark is not None
    gain = position.quantity * (exact(mark.price) - position.entry_price)
    return usd(gain if position.direction == "LONG" else -gain) + position.funding_pnl - position.fees


@given(runs)
@settings(max_examples=60, deadline=None)
def test_fills_decisions_and_payments_belong_together(steps: list[dict[str, Any]]) -> None:
    desk = Desk(RULES)
    inputs = inputs_of(steps)
    desk.apply(*inputs)
    signals = [given_input.event_id for given_input in inputs if isinstance(given_input, SignalInput)]
    decided = Counter(decision.signal_id for decision in desk.all(Decision))
    assert decided == Counter(dict.fromkeys(signals, 1))

    newest = {event.position_id: event for event in desk.all(PositionState)}
    held: dict[str, Decimal] = defaultdict(Decimal)
    fees: dict[str, Decimal] = defaultdict(Decimal)
    funding: dict[str, Decimal] = defaultdict(Decimal)
    for fill in desk.all(Fill):
        held[fill.position_id] += fill.quantity if fill.side == "BUY" else -fill.quantity
        fees[fill.position_id] += fill.fee
    for payment in desk.all(FundingPayment):
        funding[payment.position_id] += payment.amount
    assert set(held) == set(newest)
    for position in newest.values():
        sign = 1 if position.direction == "LONG" else -1
        assert held[position.position_id] == (sign * position.quantity if position.status == "OPEN" else 0)
        assert position.signal_id in decided
        assert position.fees == fees[position.position_id]
        assert position.funding_pnl == funding[position.position_id]
        if position.status == "CLOSED":
            assert position.gross_pnl is not None
            assert position.realised_pnl == position.gross_pnl - position.fees + position.funding_pnl
    assert len({event.event_id for event in desk.events}) == len(desk.events)


@given(runs)
@settings(max_examples=60, deadline=None)
def test_no_entry_takes_more_exposure_than_its_limit(steps: list[dict[str, Any]]) -> None:
    for decision in (event for event in play(new_book(RULES), RULES, inputs_of(steps)) if isinstance(event, Decision)):
        if decision.decision in ("opened", "reversed"):
            assert decision.exposure_usd is not None
            assert decision.stake is not None
            assert decision.equity is not None
            with exactly():
                assert decision.exposure_usd + decision.stake <= decision.rules.max_exposure * decision.equity


@given(runs, st.data())
@settings(max_examples=60, deadline=None)
def test_a_stored_book_goes_on_exactly_as_it_would_have(steps: list[dict[str, Any]], data: st.DataObject) -> None:
    inputs = inputs_of(steps)
    cut = data.draw(st.integers(0, len(inputs)))
    book = new_book(RULES)
    before = play(book, RULES, inputs[:cut])
    stored = dump(book)
    loaded = load(stored)
    assert dump(loaded) == stored
    for name in ("positions", "marks", "owed", "closed_owing", "by_instrument", "last_closes", "funding_rates"):
        assert getattr(loaded, name) == getattr(book, name)
    after = play(loaded, RULES, inputs[cut:])
    whole = play(new_book(RULES), RULES, inputs)
    assert as_bytes(before + after) == as_bytes(whole)


@given(runs)
@settings(max_examples=25, deadline=None)
def test_equal_inputs_give_equal_bytes_whatever_the_callers_decimal_context(steps: list[dict[str, Any]]) -> None:
    inputs = inputs_of(steps)
    expected = as_bytes(play(new_book(RULES), RULES, inputs))
    with decimal.localcontext() as context:
        context.prec = 4
        context.rounding = decimal.ROUND_UP
        assert as_bytes(play(new_book(RULES), RULES, inputs)) == expected


def test_the_random_runs_reach_what_they_are_for() -> None:
    """A fixed run through the same machinery, so that a narrowing of the generator is noticed."""
    calm: dict[str, Any] = {
        "moves": {"BTC": 0.0, "ETH": 0.0},
        "late": False,
        "signals": {},
        "rates": {},
        "person": None,
    }
    steps = [dict(calm) for _ in range(80)]
    steps[1]["signals"] = {("alpha", "BTC"): ("LONG", 0.9), ("beta", "ETH"): ("SHORT", 0.9)}
    steps[4]["moves"] = {"BTC": -0.02, "ETH": 0.0}
    steps[5]["rates"] = {"ETH": (0, 20)}
    steps[7]["signals"] = {("beta", "ETH"): ("LONG", 0.9), ("gamma", "BTC"): ("LONG", 0.9)}
    steps[79]["rates"] = {"BTC": (20, 5)}
    events = play(new_book(RULES), RULES, inputs_of(steps))
    kinds = Counter(type(event).__name__ for event in events)
    assert all(kinds[name] for name in ("Decision", "Order", "Fill", "PositionState", "FundingOwed", "FundingPayment"))
    assert kinds["DayStarted"] == 2
    assert kinds["StrategyPaused"] == kinds["StrategyResumed"] == 1
