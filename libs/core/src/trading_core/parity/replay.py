"""A recorded run through the same code again. Pure: the recording comes in, differences go out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import msgspec

from trading_core.broker.announce import announcement
from trading_core.broker.apply import apply
from trading_core.broker.events import Decision, EquityMark, Event, Fill, FundingPayment, PositionState
from trading_core.broker.inputs import Command, Place
from trading_core.broker.portfolios import concerns
from trading_core.broker.rules import RuleBook
from trading_core.config import SnapshotConfig
from trading_core.messages import ExecMessage, MarketData, SignalMessage
from trading_core.parity.changes import Changes
from trading_core.parity.recording import Outputs, Span
from trading_core.parity.start import Start, fresh
from trading_core.parity.texts import checkpoint_text, equity_row_text, equity_text, message_text, position_text
from trading_core.sequence.checkpoint import Checkpoint
from trading_core.sequence.minute import Step, signal_input
from trading_core.sequence.on_time import Stage, grid_points
from trading_core.strategy.registry import LoadedStrategy

_text = msgspec.json.Encoder()


@dataclass(frozen=True)
class Difference:
    """One thing that live and replay say differently; None where one of them says nothing.

    `cause`: `config_changed` or `code_changed` when settings or code are not those of the run, `follows:<id>` for what
    may follow from changed rules. That is no excuse here, only where to look.
    """

    kind: str
    ts: int
    id: str
    live: str | None
    replay: str | None
    cause: str | None = None


@dataclass
class Report:
    """What was compared, by kind, and every difference found."""

    span: Span
    compared: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def since(self, from_ms: int) -> None:
        """Drop what differs before `from_ms`."""
        self.differences = [difference for difference in self.differences if difference.ts >= from_ms]

    def causes(self) -> Counter[str]:
        """How many differences each cause has; `different` those without."""
        return Counter((difference.cause or "different").split(":")[0] for difference in self.differences)

    def compare(
        self, kind: str, ts: int, id: str, live: str | None, replay: str | None, cause: str | None = None
    ) -> None:
        self.compared[kind] += 1
        if live != replay:
            self.differences.append(Difference(kind, ts, id, live, replay, cause))


def failed_there(recorded: Mapping[str, SignalMessage]) -> Mapping[str, set[str]]:
    """Strategies by asset that failed at this grid point, which may have depended on how busy the machine was."""
    failed: defaultdict[str, set[str]] = defaultdict(set)
    for signal in recorded.values():
        if signal.reason == "failed":
            failed[signal.asset].add(signal.strategy)
    return failed


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
        start: Start | None = None,
    ) -> None:
        self.report = Report(span)
        self._span = span
        self._recorded = recorded
        self._rules = rules
        start = start or fresh(span.first_ms)
        self._book = start.open_book(rules)
        self._stage = Stage(
            strategies, assets, start.exchanges(exchanges), span.first_ms, snapshot, resume=start.resume
        )
        start.tell(self._stage)
        self._late_at = dict(recorded.late)
        self._announced = {message.id: message for message in recorded.announced}
        self._changes = Changes(recorded, strategies, rules)
        self._changed: str | None = None
        """The first ledger event that differs because of changed rules: others may follow from it."""
        self._newest_outbox_id = 0
        self._positions: dict[str, PositionState] = {}
        self._seen: set[str] = set()

    async def run(self, market: AsyncIterator[MarketData], progress: Callable[[int], None]) -> Report:
        """Replays every grid point of the span; `progress` hears each that is done."""
        async for ts in grid_points(self._span.first_ms, self._span.last_ms, market, self._stage.take):
            self._grid_point(ts)
            progress(ts)
        self._compare_rest()
        return self.report

    def _grid_point(self, ts: int) -> None:
        sequencer, recorded = self._stage.sequencer, self._recorded.signals.get(ts, {})
        self._compare_signals(ts, recorded)
        for signal in recorded.values():
            if signal.direction != "PASS" and signal.id not in self._recorded.late_ids:
                sequencer.add_signal(signal)
        self._apply_late(sequencer.place)
        for step in sequencer.pass_recorded(self._recorded.skips.get(ts, {})).steps:
            self._apply(step)
            sequencer.advance(step[0])
            self._apply_late(step[0])

    def _compare_signals(self, ts: int, recorded: dict[str, SignalMessage]) -> None:
        failed = failed_there(recorded)
        replayed = {s.id: s for shard in self._stage.shards for s in shard.evaluate_next(failed[shard.asset]).signals}
        for id in sorted(recorded.keys() | replayed.keys()):
            live, again = recorded.get(id), replayed.get(id)
            either = live or again
            if either is not None and either.direction == "PASS" and ts < self._recorded.passes_from_ms:
                continue
            self.report.compare(
                "signals", ts, id, message_text(live), message_text(again), self._changes.of_signal(live, again)
            )

    def _apply_late(self, place: Place) -> None:
        for late in self._late_at.pop(place, ()):
            self._apply((place, late if isinstance(late, Command) else signal_input(late, place, late=True)))

    def _apply(self, step: Step) -> None:
        if concerns(self._rules, step[1]):
            for event in apply(self._book, self._rules, step[1]):
                self._compare(event)

    def _compare(self, event: Event) -> None:
        """Against the recorder's copy of EXEC in its order, and against the ledger's own row."""
        id, ts = event.event_id, event.ts_ms
        live = self._announced.pop(id, None)
        again = announcement(event, self._span.portfolio, live.outbox_id if live else 0)
        cause = self._cause(again)
        if live != again and cause is not None and self._changed is None:
            self._changed = id
        self.report.compare("announcements", ts, id, message_text(live), message_text(again), cause)
        if live is not None:
            self._compare_order(live)
        self._seen.add(id)
        body = _text.encode(event).decode()
        match event:
            case Decision():
                self.report.compare("decisions", ts, id, self._recorded.decisions.get(id), body, cause)
            case Fill():
                self.report.compare("fills", ts, id, self._recorded.fills.get(id), body, cause)
            case FundingPayment():
                self.report.compare("funding", ts, id, self._recorded.funding.get(id), body, cause)
            case EquityMark():
                equity = self._recorded.equity.get(ts)
                self.report.compare("equity", ts, id, equity and equity_row_text(equity), equity_text(event), cause)
            case PositionState():
                self._positions[event.position_id] = event

    def _cause(self, event: ExecMessage) -> str | None:
        changed = self._changes.of_event(event)
        return changed or self._follows

    @property
    def _follows(self) -> str | None:
        return None if self._changed is None else f"follows:{self._changed}"

    def _compare_order(self, live: ExecMessage) -> None:
        """The live run must have announced it after all that was replayed before it."""
        newest = self._newest_outbox_id
        self._newest_outbox_id = max(newest, live.outbox_id)
        if live.outbox_id <= newest:
            said = f"outbox {live.outbox_id}, before {newest}"
            self.report.differences.append(Difference("order", live.event_time_ms, live.id, said, "after it"))

    def _compare_rest(self) -> None:
        """Positions as they ended, the book at the end of the day, and what only the live run has."""
        span, recorded = self._span, self._recorded
        for position_id, state in self._positions.items():
            row = recorded.positions.get(position_id)
            if row is None or row["version"] <= state.version:  # else it has changed since the span ended
                live = row and position_text(row.__getitem__)
                again = position_text(partial(getattr, state))
                self.report.compare("positions", state.ts_ms, position_id, live, again, self._follows)
        if recorded.ended_with is not None:
            live_end = checkpoint_text(recorded.ended_with)
            again = checkpoint_text(Checkpoint(self._stage.sequencer.resume(), self._book, {}))
            self.report.compare(
                "checkpoints", span.last_ms, f"cp:{span.portfolio}:{span.last_ms}", live_end, again, self._follows
            )
        for late in self._late_at.values():
            for one in late:
                if isinstance(one, SignalMessage):
                    self.report.compare("late signals", one.ts, one.id, "applied", None)
                else:
                    self.report.compare("commands", one.place.visible_ms, one.request_id, "applied", None)
        for message in self._announced.values():
            self.report.compare(
                "announcements", message.event_time_ms, message.id, message_text(message), None, self._cause(message)
            )
        rows = (("decisions", recorded.decisions), ("fills", recorded.fills), ("funding", recorded.funding))
        for kind, found in rows:
            for id in found.keys() - self._seen:
                ts = self._announced[id].event_time_ms if id in self._announced else span.last_ms
                self.report.compare(kind, ts, id, found[id], None, self._follows)
