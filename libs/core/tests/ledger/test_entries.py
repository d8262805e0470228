"""Double entry: goldens worked out by hand, and the identities over runs of everything that can happen."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from broker_builders import Desk, a_mark, a_rate, a_rule_book, a_signal, at
from broker_runs import RULES, inputs_of, runs
from hypothesis import given, settings

from trading_core.broker.apply import apply
from trading_core.broker.book import new_book
from trading_core.broker.events import Event, Fill, PositionState
from trading_core.broker.inputs import ClosePosition, FundingHour, Place, Rank
from trading_core.ledger.accounts import Accounts
from trading_core.ledger.entries import LedgerEntry, capital_entry, ledger_entries, valued_from_ms
from trading_core.model import MINUTE_MS
from trading_core.money import plain

STAKE = a_rule_book({"alpha": {"sizing": "fixed", "fixed_quantity": "0.01", "stop_loss": None, "take_profit": None}})


def lines(entry: LedgerEntry) -> dict[str, str]:
    return {line.account: plain(line.amount) for line in entry.lines}


def a_round_trip(direction: str) -> tuple[list[LedgerEntry], list[Event]]:
    """0.01 BTC opened at a mark of 80,000, an hour of funding at 0.0001, closed by hand at 81,000."""
    desk = Desk(STAKE)
    desk.apply(a_mark(80_000.0, 0), a_signal(direction, 0), a_rate("0.0001", 60, minute=60), FundingHour(at(60)))
    desk.apply(a_mark(81_000.0, 70))
    [state] = desk.book.positions.values()
    desk.apply(ClosePosition(state.position_id, at(70)))
    return ledger_entries(desk.events), desk.events


def test_a_long_is_bought_pays_and_is_sold_by_balanced_entries() -> None:
    # Bought at 80,000 x 1.0005 = 80,040: 800.40; fee 800.40 x 0.0005 = 0.400200.
    # Funding: 0.01 x 80,000 x 0.0001 = 0.08, paid by a LONG.
    # Sold at 81,000 x 0.9995 = 80,959.5, down to the tick of 1: 80,959: 809.59; fee 0.404795; result 9.19.
    found, _ = a_round_trip("LONG")
    assert [(entry.kind, lines(entry)) for entry in found] == [
        ("fill", {"inventory": "800.40000", "cash": "-800.40000"}),
        ("fee", {"fees": "0.400200", "cash": "-0.400200"}),
        ("funding", {"cash": "-0.080000", "funding": "0.080000"}),
        ("fill", {"inventory": "-809.59000", "cash": "809.59000"}),
        ("fee", {"fees": "0.404795", "cash": "-0.404795"}),
        ("result", {"inventory": "9.19000", "gross_pnl": "-9.190000"}),
    ]


def test_a_short_is_sold_first_and_its_loss_is_a_debit() -> None:
    # Sold at 79,960: 799.60; receives 0.08; bought back at 81,040.5, up to the tick: 81,041: 810.41; result -10.81.
    found, _ = a_round_trip("SHORT")
    assert lines(found[0]) == {"inventory": "-799.60000", "cash": "799.60000"}
    assert lines(found[2]) == {"cash": "0.080000", "funding": "-0.080000"}
    assert lines(found[-1]) == {"inventory": "-10.81000", "gross_pnl": "10.810000"}
    assert [entry.event_id for entry in found] == [
        f"le:{entry.cause_id}{':fee' * (entry.kind == 'fee')}" for entry in found
    ]


def test_several_fills_share_one_result_and_rounding_has_an_account_of_its_own() -> None:
    _, events = a_round_trip("LONG")
    [bought] = [e for e in events if isinstance(e, Fill) and e.purpose == "entry"]
    [sold] = [e for e in events if isinstance(e, Fill) and e.purpose != "entry"]
    closed = next(e for e in events if isinstance(e, PositionState) and e.status == "CLOSED")
    first = msgspec.structs.replace(sold, event_id="fl:1", quantity=Decimal("0.003"), price=Decimal("81000.0001"))
    last = msgspec.structs.replace(sold, event_id="fl:2", quantity=Decimal("0.007"), price=Decimal("81000.0002"))
    # 243.0000003 + 567.0000014 - 800.40 = 9.6000017, to six places 9.600002; the rest of it, 0.0000003, is rounding.
    state = msgspec.structs.replace(closed, gross_pnl=Decimal("9.600002"))
    found = ledger_entries([state, first, last])
    assert [entry.kind for entry in found] == ["fill", "fee", "fill", "fee", "result"]
    assert lines(found[-1]) == {"inventory": "9.6000017", "gross_pnl": "-9.600002", "rounding": "0.0000003"}
    assert sum(line.quantity or 0 for e in [*ledger_entries([bought]), *found] for line in e.lines) == 0


def test_what_is_applied_after_a_valuation_is_in_the_next_one() -> None:
    assert valued_from_ms(Place(at(3), Rank.SIGNAL, "")) == at(3)
    assert valued_from_ms(Place(at(3), Rank.EQUITY, "")) == at(4)
    assert valued_from_ms(Place(at(3) - MINUTE_MS + 1, Rank.MARKET, "")) == at(3)


@given(runs)
@settings(max_examples=40)
def test_every_identity_holds_in_every_run(steps: list[dict[str, object]]) -> None:
    accounts, book = Accounts(), new_book(RULES)
    accounts.take([capital_entry("default", RULES.initial_capital)], [])
    seen: set[str] = set()
    for given_input in inputs_of(steps):
        events = apply(book, RULES, given_input)
        found = ledger_entries(events)
        assert accounts.take(found, events) == []
        assert seen.isdisjoint(entry.event_id for entry in found)
        seen.update(entry.event_id for entry in found)
    assert set(accounts.positions) == set(book.positions)


def test_each_broken_identity_is_named() -> None:
    found, events = a_round_trip("LONG")
    fee = found[1]
    wrong = msgspec.structs.replace(
        fee, lines=(fee.lines[0], msgspec.structs.replace(fee.lines[1], amount=Decimal(-1)))
    )
    assert ("balance", fee.event_id) in Accounts().take([found[0], wrong, *found[2:]], events)
    assert {kind for kind, _ in Accounts().take(found[1:], events)} == {"quantity"}
    assert {kind for kind, _ in Accounts().take([found[0], *found[2:]], events)} == {"result"}
