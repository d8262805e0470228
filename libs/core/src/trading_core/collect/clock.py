"""Venue time: the newest clock frame of the simulator, or receive time plus the measured offset. Pure."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque

WINDOW_MS = 60_000
SAMPLES_MAX = 2_000


class VenueClock:
    """None until it is known. With `simulated` it is never extrapolated: only clock frames move it."""

    def __init__(self, simulated: bool) -> None:
        self._simulated = simulated
        self._frame_ms: int | None = None
        self._samples: deque[tuple[int, int]] = deque()
        self._sorted: list[int] = []

    def on_frame(self, time_ms: int) -> None:
        self._frame_ms = time_ms

    def on_event(self, event_ms: int, received_ms: int) -> None:
        """One live event: its offset counts for the next minute."""
        if self._simulated:
            return
        self._samples.append((received_ms, event_ms - received_ms))
        insort(self._sorted, event_ms - received_ms)
        while len(self._samples) > SAMPLES_MAX or self._samples[0][0] < received_ms - WINDOW_MS:
            _, offset_ms = self._samples.popleft()
            del self._sorted[bisect_left(self._sorted, offset_ms)]

    def delay_ms(self, event_ms: int, received_ms: int) -> int:
        """How old an event is on arrival; a metric only. Of a simulated venue in its time, from the newest frame."""
        arrived_ms = self._frame_ms if self._simulated else received_ms
        return 0 if arrived_ms is None else max(0, arrived_ms - event_ms)

    @property
    def offset_ms(self) -> int:
        """Median of event time minus receive time over 60 s; 0 before the first event."""
        return self._sorted[len(self._sorted) // 2] if self._sorted else 0

    def now_ms(self, wall_ms: int) -> int | None:
        return self._frame_ms if self._simulated else wall_ms + self.offset_ms
