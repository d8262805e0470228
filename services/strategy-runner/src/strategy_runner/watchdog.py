"""Which evaluation is at work, in memory that outlives its process, and the alarm that ends one that overruns."""

from __future__ import annotations

import mmap
import signal
import struct
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import FrameType, TracebackType

from trading_core.errors import Overrun
from trading_core.strategy.registry import LoadedStrategy

TICK_S = 0.05
_NOW = struct.Struct("<Q16p65p")
AGAIN_TICKS = 2
"""After one overrun the others of that grid point get less, so that all together stay within a second."""


@dataclass(frozen=True)
class AtWork:
    """The evaluation at work. `number` rises with each, so equal ones are the same evaluation."""

    number: int
    asset: str
    strategy: str


class Marker:
    """Shared by a process and those that it forks: who is at work there."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _NOW.size)
        self._number = 0

    def set(self, asset: str, strategy: str) -> None:
        self._number += 1
        _NOW.pack_into(self._memory, 0, self._number, asset.encode(), strategy.encode())

    def clear(self) -> None:
        _NOW.pack_into(self._memory, 0, self._number, b"", b"")

    def read(self) -> AtWork | None:
        number, asset, strategy = _NOW.unpack_from(self._memory)
        return AtWork(number, asset.decode(), strategy.decode()) if strategy else None


class Watchdog(AbstractContextManager[None]):
    """Counts ticks during one evaluation and raises Overrun into it at the limit, then at every further tick.

    Ticks that are delivered, not time: a process that was stopped, or the machine that slept, gets one when it wakes,
    and no strategy is blamed for it. Only for the main thread of a process of its own.
    """

    def __init__(self, marker: Marker, asset: str, deadline_ms: int) -> None:
        self._marker = marker
        self._asset = asset
        self._limit = max(1, round(deadline_ms / 1_000 / TICK_S))
        self._allowed = self._limit
        self._ticks = 0
        self._at_work = False

    def __call__(self, strategy: LoadedStrategy) -> Watchdog:
        self._marker.set(self._asset, strategy.name)
        self._ticks = 0
        return self

    def __enter__(self) -> None:
        self._at_work = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._at_work = False
        self._marker.clear()

    def install(self) -> None:
        signal.signal(signal.SIGALRM, self._tick)

    def start(self) -> None:
        """A grid point begins: from here on there are ticks."""
        self._allowed = self._limit
        signal.setitimer(signal.ITIMER_REAL, TICK_S, TICK_S)

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _tick(self, _number: int, _frame: FrameType | None) -> None:
        if not self._at_work:
            return
        self._ticks += 1
        if self._ticks >= self._allowed:
            limit_ms = self._allowed * TICK_S * 1_000
            self._allowed = min(self._allowed, AGAIN_TICKS)
            raise Overrun(f"it took longer than {limit_ms:.0f} ms")
