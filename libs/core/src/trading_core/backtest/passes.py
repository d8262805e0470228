"""What was evaluated without a signal: counted by strategy, asset and reason, with one digest a day."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field

from trading_core.model import DAY_MS


@dataclass(slots=True)
class DayLog:
    """One UTC day's lines: counts by key, and SHA-256 over the lines in order, each with a newline."""

    counts: Counter[str] = field(default_factory=Counter)
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    def add(self, key: str, line: str) -> None:
        self.counts[key] += 1
        self.digest.update(line.encode())
        self.digest.update(b"\n")


@dataclass(slots=True)
class DailyLog:
    """Lines of a whole run by UTC day; days without any line do not appear."""

    days: dict[int, DayLog] = field(default_factory=dict)

    def add(self, ts_ms: int, key: str, line: str) -> None:
        day_ms = ts_ms - ts_ms % DAY_MS
        day = self.days.get(day_ms)
        if day is None:
            day = self.days[day_ms] = DayLog()
        day.add(key, line)
