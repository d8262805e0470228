"""A venue's limit on requests: at most so much weight within any minute, and none while it asks for patience."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque

MINUTE_S = 60.0
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 15.0)


class Weights:
    """What was spent within the last minute. Pure: monotonic seconds come in as arguments."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._spent: deque[tuple[float, int]] = deque()
        self._sum = 0
        self._paused_until_s = 0.0

    def wait_s(self, weight: int, now_s: float) -> float:
        """Seconds until `weight` may be spent; 0 when it may be now. More than a whole budget counts as a whole one."""
        self._forget(now_s)
        excess = self._sum + min(weight, self._per_minute) - self._per_minute
        free_s = now_s
        for spent_s, spent in self._spent:
            if excess <= 0:
                break
            excess -= spent
            free_s = spent_s + MINUTE_S
        return max(0.0, free_s - now_s, self._paused_until_s - now_s)

    def spend(self, weight: int, now_s: float) -> None:
        self._spent.append((now_s, weight))
        self._sum += weight

    def pause(self, until_s: float) -> None:
        """Nothing may be spent before."""
        self._paused_until_s = max(self._paused_until_s, until_s)

    def _forget(self, now_s: float) -> None:
        while self._spent and self._spent[0][0] <= now_s - MINUTE_S:
            self._sum -= self._spent.popleft()[1]


class Limiter:
    """One per process and venue; requests wait in the order in which they came. Without a limit nobody waits."""

    def __init__(self, per_minute: int | None) -> None:
        self._weights = Weights(per_minute) if per_minute is not None else None
        self._turn = asyncio.Lock()
        self._refusals = 0

    async def spend(self, weight: int) -> None:
        """Returns when a request of `weight` may go out."""
        if self._weights is None:
            return
        async with self._turn:
            # Again after each wait: a pause may have come meanwhile.
            while (wait_s := self._weights.wait_s(weight, time.monotonic())) > 0:  # noqa: ASYNC110 - time, no event
                await asyncio.sleep(wait_s)
            self._weights.spend(weight, time.monotonic())

    def answered(self) -> None:
        """The venue serves us again."""
        self._refusals = 0

    def refused(self) -> None:
        """The venue says that it was too much: nobody asks for a while, longer each time in a row."""
        pause_s = PAUSES_S[min(self._refusals, len(PAUSES_S) - 1)] * random.uniform(1.0, 1.5)
        self._refusals += 1
        if self._weights is not None:
            self._weights.pause(time.monotonic() + pause_s)
