"""When a message may influence a decision (`visible_ms`), and how far the watermark may go. Pure.

The watermark is a promise: whatever comes after it is visible later than it. It never reaches a full minute
before that minute's candle of every asset, or a gap for it, is out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from trading_core.model import MINUTE_MS

STEP_S = 1.0


def full_minute(time_ms: int) -> int:
    return time_ms // MINUTE_MS * MINUTE_MS


@dataclass
class Progress:
    """Candles of one asset. Every minute up to `closed_ms` is published, or was declared missing."""

    closed_ms: int
    in_gap: bool = False
    have: set[int] = field(default_factory=set)
    """Close times after `closed_ms` that are published, with a hole before them."""
    due: tuple[int, float] | None = None
    """Close time that the clock has passed without its candle, and the monotonic second of noticing."""

    def published(self, close_ms: int) -> None:
        if close_ms > self.closed_ms:
            self.have.add(close_ms)
            self._advance()

    def declared(self, to_ms: int) -> None:
        """Whatever lies up to `to_ms` is no longer waited for."""
        self.closed_ms = max(self.closed_ms, to_ms)
        self.have = {close_ms for close_ms in self.have if close_ms > self.closed_ms}
        self._advance()

    def missing(self, to_ms: int) -> list[int]:
        """Close times up to `to_ms` that are not published."""
        return [
            close_ms
            for close_ms in range(self.closed_ms + MINUTE_MS, to_ms + 1, MINUTE_MS)
            if close_ms not in self.have
        ]

    def _advance(self) -> None:
        while self.closed_ms + MINUTE_MS in self.have:
            self.closed_ms += MINUTE_MS
            self.have.discard(self.closed_ms)


class Stamp:
    """Stamps and watermarks of one exchange. Nothing is decided before `begin`."""

    def __init__(self, lateness_ms: int, candle_wait_ms: int, watermark_ms: int | None = None) -> None:
        self.watermark_ms = watermark_ms
        self.progress: dict[str, Progress] = {}
        self._lateness_ms = lateness_ms
        self._candle_wait_ms = candle_wait_ms
        self._begun = False
        self._decided_s = 0.0

    def begin(self) -> None:
        """Everything that must come before the first watermark of this start is out."""
        self._begun = True

    @property
    def begun(self) -> bool:
        return self._begun

    def visible(self, event_ms: int) -> int:
        return event_ms if self.watermark_ms is None else max(event_ms, self.watermark_ms + 1)

    def overdue(self, clock_ms: int, now_s: float) -> list[str]:
        """Assets whose next candle has not come within `candle_wait_ms` on both clocks: a gap is due for them."""
        late: list[str] = []
        for asset, progress in self.progress.items():
            close_ms = progress.closed_ms + MINUTE_MS
            if progress.in_gap or clock_ms < close_ms:
                progress.due = None
            elif progress.due is None or progress.due[0] != close_ms:
                progress.due = (close_ms, now_s)
            elif (
                clock_ms - close_ms >= self._candle_wait_ms and (now_s - progress.due[1]) * 1000 >= self._candle_wait_ms
            ):
                late.append(asset)
        return late

    def decide(self, clock_ms: int, now_s: float) -> list[int]:
        """The watermarks that are due now, rising: every full minute on the way, and the newest once a second."""
        if not self._begun:
            return []
        target = min([clock_ms - self._lateness_ms, *self._limits()])
        if self.watermark_ms is None:
            self.watermark_ms, self._decided_s = target, now_s
            return [target]
        first = full_minute(self.watermark_ms) + MINUTE_MS
        decided = list(range(first, target + 1, MINUTE_MS))
        newest = decided[-1] if decided else self.watermark_ms
        if target > newest and now_s - self._decided_s >= STEP_S:
            decided.append(target)
        if decided:
            self.watermark_ms, self._decided_s = decided[-1], now_s
        return decided

    def _limits(self) -> list[int]:
        return [one.closed_ms + MINUTE_MS - 1 for one in self.progress.values() if not one.in_gap]
