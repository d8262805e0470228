"""What the broker's core makes of a tape, as rows: the same rules, the same columns, the same checks as live."""

from __future__ import annotations

import msgspec

from trading_core import messages
from trading_core.broker import book as books
from trading_core.broker.announce import announcement
from trading_core.broker.apply import apply
from trading_core.broker.book import new_book
from trading_core.broker.events import (
    Decision,
    EquityMark,
    Event,
    Fill,
    FundingPayment,
    PositionState,
    StrategyPaused,
    StrategyResumed,
)
from trading_core.broker.inputs import Command, Input, Place, Timeouts
from trading_core.broker.rules import RuleBook
from trading_core.control.requests import Request, applied
from trading_core.db.signals import signal_row
from trading_core.db.times import utc
from trading_core.errors import TradingError
from trading_core.ledger import rows as ledger_rows
from trading_core.ledger.accounts import Accounts
from trading_core.ledger.entries import LedgerEntry, capital_entry, ledger_entries, valued_from_ms
from trading_core.messages import SignalMessage
from trading_core.model import HOUR_MS
from trading_core.seed.tables import Record, Rows

SETTLED_AFTER_MS = 2 * HOUR_MS
"""After its close a position's row may still change by a late funding rate; then never again."""
_encode = msgspec.json.Encoder().encode


class Ledger:
    """One portfolio from its capital on. `rows` gets what is final; `settle` says until when that is known."""

    def __init__(self, rules: RuleBook, portfolio_id: int, rows: Rows) -> None:
        self.book = new_book(rules)
        self.opened = 0
        self.paused: dict[str, str] = {}
        """Why, by strategy."""
        self.rules = rules
        self._owner = {"portfolio_id": portfolio_id}
        self._rows = rows
        self._accounts = Accounts()
        self._outbox_id = 0
        self._signals: dict[str, tuple[int, SignalMessage]] = {}
        self._acted_on: set[str] = set()
        self._signal_id = 0
        self._positions: dict[str, PositionState] = {}
        self._waiting: dict[str, list[tuple[str, Record]]] = {}
        """By position the rows that refer to it."""
        capital = capital_entry(rules.portfolio, rules.initial_capital)
        self._accounts.take([capital], [])
        self._book_entry(capital, 0)

    def hear(self, signal: SignalMessage) -> None:
        """Before it is applied."""
        self._signal_id += 1
        self._signals[signal.id] = (self._signal_id, signal)

    @property
    def newest_signal_id(self) -> int:
        return self._signal_id

    def apply(self, place: Place, given: Input) -> list[Event]:
        """What `given` caused; its rows are kept. TradingError when the ledger would not balance."""
        if isinstance(given, Timeouts) and not self.book.timeout_due():
            return []
        events = apply(self.book, self.rules, given)
        entries = ledger_entries(events) if events else []
        broken = self._accounts.take(entries, events)
        if broken:
            raise TradingError(f"the made-up ledger does not hold: {broken[0][0]} at {broken[0][1]}")
        for event in events:
            self._take(event)
        valued_ms = valued_from_ms(place)
        for entry in entries:
            self._book_entry(entry, valued_ms)
        return events

    def obey(self, given: Command, request: Request) -> None:
        """As `apply`, with the row of what was asked and answered."""
        events = self.apply(given.place, given)
        done, answer = applied(request, events)
        texts = ledger_rows.asked_and_answered(request, answer)
        self._rows.add_row("trading_paper.commands", self._owner | ledger_rows.command_row(done) | texts)

    def settle(self, ts_ms: int) -> None:
        """Give up the positions that can no longer change, with all that refers to them, and the signals so far."""
        final = [
            state for state in self._positions.values()
            if state.exit_ms is not None and state.exit_ms <= ts_ms - SETTLED_AFTER_MS
            and state.position_id not in self.book.closed_owing
        ]  # fmt: skip
        self._give_up(final)

    def finish(self) -> None:
        """Give up everything: what is open stays open."""
        self._give_up(list(self._positions.values()))

    def _give_up(self, states: list[PositionState]) -> None:
        for state in states:
            row_id, signal = self._signals[state.signal_id]
            metadata = msgspec.json.encode(signal.metadata).decode()
            row = {**self._owner, **ledger_rows.position_row(state), "signal_id": row_id, "metadata": metadata}
            self._rows.add_row("trading_paper.positions", row)
            for table, record in self._waiting.pop(state.position_id, ()):
                self._rows.add(table, *record)
            del self._positions[state.position_id]
        kept = {state.signal_id for state in self._positions.values()}
        for event_id, (row_id, signal) in list(self._signals.items()):
            if event_id in kept:
                continue
            columns = signal_row(signal, messages.encode(signal).decode())
            self._rows.add("trading_signals.signals", *columns, row_id, event_id in self._acted_on)
            del self._signals[event_id]
            self._acted_on.discard(event_id)

    def _take(self, event: Event) -> None:
        match event:
            case Decision():
                self._rows.add_row("trading_paper.decisions", self._owner | ledger_rows.decision_row(event))
                if event.acted_on:
                    self._acted_on.add(event.signal_id)
            case PositionState():
                self._positions[event.position_id] = event
                self.opened += event.version == 1
            case Fill():
                self._of_position(event.position_id, "trading_paper.fills", ledger_rows.fill_row(event))
            case FundingPayment():
                self._of_position(event.position_id, "trading_paper.funding_payments", ledger_rows.funding_row(event))
            case StrategyPaused():
                self.paused[event.strategy] = event.reason
            case StrategyResumed(still_paused=False):
                self.paused.pop(event.strategy, None)
            case EquityMark():
                self._rows.add_row("trading_paper.mark_to_market", self._owner | ledger_rows.equity_row(event))
            case _:
                pass
        self._announce(event)

    def _of_position(self, position_id: str, table: str, row: ledger_rows.Row) -> None:
        row = self._owner | row
        self._rows.name(table, row)
        self._waiting.setdefault(position_id, []).append((table, tuple(row.values())))

    def _announce(self, event: Event) -> None:
        self._outbox_id += 1
        said = announcement(event, self.book.portfolio, self._outbox_id)
        self._rows.add(
            "trading_ops.exec_events", said.id, said.outbox_id, said.kind, said.portfolio, said.strategy, said.asset,
            utc(said.event_time_ms), _encode(said).decode(),
        )  # fmt: skip

    def _book_entry(self, entry: LedgerEntry, valued_ms: int) -> None:
        head: Record = (
            self._owner["portfolio_id"], utc(valued_ms), entry.event_id, utc(entry.ts_ms), entry.kind, entry.cause_id,
            entry.position_id,
        )  # fmt: skip
        named: list[tuple[str, Record]] = [("trading_paper.ledger_entries", head)]
        named += [
            ("trading_paper.ledger_lines", (entry.event_id, number, line.account, line.amount, line.quantity))
            for number, line in enumerate(entry.lines, start=1)
        ]
        if entry.position_id is not None:
            self._waiting.setdefault(entry.position_id, []).extend(named)
            return
        for table, record in named:
            self._rows.add(table, *record)


def replayed(dumped: bytes, rules: RuleBook, given: list[tuple[Place, Input]]) -> list[bytes]:
    """The events of the same inputs once more, from a stored book on, as bytes."""
    book = books.load(dumped)
    found: list[bytes] = []
    for _, one in given:
        if isinstance(one, Timeouts) and not book.timeout_due():
            continue
        found += [_encode(event) for event in apply(book, rules, one)]
    return found
