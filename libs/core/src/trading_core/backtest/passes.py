"""What was evaluated without a signal, and lines of a run by UTC day with one digest each."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trading_core.market.series import IntArray
from trading_core.model import DAY_MS


class PassColumn(NamedTuple):
    """The passes of one strategy on one asset, oldest first: their times, and which of `reasons` each had."""

    strategy: str
    asset: str
    time_ms: IntArray
    code: npt.NDArray[np.integer]
    reasons: Sequence[str]


class DayLog(NamedTuple):
    """One UTC day's lines: counts by key, and SHA-256 over the lines in order, each with a newline."""

    counts: Counter[str]
    sha256: str


@dataclass(slots=True)
class Passes:
    """All passes of a run: columns by strategy, then asset, which is their order within one minute."""

    columns: list[PassColumn] = field(default_factory=list)

    def counts(self) -> Counter[tuple[str, str, str]]:
        """By strategy, asset and reason."""
        found = Counter[tuple[str, str, str]]()
        for column in self.columns:
            for code, count in enumerate(np.bincount(column.code).tolist()):
                if count:
                    found[column.strategy, column.asset, column.reasons[code]] += count
        return found

    def by_day(self) -> dict[int, DayLog]:
        """By UTC day; days without a pass do not appear. Lines `time|strategy|asset|reason`. Makes a string of each."""
        names = [(c.strategy, c.asset, reason) for c in self.columns for reason in c.reasons]
        keys = ["/".join(name) for name in names]
        ends = ["|".join(name) for name in names]
        times, labels = self._in_order()
        return by_day(times, labels, keys, ends)

    def _in_order(self) -> tuple[IntArray, IntArray]:
        """Times and labels (number of the column's first reason + code) of all passes."""
        if not self.columns:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        firsts = np.cumsum([0, *(len(column.reasons) for column in self.columns[:-1])])
        times = np.concatenate([column.time_ms for column in self.columns])
        labels = np.concatenate(
            [column.code.astype(np.int64) + first for column, first in zip(self.columns, firsts, strict=True)]
        )
        order = np.argsort(times, kind="stable")
        return times[order], labels[order]


def by_day(times: IntArray, labels: IntArray, keys: Sequence[str], ends: Sequence[str]) -> dict[int, DayLog]:
    """Lines `time|end` with their keys by day. `times` are sorted; a label names the key and the end of a line."""
    day_of = times // DAY_MS
    starts = np.flatnonzero(np.diff(day_of, prepend=-1)).tolist()
    found = {}
    for first, end in pairwise([*starts, len(times)]):
        numbers = labels[first:end].tolist()
        lines = [f"{ts}|{ends[number]}" for ts, number in zip(times[first:end].tolist(), numbers, strict=True)]
        counts = Counter[str]()
        for number, count in Counter(numbers).items():
            counts[keys[number]] += count
        found[int(day_of[first]) * DAY_MS] = DayLog(counts, sha256_of(lines))
    return found


def sha256_of(lines: Iterable[str]) -> str:
    """SHA-256 over `lines`, each with a newline."""
    return hashlib.sha256("".join([f"{line}\n" for line in lines]).encode()).hexdigest()
