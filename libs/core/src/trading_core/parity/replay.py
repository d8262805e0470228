"""A recorded run through the same code again. Pure: the recording comes in, differences go out."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from trading_core import messages
from trading_core.broker.announce import announcement
from trading_core.broker.apply import apply
from trading_core.broker.book import new_book
from trading_core.broker.events import Decision, EquityMark, Event, Fill, FundingPayment, PositionState
from trading_core.broker.inputs import Place
from trading_core.broker.rules import RuleBook
from trading_core.config import SnapshotConfig
from trading_core.messages import MarketData, SignalMessage
from trading_core.model import MINUTE_MS
from trading_core.parity.recording import Outputs, Span
from trading_core.sequence.minute import Step, signal_input
from trading_core.sequence.on_time import feed, grid_points
from trading_core.sequence.sequencer import Sequencer
from trading_core.sequence.shard import GridShard
from trading_core.strategy.registry import LoadedStrategy

_text = msgspec.json.Encoder()


@dataclass(frozen=True)
class Difference:
    """One thing that live and replay say differently; None where one of them says nothing."""

    kind: str
    ts: int
    id: str
    live: str | None
    replay: str | None


@dataclass
class Report:
    """What was compared, by kind, and every difference found."""

    span: Span
    compared: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def since(self, from_ms: int) -> None:
        """Drop what differs before `from_ms`."""
        self.differences = [difference for difference in self.differences if difference.ts >= from_ms]

    def compare(self, kind: str, ts: int, id: str, live: str | None, replay: str | None) -> None:
        self.compared[kind] += 1
        if live != replay:
            self.differences.append(Difference(kind, ts, id, live, replay))


class Replay:
    """Strategies and broker of one portfolio, fed from a recording instead of the streams."""

    def __init__(
        self,
        span: Span,
        recorded: Outputs,
        strategies: Sequence[LoadedStrategy],
        assets: Sequence[str],
        exchanges: Sequence[str],
        rules: RuleBook,
        snapshot: SnapshotConfig,
    ) -> None:
        self.report = Report(span)
        self._span = span
        self._recorded = recorded
        self._rules = rules
        self._book = new_book(rules)
        shards = {(strategy.grid, asset) for strategy in strategies for asset in assets}
        self._shards = [GridShard(grid, asset, strategies, span.first_ms, snapshot) for grid, asset in sorted(shards)]
        self._sequencer = Sequencer(exchanges=exchanges, shards=shards, start=span.first_ms - MINUTE_MS)
        self._late = {signal.id for signals in recorded.late.values() for signal in signals}
        self._late_at = dict(recorded.late)
        self._announced = iter(recorded.announced)
        self._positions: dict[str, PositionState] = {}
        self._seen: set[str] = set()
        self._beyond: set[str] = set()
        """Announced after the span: rows of theirs are not of this replay."""

    async def run(self, market: AsyncIterator[MarketData], progress: Callable[[int], None]) -> Report:
        """Replays every grid point of the span; `progress` hears each that is done."""
        async for ts in grid_points(self._span.first_ms, self._span.last_ms, market, self._take):
            self._grid_point(ts)
            progress(ts)
        self._beyond = {message.id for message in self._announced}
        self._compare_rest()
        return self.report

    def _take(self, message: MarketData) -> None:
        feed(message, self._shards, self._sequencer)

    def _grid_point(self, ts: int) -> None:
        recorded = self._recorded.signals.get(ts, {})
        self._compare_signals(ts, recorded)
        for signal in recorded.values():
            if signal.direction != "PASS" and signal.id not in self._late:
                self._sequencer.add_signal(signal)
        self._apply_late(self._sequencer.place)
        for step in self._sequencer.pass_recorded(self._recorded.skips.get(ts, {})).steps:
            self._apply(step)
            self._sequencer.advance(step[0])
            self._apply_late(step[0])

    def _compare_signals(self, ts: int, recorded: dict[str, SignalMessage]) -> None:
        replayed = {signal.id: signal for shard in self._shards for signal in shard.evaluate_next().signals}
        for id in sorted(recorded.keys() | replayed.keys()):
            live, again = recorded.get(id), replayed.get(id)
            self.report.compare("signals", ts, id, _message(live), _message(again))

    def _apply_late(self, place: Place) -> None:
        for signal in self._late_at.pop(place, ()):
            self._apply((place, signal_input(signal, place, late=True)))

    def _apply(self, step: Step) -> None:
        for event in apply(self._book, self._rules, step[1]):
            self._compare(event)

    def _compare(self, event: Event) -> None:
        """Against the recorder's copy of EXEC in its order, and against the ledger's own row."""
        live = next(self._announced, None)
        again = announcement(event, self._span.portfolio, live.outbox_id if live else 0)
        self.report.compare("announcements", event.ts_ms, event.event_id, _message(live), _message(again))
        self._seen.add(event.event_id)
        body = _text.encode(event).decode()
        match event:
            case Decision():
                row = self._recorded.decisions.get(event.event_id)
                self.report.compare("decisions", event.ts_ms, event.event_id, row, body)
            case Fill():
                row = self._recorded.fills.get(event.event_id)
                self.report.compare("fills", event.ts_ms, event.event_id, row, body)
            case FundingPayment():
                row = self._recorded.funding.get(event.event_id)
                self.report.compare("funding", event.ts_ms, event.event_id, row, body)
            case EquityMark():
                equity = self._recorded.equity.get(event.ts_ms)
                self.report.compare(
                    "equity", event.ts_ms, event.event_id, equity and _equity_row(equity), _equity(event)
                )
            case PositionState():
                self._positions[event.position_id] = event

    def _compare_rest(self) -> None:
        """Positions as they ended, and what only the live run has."""
        for position_id, state in self._positions.items():
            row = self._recorded.positions.get(position_id)
            if row is None or row["version"] <= state.version:  # else it has changed since the span ended
                live = row and _columns({name: row[name] for name in _POSITION})
                again = _columns({name: getattr(state, name) for name in _POSITION})
                self.report.compare("positions", state.ts_ms, position_id, live, again)
        for late in self._late_at.values():
            for signal in late:
                self.report.compare("late signals", signal.ts, signal.id, "applied", None)
        rows = (("decisions", self._recorded.decisions), ("fills", self._recorded.fills))
        for kind, recorded in (*rows, ("funding", self._recorded.funding)):
            for id in recorded.keys() - self._seen - self._beyond:
                self.report.compare(kind, 0, id, recorded[id], None)


_POSITION = (
    "strategy", "asset", "exchange", "instrument", "direction", "status", "version", "quantity", "stake",
    "entry_ref", "entry_price", "exit_ref", "exit_price", "exit_reason", "gross_pnl", "fees", "funding_pnl",
    "slippage_cost", "realised_pnl", "suspect", "late",
)  # fmt: skip


def _message(message: SignalMessage | messages.ExecMessage | None) -> str | None:
    return None if message is None else messages.encode(message).decode()


def _equity(event: EquityMark) -> str:
    return _columns(
        {
            "total_equity": event.total_equity,
            "unrealised_pnl": event.unrealised,
            "realised_pnl": event.realised,
            "open_costs": event.open_costs,
            "open_positions": event.open_positions,
        }
    )


def _equity_row(row: Any) -> str:
    names = ("total_equity", "unrealised_pnl", "realised_pnl", "open_costs", "open_positions")
    return _columns({name: row[name] for name in names})


def _columns(values: dict[str, Any]) -> str:
    """Comparable text: numbers by value, since NUMERIC may drop or add trailing zeros."""
    return " ".join(
        f"{name}={format(value.normalize(), 'f') if isinstance(value, Decimal) else value}"
        for name, value in values.items()
    )
