"""Live against ideal: every difference with its cause, in the order of event time. Pure.

A cause needs evidence: a hash, a skip on the record, a late decision, a market event that one side used and the other
did not have. What has none is `unexplained`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from trading_core import messages
from trading_core.broker.rules import RuleBook
from trading_core.messages import ExecMessage, SignalMessage
from trading_core.model import MINUTE_MS
from trading_core.parity.changes import Changes
from trading_core.parity.history import KnownHistory
from trading_core.parity.recording import Outputs, Span
from trading_core.strategy.registry import LoadedStrategy

UNEXPLAINED = "unexplained"
FOLLOWS = "follows:"
SHORT_OF_CANDLES = frozenset({"warming_up", "stale_bars"})


@dataclass(frozen=True)
class Cause:
    """One difference. `cause`: late_signal, late_data, gap, skip, config_changed, code_changed, unexplained,
    or `follows:<id>` of the difference that it is a consequence of."""

    kind: str
    ts: int
    id: str
    cause: str
    live: str | None
    ideal: str | None

    @property
    def root(self) -> bool:
        return not self.cause.startswith(FOLLOWS)


@dataclass
class IdealReport:
    span: Span
    compared: Counter[str] = field(default_factory=Counter)
    differences: list[Cause] = field(default_factory=list)

    @property
    def unexplained(self) -> int:
        return sum(difference.cause == UNEXPLAINED for difference in self.differences)

    def since(self, from_ms: int) -> None:
        """Drop what differs before `from_ms`."""
        self.differences = [difference for difference in self.differences if difference.ts >= from_ms]

    def causes(self) -> Counter[str]:
        """How many differences each cause has; consequences are counted together."""
        return Counter(d.cause.split(":")[0] for d in self.differences)


class Comparison:
    """Id by id. `history` is what the ideal run saw, `strategies` and `rules` are what it ran with."""

    def __init__(
        self,
        span: Span,
        live: Outputs,
        signals: dict[str, SignalMessage],
        events: dict[str, ExecMessage],
        history: KnownHistory,
        strategies: Sequence[LoadedStrategy],
        rules: RuleBook,
    ) -> None:
        self._span = span
        self._live = live
        self._ideal_signals = signals
        self._ideal_events = events
        self._history = history
        self._changes = Changes(live, strategies, rules)
        self._found: dict[str, str] = {}
        self._first_signal: tuple[str, int] | None = None
        """The first signal that differs, with its time: equity and sizes after it are its consequences."""
        self._newest_root: str | None = None
        self._skipped = {ts for start in live.skips for ts in (start, start + MINUTE_MS)}
        """Grid points passed without an exchange, and those that got what was held back meanwhile."""

    def skipped_before(self) -> None:
        """An exchange was being skipped when the span began: its first grid point gets what was held back."""
        self._skipped.add(self._span.first_ms)

    def report(self) -> IdealReport:
        report = IdealReport(self._span)
        live_signals = {id: signal for point in self._live.signals.values() for id, signal in point.items()}
        for id in sorted(live_signals.keys() | self._ideal_signals.keys(), key=lambda id: (id.rsplit(":", 1)[1], id)):
            live, ideal = live_signals.get(id), self._ideal_signals.get(id)
            either = live or ideal
            assert either is not None
            if live is None and either.direction == "PASS" and either.ts < self._live.passes_from_ms:
                continue
            report.compared["signals"] += 1
            if live != ideal:
                self._note(report, "signals", either.ts, id, self._cause_of_signal(live, ideal), live, ideal)
        live_events = {message.id: msgspec.structs.replace(message, outbox_id=0) for message in self._live.announced}
        for id in self._in_order(live_events):
            one, two = live_events.get(id), self._ideal_events.get(id)
            either_event = one or two
            assert either_event is not None
            report.compared[either_event.kind] += 1
            if one != two:
                cause = self._cause_of_event(one, two)
                self._note(report, either_event.kind, either_event.event_time_ms, id, cause, one, two)
        return report

    def _in_order(self, live: dict[str, ExecMessage]) -> list[str]:
        """All ids by event time; within one moment as the ideal run, then the live run, said them."""
        place = {id: n for n, id in enumerate([*self._ideal_events, *(i for i in live if i not in self._ideal_events)])}
        times = {**live, **self._ideal_events}
        return sorted(place, key=lambda id: (times[id].event_time_ms, place[id]))

    def _note(
        self,
        report: IdealReport,
        kind: str,
        ts: int,
        id: str,
        cause: str,
        live: SignalMessage | ExecMessage | None,
        ideal: SignalMessage | ExecMessage | None,
    ) -> None:
        self._found[id] = cause
        if kind == "signals" and self._first_signal is None:
            self._first_signal = (id, ts)
        if kind != "signals" and not cause.startswith(FOLLOWS):
            self._newest_root = id
        texts = [None if message is None else messages.encode(message).decode() for message in (live, ideal)]
        report.differences.append(Cause(kind, ts, id, cause, texts[0], texts[1]))

    def _cause_of_signal(self, live: SignalMessage | None, ideal: SignalMessage | None) -> str:
        changed = self._changes.of_signal(live, ideal)
        if changed is not None or live is None or ideal is None:
            return changed or UNEXPLAINED
        return self._what_it_had_seen(live, ideal)

    def _what_it_had_seen(self, live: SignalMessage, ideal: SignalMessage) -> str:
        """By the market events that both name as the newest they knew, then by holes in the look-back."""
        one, two = _Seen.of(live), _Seen.of(ideal)
        if one is None or two is None:
            return UNEXPLAINED
        if one.candle_close_ms > two.candle_close_ms or any(map(self._history.lacks, (one.mark_id, one.funding_id))):
            return "gap"
        if one.candle_close_ms < two.candle_close_ms or one.mark_ms < two.mark_ms:
            return "late_data"
        if one.funding_hour_ms < two.funding_hour_ms or self._history.filled_before(live.asset, live.ts):
            return "late_data"
        short = ideal.reason in SHORT_OF_CANDLES and live.reason != ideal.reason
        return "gap" if short or self._history.hole_before(live.asset, live.ts) else UNEXPLAINED

    def _cause_of_event(self, live: ExecMessage | None, ideal: ExecMessage | None) -> str:
        either = live or ideal
        assert either is not None
        signal_id = either.body.get("signal_id")
        if signal_id in self._found:
            return f"{FOLLOWS}{signal_id}"
        if signal_id in self._live.late_ids and either.kind == "decision":
            return "late_signal"
        if (changed := self._changes.of_event(either)) is not None:
            return changed
        position = either.body.get("position_id")
        opened_by = f"d:{self._span.portfolio}:{position.split(':', 2)[2]}" if position else None
        if opened_by in self._found:
            return f"{FOLLOWS}{opened_by}"
        if -(-either.event_time_ms // MINUTE_MS) * MINUTE_MS in self._skipped:
            return "skip"
        return self._by_market_events(live, ideal) or self._consequence(either) or UNEXPLAINED

    def _by_market_events(self, live: ExecMessage | None, ideal: ExecMessage | None) -> str | None:
        """`gap`: live used an event that the history lacks. `late_data`: it used the same one at another time."""
        for key in ("mark_event_id", "rate_event_id"):
            if live is not None and self._history.lacks(live.body.get(key)):
                return "gap"
            if live is not None and ideal is not None and live.body.get(key):
                same = live.body[key] == ideal.body.get(key)
                if same and live.event_time_ms != ideal.event_time_ms:
                    return "late_data"
        return None

    def _consequence(self, event: ExecMessage) -> str | None:
        """Equity, sizes and pauses after a difference follow from it."""
        if self._newest_root is not None:
            return f"{FOLLOWS}{self._newest_root}"
        if self._first_signal is not None and self._first_signal[1] <= event.event_time_ms:
            return f"{FOLLOWS}{self._first_signal[0]}"
        return "gap" if self._history.hole_before(event.asset, event.event_time_ms) else None


@dataclass(frozen=True)
class _Seen:
    """What an evaluation named as the newest events it knew."""

    candle_close_ms: int
    mark_id: str
    mark_ms: int
    funding_id: str
    funding_hour_ms: int

    @classmethod
    def of(cls, signal: SignalMessage) -> _Seen | None:
        """None for a signal that no evaluation made: of a made-up past."""
        seen = signal.metadata.get("seen")
        return None if seen is None else msgspec.convert(seen, cls)
