"""The broker's events as double entry: every fill, fee, funding payment and result moves between named accounts.

Amounts are USD, debits above 0, credits below; each entry sums to exactly 0. Assets (`cash`, `inventory`) and costs
(`fees`) grow by debits; `capital` and what is earned (`gross_pnl`, `funding`) grow by credits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Literal

import msgspec

from trading_core import ids
from trading_core.broker.events import Event, Fill, FundingPayment, PositionState
from trading_core.broker.inputs import Place, Rank
from trading_core.model import MINUTE_MS
from trading_core.money import ZERO, exactly

Account = Literal["cash", "capital", "inventory", "gross_pnl", "fees", "funding", "rounding"]
EntryKind = Literal["capital", "fill", "resolution", "fee", "funding", "result"]


class LedgerLine(msgspec.Struct, frozen=True):
    """One account's part. `quantity` is what a fill adds to the inventory (sold: below 0), None elsewhere."""

    account: Account
    amount: Decimal
    quantity: Decimal | None = None


class LedgerEntry(msgspec.Struct, frozen=True):
    """What one cause moved. `event_id` follows from the cause, `ts_ms` is its event time."""

    event_id: str
    kind: EntryKind
    cause_id: str
    ts_ms: int
    position_id: str | None
    lines: tuple[LedgerLine, ...]


def capital_entry(portfolio: str, initial_capital: Decimal) -> LedgerEntry:
    """What the portfolio begins with, before any event: at time 0."""
    with exactly():
        lines = (LedgerLine("cash", initial_capital), LedgerLine("capital", -initial_capital))
    return LedgerEntry(ids.ledger_entry(f"{portfolio}:capital"), "capital", portfolio, 0, None, lines)


def ledger_entries(events: Iterable[Event]) -> list[LedgerEntry]:
    """The entries of all that one input caused, in order.

    All fills of a close are caused by one input, so a position's result is known when its last one is seen.
    """
    with exactly():
        return list(_entries(list(events)))


def valued_from_ms(place: Place) -> int:
    """The full minute whose valuation is the first to contain what is applied at `place`.

    What is applied at the place of a valuation came after it.
    """
    minute = -(-place.visible_ms // MINUTE_MS) * MINUTE_MS
    return minute + MINUTE_MS if place.rank == Rank.EQUITY else minute


def signed_quantity(fill: Fill) -> Decimal:
    return fill.quantity if fill.side == "BUY" else -fill.quantity


def _entries(events: list[Event]) -> Iterator[LedgerEntry]:
    closed = {e.position_id: e for e in events if isinstance(e, PositionState) and e.status == "CLOSED"}
    leaving: defaultdict[str, list[Fill]] = defaultdict(list)
    for event in events:
        if isinstance(event, Fill) and event.purpose != "entry":
            leaving[event.position_id].append(event)
    for event in events:
        match event:
            case Fill():
                yield from _of_fill(event)
                exits = leaving.get(event.position_id)
                if exits and event is exits[-1] and (state := closed.get(event.position_id)) is not None:
                    yield _result(state, exits)
            case FundingPayment():
                yield _funding(event)
            case _:
                pass


def _of_fill(fill: Fill) -> Iterator[LedgerEntry]:
    quantity = signed_quantity(fill)
    value = quantity * fill.price
    lines = (LedgerLine("inventory", value, quantity), LedgerLine("cash", -value))
    kind: EntryKind = "resolution" if fill.purpose == "resolved" else "fill"
    yield LedgerEntry(ids.ledger_entry(fill.event_id), kind, fill.event_id, fill.ts_ms, fill.position_id, lines)
    if fill.fee:
        yield LedgerEntry(
            ids.ledger_entry(f"{fill.event_id}:fee"), "fee", fill.event_id, fill.ts_ms, fill.position_id,
            (LedgerLine("fees", fill.fee), LedgerLine("cash", -fill.fee)),
        )  # fmt: skip


def _result(state: PositionState, exits: list[Fill]) -> LedgerEntry:
    """What is left in the inventory once nothing is held is the result: rounded to six places, and the rest of it."""
    if state.gross_pnl is None:
        raise ValueError(f"{state.position_id} is closed without a result")
    sold = sum((signed_quantity(fill) * fill.price for fill in exits), ZERO)
    bought = -state.entry_notional if exits[0].side == "BUY" else state.entry_notional
    left = bought + sold
    lines = [LedgerLine("inventory", -left), LedgerLine("gross_pnl", -state.gross_pnl)]
    if rest := left + state.gross_pnl:
        lines.append(LedgerLine("rounding", rest))
    return LedgerEntry(
        ids.ledger_entry(state.event_id), "result", state.event_id, state.ts_ms, state.position_id, tuple(lines)
    )


def _funding(payment: FundingPayment) -> LedgerEntry:
    lines = (LedgerLine("cash", payment.amount), LedgerLine("funding", -payment.amount))
    return LedgerEntry(
        ids.ledger_entry(payment.event_id), "funding", payment.event_id, payment.ts_ms, payment.position_id, lines
    )
