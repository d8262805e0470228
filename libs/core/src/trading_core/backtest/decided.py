"""The broker's answers in a run: those that differ one by one, long runs of the same refusal as stretches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from trading_core.broker.events import Decision
from trading_core.market.series import IntArray


class Decided(NamedTuple):
    """What a report says about one decision."""

    ts_ms: int
    strategy: str
    asset: str
    direction: str
    decision: str
    reason: str | None
    closed_position: str | None = None

    @property
    def outcome(self) -> str:
        return self.decision if self.reason is None else f"{self.decision}:{self.reason}"

    @property
    def line(self) -> str:
        return f"{self.ts_ms}|{self.strategy}|{self.asset}|{self.direction}|{self.decision}|{self.reason or ''}"


class Refusals(NamedTuple):
    """Signals of one strategy on one asset that were all refused for one reason, at `time_ms`."""

    strategy: str
    asset: str
    direction: str
    reason: str
    time_ms: IntArray


@dataclass(slots=True)
class Decisions:
    """Every decision once: in `single`, or as one time of a stretch. Iterates in order of time, strategy, asset."""

    single: list[Decided] = field(default_factory=list)
    stretches: list[Refusals] = field(default_factory=list)

    def add(self, made: Decision) -> None:
        self.single.append(
            Decided(
                made.ts_ms, made.strategy, made.asset, made.direction, made.decision, made.reason, made.closed_position
            )
        )

    def __len__(self) -> int:
        return len(self.single) + sum(len(stretch.time_ms) for stretch in self.stretches)

    def __iter__(self) -> Iterator[Decided]:
        refused = [
            Decided(ts_ms, stretch.strategy, stretch.asset, stretch.direction, "rejected", stretch.reason)
            for stretch in self.stretches
            for ts_ms in stretch.time_ms.tolist()
        ]
        return iter(sorted(self.single + refused, key=lambda made: made[:3]))

    def outcomes(self) -> Counter[tuple[str, str]]:
        """How often each strategy got each answer."""
        found = Counter((made.strategy, made.outcome) for made in self.single)
        for stretch in self.stretches:
            found[stretch.strategy, f"rejected:{stretch.reason}"] += len(stretch.time_ms)
        return found
