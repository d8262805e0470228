"""Running balances of a portfolio's accounts, and what they say about its events: the identities that must hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from trading_core.broker.events import EquityMark, Event, PositionState
from trading_core.ledger.entries import Account, LedgerEntry
from trading_core.money import ZERO, exactly

Identity = Literal["balance", "quantity", "result", "equity"]
IDENTITIES: tuple[Identity, ...] = ("balance", "quantity", "result", "equity")


@dataclass
class Held:
    """One position as the ledger has it: `quantity` below 0 is sold, `earned` is what it made after all costs."""

    quantity: Decimal = ZERO
    earned: Decimal = ZERO


@dataclass
class Accounts:
    """Balances by account, and the positions that are not closed. Bounded: a closed position is forgotten."""

    balances: dict[Account, Decimal] = field(default_factory=dict)
    positions: dict[str, Held] = field(default_factory=dict)

    def take(self, entries: Sequence[LedgerEntry], events: Sequence[Event]) -> list[tuple[Identity, str]]:
        """Book what one input caused; which identity does not hold after it, with the id where it was seen."""
        broken: list[tuple[Identity, str]] = []
        with exactly():
            for entry in entries:
                if sum((line.amount for line in entry.lines), ZERO) != 0:
                    broken.append(("balance", entry.event_id))
                self._book(entry)
            settled = {entry.position_id for entry in entries if entry.kind == "result"}
            newest = {event.position_id: event for event in events if isinstance(event, PositionState)}
            for state in newest.values():
                broken += self._check_position(state, settled=state.position_id in settled)
            for event in events:
                if isinstance(event, EquityMark) and not self._values(event):
                    broken.append(("equity", event.event_id))
        return broken

    def _book(self, entry: LedgerEntry) -> None:
        held = None if entry.position_id is None else self.positions.setdefault(entry.position_id, Held())
        for line in entry.lines:
            self.balances[line.account] = self.balances.get(line.account, ZERO) + line.amount
            if held is not None:
                held.quantity += line.quantity or ZERO
                if line.account in ("gross_pnl", "fees", "funding"):
                    held.earned -= line.amount

    def _check_position(self, state: PositionState, *, settled: bool) -> Iterator[tuple[Identity, str]]:
        """A closed position that is paid a late rate is known by that payment alone, so only a close is compared."""
        held = self.positions.get(state.position_id, Held())
        closed = state.status == "CLOSED"
        if abs(held.quantity) != (ZERO if closed else state.quantity):
            yield "quantity", state.event_id
        if (settled or not closed) and held.earned != (
            state.realised_pnl if closed else state.funding_pnl - state.fees
        ):
            yield "result", state.event_id
        if closed:
            self.positions.pop(state.position_id, None)

    def _values(self, mark: EquityMark) -> bool:
        """Cash and what the open positions cost, corrected by rounding, is all but what is not realised yet."""
        booked = sum((self.balances.get(name, ZERO) for name in ("cash", "inventory", "rounding")), ZERO)
        return mark.total_equity - mark.unrealised == booked
