"""What goes wrong on the last day of a made-up past, and what a made-up person asks of the broker meanwhile.

Whoever looks then sees what a reached day limit, a pause and each alert look like. All of it says that it is made up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from trading_core.broker.book import Book
from trading_core.broker.inputs import Command, Place, Rank, Verb
from trading_core.broker.rules import RuleBook
from trading_core.control.requests import Request, command
from trading_core.messages import OpsMessage
from trading_core.model import DAY_MS, MINUTE_MS
from trading_core.seed.tape import Wanted

RUNNER = "strategy-runner"
WHO = "made-up person"
LIMITED, PAUSED, REFUSED, FAILED, SILENT = (
    "contrarian_strength", "funding_rate", "rsi_mean_reversion", "funding_oi", "momentum_breakout",
)  # fmt: skip
FAILED_ON = "SOL"
LIMITED_AT, PAUSED_AT, REFUSED_AT, FAILED_AT, SILENT_AT = 9 * 60, 14 * 60 + 5, 13 * 60 + 5, 14 * 60 + 30, 15 * 60 + 10
"""Minutes of the last day."""
ASKED: dict[int, tuple[Verb, Request]] = {
    LIMITED_AT: (
        "limits",
        Request(
            request_id="made-up-limits", who=WHO, why="made up: shows a day limit that is reached", strategy=LIMITED,
            limits={"max_daily_loss": "0.0005"},
        ),
    ),
    PAUSED_AT: ("pause", Request(request_id="made-up-pause", who=WHO, why="made up: shows a pause", strategy=PAUSED)),
}  # fmt: skip


@dataclass(frozen=True)
class Afternoon:
    """Of the last day of `wanted`, for those `strategies` that there are; no other one is touched."""

    wanted: Wanted
    strategies: frozenset[str]
    day_ms: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "day_ms", self.wanted.to_ms // DAY_MS * DAY_MS)

    def asked(self, ts: int, book: Book, rules: RuleBook) -> Iterator[tuple[Command, Request]]:
        """What is asked after the grid point `ts`."""
        verb, request = ASKED.get((ts - self.day_ms) // MINUTE_MS, (None, None))
        if verb is not None and request is not None and request.strategy in self.strategies:
            place = Place(ts, Rank.EQUITY, "")
            yield command(verb, request, book, rules, self.strategies, place), request

    def mute(self, ts: int) -> Mapping[tuple[str, str], str]:
        """Strategies and assets without an opinion at `ts`, with the reason of their PASS; "": not evaluated at all."""
        minute = (ts - self.day_ms) // MINUTE_MS
        failed = {(FAILED, FAILED_ON): "failed"} if minute >= FAILED_AT else {}
        silent = {(SILENT, asset): "" for asset in self.wanted.assets} if minute >= SILENT_AT else {}
        return failed | silent

    def reports(self) -> Iterator[OpsMessage]:
        """What the runner would have said of it."""
        trace = "Traceback (most recent call last):\n"
        if REFUSED in self.strategies:
            problem = f"{trace}SyntaxError: made up: expected ':' ({REFUSED}/strategy.py, line 31)"
            yield self._report(REFUSED_AT, {"strategy": REFUSED, "traceback": problem})
        if FAILED in self.strategies and FAILED_ON in self.wanted.assets:
            problem = f"{trace}ZeroDivisionError: made up: division by zero"
            yield self._report(FAILED_AT, {"strategy": FAILED, "asset": FAILED_ON, "traceback": problem})

    def _report(self, minute: int, body: dict[str, str]) -> OpsMessage:
        return OpsMessage(
            id=f"op:{RUNNER}:made-up:{body['strategy']}", service=RUNNER, event="error", severity="error",
            event_time_ms=self.day_ms + minute * MINUTE_MS, body=body,
        )  # fmt: skip
