"""Which bucket is closed, and whether one that was closed has changed since: the venue says neither. Pure."""

from __future__ import annotations

from collections import OrderedDict

from collector_hl.parse import CandleRow

GRACE_MS = 3_000
"""Venue time after a bucket's end at which it is closed though nothing was traded since."""
REMEMBERED = 1_500
"""Published candles of one asset that can still be corrected: a day and an hour."""


class Bars:
    """The open bucket of one asset. A frame holds its whole bucket, also the part before the subscription."""

    def __init__(self) -> None:
        self._open: CandleRow | None = None
        self._is_behind = False
        """A trade of the open bucket came after its newest frame, which cannot hold it."""
        self._held: CandleRow | None = None
        """A bucket that was behind when the next one began: its last frame may be on its way."""
        self._closed_t = -1
        self.stale = 0
        """Frames of a bucket that was closed before, and frames older than one of the same bucket."""

    def restart(self) -> None:
        """The socket was lost: what the open bucket lacks is unknown until its next frame."""
        self._open = self._held = None
        self._is_behind = False

    def traded(self, time_ms: int) -> None:
        """A trade has come."""
        row = self._open
        self._is_behind = self._is_behind or (row is not None and row.t <= time_ms < row.close_ms)

    def update(self, row: CandleRow) -> list[CandleRow]:
        """The buckets that this frame closes, oldest first."""
        if self._held is not None and row.t == self._held.t and not _is_older(row, self._held):
            return self._close(row)
        if row.t <= self._closed_t or (self._open is not None and _is_older(row, self._open)):
            self.stale += 1
            return []
        closed: list[CandleRow] = []
        if self._open is not None and row.t > self._open.t:
            closed = self._close(self._held) if self._held is not None else []
            if self._is_behind:
                self._held = self._open
            else:
                closed += self._close(self._open)
        self._open, self._is_behind = row, False
        return closed

    def overdue(self, clock_ms: int, heard_ms: int) -> list[CandleRow]:
        """Those whose grace is over. `heard_ms`: venue time of the newest data frame of the socket.

        Nothing heard after the bucket's end means that its last trades may still be on their way; a bucket that is
        behind its trades is closed by a later one only.
        """
        closed: list[CandleRow] = []
        if self._held is not None and clock_ms >= self._held.close_ms + GRACE_MS:
            closed += self._close(self._held)
        row = self._open
        if row is None or self._is_behind or clock_ms < row.close_ms + GRACE_MS or heard_ms < row.close_ms:
            return closed
        self._open = None
        return closed + self._close(row)

    def _close(self, row: CandleRow) -> list[CandleRow]:
        self._held = None
        self._closed_t = row.t
        return [row]


class Published:
    """The candles of one asset as they were published last."""

    def __init__(self) -> None:
        self._rows: OrderedDict[int, tuple[CandleRow, int]] = OrderedDict()

    def note(self, row: CandleRow, visible_ms: int) -> None:
        self._rows[row.t] = row, visible_ms
        self._rows.move_to_end(row.t)
        if len(self._rows) > REMEMBERED:
            self._rows.popitem(last=False)

    def correction(self, row: CandleRow, *, is_final: bool) -> int | None:
        """When the candle that `row` corrects was visible; None when it corrects none.

        `is_final`: as history shows it. A frame may also be an older state of its bucket that was overtaken.
        """
        known, visible_ms = self._rows.get(row.t, (None, 0))
        if known is None or _numbers(known) == _numbers(row) or (not is_final and _is_older(row, known)):
            return None
        return visible_ms


def _is_older(row: CandleRow, known: CandleRow) -> bool:
    """An earlier bucket, or the same one with fewer trades."""
    if row.t != known.t:
        return row.t < known.t
    if row.n is not None and known.n is not None:
        return row.n < known.n
    return float(row.v) < float(known.v)


def _numbers(row: CandleRow) -> tuple[float, ...]:
    return tuple(map(float, row.ohlcv))
