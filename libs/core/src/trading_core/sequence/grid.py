"""Which grid points are complete: the grid message is in, and as many evaluations as it counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from trading_core.messages import GridMessage, SignalMessage

Shard = tuple[str, str]
"""The exchanges of a grid joined by '-', and the asset."""


@dataclass(slots=True)
class _Point:
    evaluations: int | None = None
    seen: set[str] = field(default_factory=set)

    @property
    def complete(self) -> bool:
        return self.evaluations is not None and len(self.seen) >= self.evaluations


class GridTracker:
    """Counts evaluations per shard and grid point, in whatever order the messages come.

    A redelivery can put a signal behind its grid message, so the grid message alone proves nothing.
    """

    def __init__(self) -> None:
        self._points: dict[tuple[str, str, int], _Point] = {}

    def add(self, message: SignalMessage | GridMessage) -> bool:
        """Take one message; True when it completes its grid point (just now, not before)."""
        point = self._points.setdefault(self.point_of(message), _Point())
        before = point.complete
        if isinstance(message, GridMessage):
            point.evaluations = message.evaluations
        else:
            point.seen.add(message.id)
        return point.complete and not before

    @staticmethod
    def point_of(message: SignalMessage | GridMessage) -> tuple[str, str, int]:
        grid = message.exchanges if isinstance(message, GridMessage) else message.grid
        return (grid, message.asset, message.ts)

    def mark_complete(self, shard: Shard, ts: int) -> None:
        """A point that was complete before a restart."""
        self._points[(*shard, ts)] = _Point(evaluations=0)

    def is_complete(self, shard: Shard, ts: int) -> bool:
        point = self._points.get((*shard, ts))
        return point is not None and point.complete

    def newest(self, shard: Shard) -> int:
        """The newest complete grid point of this shard still remembered; -1 without one."""
        return max((ts for grid, asset, ts in self._points if (grid, asset) == shard), default=-1)

    def forget(self, shards: Iterable[Shard], upto_ts: int) -> None:
        """Drop what is known of these shards up to and including `upto_ts`."""
        known = set(shards)
        for point in [p for p in self._points if p[2] <= upto_ts and (p[0], p[1]) in known]:
            del self._points[point]
