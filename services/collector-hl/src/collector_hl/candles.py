"""Which bucket is closed: the venue never says so. Pure."""

from __future__ import annotations

from collector_hl.parse import CandleRow

GRACE_MS = 3_000
"""Venue time after a bucket's end at which it is closed though nothing was traded since."""


class Bars:
    """The open bucket of one asset. A frame holds its whole bucket, also the part before the subscription."""

    def __init__(self) -> None:
        self._open: CandleRow | None = None
        self._closed_t = -1
        self.stale = 0
        """Frames of a bucket that was closed before: ignored."""

    def restart(self) -> None:
        """The socket was lost: what the open bucket lacks is unknown until its next frame."""
        self._open = None

    def update(self, row: CandleRow) -> CandleRow | None:
        """The bucket that this frame closes, if any: a later one has begun."""
        if row.t <= self._closed_t or (self._open is not None and row.t < self._open.t):
            self.stale += 1
            return None
        closed = self._open if self._open is not None and row.t > self._open.t else None
        self._open = row
        if closed is not None:
            self._closed_t = closed.t
        return closed

    def overdue(self, clock_ms: int, heard_ms: int) -> CandleRow | None:
        """The open bucket once its grace is over. `heard_ms`: venue time of the newest frame of the socket.

        Nothing heard after the bucket's end means that its last trades may still be on their way.
        """
        row = self._open
        if row is None or clock_ms < row.close_ms + GRACE_MS or heard_ms < row.close_ms:
            return None
        self._open = None
        self._closed_t = row.t
        return row
