"""A recorded span as a backtest would have traded it, and why the live run did not: each root difference by cause.

Nobody is late and nobody is skipped here; strategies and rules are today's. What differs from the live
run is a root difference with its cause, or follows from one. `unexplained` must stay 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from trading_core import messages
from trading_core.broker.announce import announcement
from trading_core.broker.apply import apply
from trading_core.broker.book import new_book
from trading_core.broker.rules import RuleBook
from trading_core.config import SnapshotConfig
from trading_core.messages import CandleMessage, ExecMessage, MarketData, SignalMessage
from trading_core.model import MINUTE_MS
from trading_core.parity.recording import Outputs, Span
from trading_core.sequence.on_time import OnTime, grid_points
from trading_core.strategy.registry import LoadedStrategy

UNEXPLAINED = "unexplained"
NO_DATA = frozenset({"no_candle", "warming_up", "gap", "no_funding", "stale_bars"})


@dataclass(frozen=True)
class Cause:
    """One difference. `cause`: late_signal, gap, skip, config_changed, code_changed, unexplained,
    or `follows:<id>` of the difference that it is a consequence of."""

    kind: str
    ts: int
    id: str
    cause: str
    live: str | None
    ideal: str | None


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


class IdealRun:
    """Strategies and broker over the recorded market data, every signal on time."""

    def __init__(
        self,
        span: Span,
        live: Outputs,
        strategies: Sequence[LoadedStrategy],
        assets: Sequence[str],
        exchanges: Sequence[str],
        rules: RuleBook,
        snapshot: SnapshotConfig,
    ) -> None:
        self._span = span
        self._live = live
        self._rules = rules
        self._book = new_book(rules)
        self._on_time = OnTime(strategies, assets, exchanges, span.first_ms, snapshot)
        self._signals: dict[str, SignalMessage] = {}
        self._events: dict[str, ExecMessage] = {}
        self._candles: dict[str, set[int]] = {}

    async def run(self, market: AsyncIterator[MarketData], progress: Callable[[int], None]) -> IdealReport:
        async for ts in grid_points(self._span.first_ms, self._span.last_ms, market, self._take):
            for result in self._on_time.evaluate():
                self._signals.update({signal.id: signal for signal in result.signals})
            for step in self._on_time.steps():
                for event in apply(self._book, self._rules, step):
                    self._events[event.event_id] = announcement(event, self._span.portfolio)
            progress(ts)
        return Comparison(self._span, self._live, self._signals, self._events, self._first_holes()).report()

    def _take(self, message: MarketData) -> None:
        if isinstance(message, CandleMessage):
            self._candles.setdefault(message.asset, set()).add(message.open_time_ms)
        self._on_time.take(message)

    def _first_holes(self) -> dict[str, int]:
        """Per asset when the first minute that the history does not have would have closed."""
        holes: dict[str, int] = {}
        for shard in self._on_time.shards:
            opens = self._candles.get(shard.asset, set())
            start = min(opens, default=self._span.first_ms)
            missing = (t for t in range(start, self._span.last_ms, MINUTE_MS) if t not in opens)
            hole = next(missing, None)
            if hole is not None:
                holes[shard.asset] = hole + MINUTE_MS
        return holes


class Comparison:
    """Live against ideal, id by id, in the order of event time."""

    def __init__(
        self,
        span: Span,
        live: Outputs,
        signals: dict[str, SignalMessage],
        events: dict[str, ExecMessage],
        first_holes: dict[str, int],
    ) -> None:
        self._span = span
        self._live = live
        self._ideal_signals = signals
        self._ideal_events = events
        self._first_holes = first_holes
        self._late = {signal.id for late in live.late.values() for signal in late}
        self._found: dict[str, str] = {}
        self._first_signal: tuple[str, int] | None = None
        """The first signal that differs, with its time: equity and sizes after it are its consequences."""
        self._newest_root: str | None = None

    def report(self) -> IdealReport:
        report = IdealReport(self._span)
        live_signals = {id: signal for point in self._live.signals.values() for id, signal in point.items()}
        live_events = {
            message.id: msgspec.structs.replace(message, outbox_id=0)
            for message in self._live.announced
            if message.event_time_ms <= self._span.last_ms
        }
        for id in sorted(live_signals.keys() | self._ideal_signals.keys(), key=lambda id: (id.rsplit(":", 1)[1], id)):
            live, ideal = live_signals.get(id), self._ideal_signals.get(id)
            report.compared["signals"] += 1
            if live != ideal:
                either = live or ideal
                assert either is not None
                self._note(report, "signals", either.ts, id, self._cause_of_signal(live, ideal), live, ideal)
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
        if kind != "signals" and not cause.startswith("follows:"):
            self._newest_root = id
        texts = [None if message is None else messages.encode(message).decode() for message in (live, ideal)]
        report.differences.append(Cause(kind, ts, id, cause, texts[0], texts[1]))

    def _cause_of_signal(self, live: SignalMessage | None, ideal: SignalMessage | None) -> str:
        if live is None or ideal is None:
            return "config_changed"  # enabled since, or no longer
        if live.params_hash != ideal.params_hash:
            return "config_changed"
        if live.code_hash != ideal.code_hash:
            return "code_changed"
        hole = self._first_holes.get(live.asset)
        if (hole is not None and hole <= live.ts) or live.reason in NO_DATA or ideal.reason in NO_DATA:
            return "gap"
        return UNEXPLAINED

    def _cause_of_event(self, live: ExecMessage | None, ideal: ExecMessage | None) -> str:
        either = live or ideal
        assert either is not None
        signal_id = either.body.get("signal_id")
        if signal_id in self._found:
            return f"follows:{signal_id}"
        if signal_id in self._late and either.kind == "decision":
            return "late_signal"
        if live is not None and ideal is not None and live.body.get("rules") != ideal.body.get("rules"):
            return "config_changed"
        position = either.body.get("position_id")
        opened_by = f"d:{self._span.portfolio}:{position.split(':', 2)[2]}" if position else None
        if opened_by in self._found:
            return f"follows:{opened_by}"
        if any(ts <= either.event_time_ms for ts in self._live.skips):
            return "skip" if self._newest_root is None else f"follows:{self._newest_root}"
        if self._newest_root is not None:
            return f"follows:{self._newest_root}"
        if self._first_signal is not None and self._first_signal[1] <= either.event_time_ms:
            return f"follows:{self._first_signal[0]}"
        return UNEXPLAINED
