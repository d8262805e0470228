"""A recorded span as a backtest would have traded it: nobody is late, nobody is skipped, today's strategies and rules.

Pure. What differs from the live run is a root difference with its cause, or follows from one (`causes.py`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

from trading_core.broker.announce import announcement
from trading_core.broker.apply import apply
from trading_core.broker.inputs import Command, Input
from trading_core.broker.portfolios import concerns
from trading_core.broker.rules import RuleBook
from trading_core.config import SnapshotConfig
from trading_core.messages import ExecMessage, MarketData, SignalMessage
from trading_core.model import MINUTE_MS
from trading_core.parity.causes import Comparison, IdealReport
from trading_core.parity.history import KnownHistory
from trading_core.parity.recording import Outputs, Span
from trading_core.parity.replay import failed_there
from trading_core.parity.start import Start, fresh
from trading_core.sequence.on_time import OnTime, grid_points
from trading_core.strategy.registry import LoadedStrategy


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
        start: Start | None = None,
    ) -> None:
        self._span = span
        self._live = live
        self._strategies = strategies
        self._rules = rules
        self._start = start or fresh(span.first_ms)
        self._book = self._start.open_book(rules)
        self._on_time = OnTime(
            strategies, assets, self._start.exchanges(exchanges), span.first_ms, snapshot, resume=self._start.resume
        )
        self._start.tell(self._on_time)
        self._history = KnownHistory(self._start.history, self._book.marks.values())
        self._commands: dict[int, list[Command]] = {}
        for place, late in live.late.items():
            self._commands.setdefault(place.visible_ms, []).extend(one for one in late if isinstance(one, Command))
        self._signals: dict[str, SignalMessage] = {}
        self._events: dict[str, ExecMessage] = {}

    async def run(self, market: AsyncIterator[MarketData], progress: Callable[[int], None]) -> IdealReport:
        """Trades the whole span and compares; `progress` hears each grid point that is done."""
        for command in self._commands.pop(self._span.first_ms - MINUTE_MS, ()):
            self._apply(command)
        async for ts in grid_points(self._span.first_ms, self._span.last_ms, market, self._take):
            for result in self._on_time.evaluate(failed_there(self._live.signals.get(ts, {}))):
                self._signals.update({signal.id: signal for signal in result.signals})
            for step in self._on_time.steps():
                self._apply(step)
            for command in self._commands.pop(ts, ()):
                self._apply(command)
            progress(ts)
        comparison = Comparison(
            self._span, self._live, self._signals, self._events, self._history, self._strategies, self._rules
        )
        if self._start.market_after_ms < self._start.resume.start_ms:
            comparison.skipped_before()
        return comparison.report()

    def _apply(self, step: Input) -> None:
        if not concerns(self._rules, step):
            return
        for event in apply(self._book, self._rules, step):
            self._events[event.event_id] = announcement(event, self._span.portfolio)

    def _take(self, message: MarketData) -> None:
        self._history.note(message)
        self._on_time.take(message)
