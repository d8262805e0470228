"""What is measured: one row is one number of ours beside one limit of the same run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

PARTS = 5
QUANTILES = ((0.5, "p50"), (0.99, "p99"))


@dataclass(frozen=True)
class Series:
    """The same measurement several times. `headline` is what is shown: the median of `runs` unless given."""

    runs: tuple[float, ...]
    given: float | None = None

    @property
    def headline(self) -> float:
        return median(self.runs) if self.given is None else self.given

    @property
    def spread(self) -> float | None:
        """(max - min) / median; None for a single run."""
        return (max(self.runs) - min(self.runs)) / median(self.runs) if len(self.runs) > 1 else None


def rates(runs: Sequence[float]) -> Series:
    return Series(tuple(runs))


@dataclass(frozen=True)
class Row:
    """`limit` says what the other side is; `note` what was counted."""

    section: str
    name: str
    unit: str
    ours: Series
    limit_name: str
    limit: Series
    note: str = ""

    @property
    def ratio(self) -> float:
        """Ours over the limit: near 1 is good, also for a latency (there 1 is the fastest that was possible)."""
        return self.ours.headline / self.limit.headline


def quantile(values: Sequence[float], fraction: float) -> float:
    """The smallest value that at least `fraction` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-len(ordered) * fraction // 1) - 1)]


def latency(values: Sequence[float], fraction: float) -> Series:
    """The quantile of all; `runs` are those of five consecutive parts, for the spread."""
    bounds = [len(values) * part // PARTS for part in range(PARTS + 1)]
    parts = tuple(quantile(values[first:end], fraction) for first, end in pairwise(bounds))
    return Series(parts, quantile(values, fraction))
