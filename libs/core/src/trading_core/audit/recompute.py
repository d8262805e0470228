"""The broker's part of a recorded span once more: every row of its ledger that must follow. Pure.

Unlike parity it asks no strategy: recorded signals are inputs here, so old spans stay auditable when strategies change.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from trading_core.broker.announce import announcement
from trading_core.broker.apply import apply
from trading_core.broker.events import CommandApplied, Decision, EquityMark, Event, Fill, FundingPayment, PositionState
from trading_core.broker.inputs import Command, Input, Place
from trading_core.broker.rules import RuleBook
from trading_core.ledger import rows
from trading_core.ledger.entries import ledger_entries, valued_from_ms
from trading_core.messages import ExecMessage, MarketData
from trading_core.parity.recording import Outputs, Span
from trading_core.parity.start import Start
from trading_core.sequence.minute import DECIDED_UPON, signal_input
from trading_core.sequence.on_time import grid_points
from trading_core.sequence.sequencer import Sequencer
from trading_core.streams import MARKET

Row = dict[str, Any]
Table = dict[str, Row]
TABLES = ("decisions", "fills", "funding_payments", "positions", "mark_to_market", "commands", "ledger_entries")


class Recomputed:
    """What the ledger must hold for the span: `tables` by name and key, `announced` by event id, in order."""

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {name: {} for name in TABLES}
        self.announced: dict[str, ExecMessage] = {}

    def take(self, events: list[Event], place: Place, portfolio: str) -> None:
        for event in events:
            self.announced[event.event_id] = announcement(event, portfolio)
            match event:
                case Decision():
                    self.tables["decisions"][event.event_id] = rows.decision_row(event)
                case Fill():
                    self.tables["fills"][event.event_id] = rows.fill_row(event)
                case FundingPayment():
                    self.tables["funding_payments"][event.event_id] = rows.funding_row(event)
                case PositionState():
                    self.tables["positions"][event.position_id] = rows.position_row(event)
                case EquityMark():
                    self.tables["mark_to_market"][event.event_id] = rows.equity_row(event)
                case CommandApplied():
                    self.tables["commands"][event.event_id] = rows.command_row(event)
                case _:
                    pass  # orders, pauses and days are compared as they were announced
        for entry in ledger_entries(events):
            self.tables["ledger_entries"][entry.event_id] = rows.entry_row(entry, valued_from_ms(place))


class Recomputation:
    """The pure core over recorded market data, signals, skips and commands, from `start` on."""

    def __init__(self, span: Span, recorded: Outputs, exchanges: list[str], rules: RuleBook, start: Start) -> None:
        self._span = span
        self._recorded = recorded
        self._rules = rules
        self._book = start.open_book(rules)
        self._sequencer = Sequencer(exchanges=exchanges, shards=(), start=start.resume)
        self._inserted = dict(recorded.late)
        self._found = Recomputed()

    async def run(self, market: AsyncIterator[MarketData], progress: Callable[[int], None]) -> Recomputed:
        """`progress` hears each grid point that is done."""
        async for ts in grid_points(self._span.first_ms, self._span.last_ms, market, self._take):
            self._grid_point(ts)
            progress(ts)
        return self._found

    def _take(self, message: MarketData) -> None:
        if isinstance(message, DECIDED_UPON):
            self._sequencer.add_market(MARKET.name, message)

    def _grid_point(self, ts: int) -> None:
        for signal in self._recorded.signals.get(ts, {}).values():
            decided = signal.direction != "PASS" and self._rules.takes(signal.strategy)
            if decided and signal.id not in self._recorded.late_ids:
                self._sequencer.add_signal(signal)
        self._apply_inserted(self._sequencer.place)
        for place, step in self._sequencer.pass_recorded(self._recorded.skips.get(ts, {})).steps:
            self._apply(place, step)
            self._sequencer.advance(place)
            self._apply_inserted(place)

    def _apply_inserted(self, place: Place) -> None:
        for one in self._inserted.pop(place, ()):
            self._apply(place, one if isinstance(one, Command) else signal_input(one, place, late=True))

    def _apply(self, place: Place, step: Input) -> None:
        self._found.take(apply(self._book, self._rules, step), place, self._span.portfolio)
