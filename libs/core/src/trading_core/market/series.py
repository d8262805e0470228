"""Candles of one interval in numpy columns: appending is amortised, the last N are views, nothing is copied."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from trading_core.model import Candle

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

Column = TypeVar("Column", IntArray, FloatArray)

_FIRST_CAPACITY = 1_024
_PLANTED = 240


class Candles(NamedTuple):
    """A window of closed candles, oldest first: read-only views that no later candle changes."""

    open_time_ms: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray


class CandleSeries:
    """Closed candles of one interval, sorted by open time, each open time once.

    Columns are shared with the views handed out, so a row that was once visible is never written again:
    appending uses spare room behind it; inserting, correcting and trimming work on new columns.
    `keep`: at least that many of the newest rows stay (None: all of them do).
    """

    __slots__ = (
        "_close",
        "_high",
        "_low",
        "_open",
        "_open_time",
        "_size",
        "_visible",
        "_volume",
        "interval_ms",
        "keep",
        "newest_open_ms",
    )  # fmt: skip

    def __init__(self, interval_ms: int, keep: int | None = None) -> None:
        self.interval_ms = interval_ms
        self.keep = keep
        self.newest_open_ms = -1
        """Open time of the newest candle, -1 when there is none."""
        self._size = 0
        self._allocate(_FIRST_CAPACITY)

    def __len__(self) -> int:
        return self._size

    @property
    def newest_close_ms(self) -> int:
        """When the newest candle closed; 0 when there is none."""
        return self.newest_open_ms + self.interval_ms if self._size else 0

    def append(self, candle: Candle, visible_ms: int | None = None) -> None:
        """Add `candle`, which must be newer than all others; ValueError when it is not."""
        self.append_row(
            candle.open_time_ms, candle.open, candle.high, candle.low, candle.close, candle.volume,
            candle.close_time_ms if visible_ms is None else visible_ms,
        )  # fmt: skip

    def append_row(
        self, open_time_ms: int, open: float, high: float, low: float, close: float, volume: float, visible_ms: int
    ) -> None:
        """`append` without a Candle: the path of candle backtests. The caller has checked the numbers."""
        if open_time_ms <= self.newest_open_ms:
            raise ValueError(f"candle at {open_time_ms} is not newer than the last one at {self.newest_open_ms}")
        row = self._size
        if row == len(self._open_time):
            row = self._make_room()
        self._open_time[row] = open_time_ms
        self._open[row] = open
        self._high[row] = high
        self._low[row] = low
        self._close[row] = close
        self._volume[row] = volume
        self._visible[row] = visible_ms
        self._size = row + 1
        self.newest_open_ms = open_time_ms

    def put_row(
        self, open_time_ms: int, open: float, high: float, low: float, close: float, volume: float, visible_ms: int
    ) -> bool:
        """Append, insert, or correct the candle of `open_time_ms`; whether that changed any number.

        Of two versions of a candle the one with the later `visible_ms` stays (of equals, the last one put),
        so the series does not depend on the order in which candles arrive.
        """
        if open_time_ms > self.newest_open_ms:
            self.append_row(open_time_ms, open, high, low, close, volume, visible_ms)
            return True
        row = self.row_of(open_time_ms)
        values = (open, high, low, close, volume)
        if row == self._size or self._open_time[row] != open_time_ms:
            self._insert(row, open_time_ms, values, visible_ms)
            return True
        if values == self._values(row):
            self._visible[row] = max(int(self._visible[row]), visible_ms)
            return False
        if visible_ms < self._visible[row]:
            return False
        self._copy_columns()
        self._write(row, open_time_ms, values, visible_ms)
        return True

    def row_of(self, open_time_ms: int) -> int:
        """Index of the first candle that opens at `open_time_ms` or later; `len` when there is none."""
        return int(np.searchsorted(self._open_time[: self._size], open_time_ms))

    def open_time_at(self, row: int) -> int:
        return int(self._open_time[row])

    def visible_max(self, first: int, end: int) -> int:
        """The latest `visible_ms` of the rows `first` to `end` (excluded)."""
        return int(self._visible[first:end].max())

    def window(self, first: int, end: int) -> Candles:
        """Rows `first` to `end` (excluded) as read-only views."""
        return Candles(
            open_time_ms=read_only(self._open_time[first:end]),
            open=read_only(self._open[first:end]),
            high=read_only(self._high[first:end]),
            low=read_only(self._low[first:end]),
            close=read_only(self._close[first:end]),
            volume=read_only(self._volume[first:end]),
        )

    def last(self, count: int) -> Candles | None:
        """The newest `count` candles; None when there are fewer."""
        return self.window(self._size - count, self._size) if 0 < count <= self._size else None

    def last_closes(self, count: int) -> FloatArray | None:
        """Closes of the newest `count` candles; None when there are fewer."""
        return read_only(self._close[self._size - count : self._size]) if 0 < count <= self._size else None

    def last_volumes(self, count: int) -> FloatArray | None:
        """Volumes of the newest `count` candles; None when there are fewer."""
        return read_only(self._volume[self._size - count : self._size]) if 0 < count <= self._size else None

    def plant(self, ahead: CandleSeries | None) -> None:
        """Fill the spare room behind the newest row with the rows that `ahead` has after it; None: with NaN.

        Nothing that may be read changes; see `market.foresight`.
        """
        if self._size == len(self._open_time):
            self._make_room()  # so that there is room behind the newest row, as there mostly is
        size = self._size
        for prices in (self._open, self._high, self._low, self._close, self._volume):
            prices[size : size + _PLANTED] = np.nan
        self._open_time[size : size + _PLANTED] = 0
        if ahead is None:
            return
        first = ahead.row_of(self.newest_open_ms + 1)
        rows = min(_PLANTED, len(self._open_time) - size, len(ahead) - first)
        for column, source in zip(self._columns(), ahead._columns(), strict=True):
            column[size : size + rows] = source[first : first + rows]

    def same_as(self, other: CandleSeries) -> bool:
        """Whether both hold the same newest rows, as many as the shorter one has."""
        rows = min(self._size, other._size)
        return all(
            np.array_equal(mine[self._size - rows : self._size], theirs[other._size - rows : other._size])
            for mine, theirs in zip(self._columns(), other._columns(), strict=True)
        )

    def _allocate(self, capacity: int) -> None:
        self._open_time: IntArray = np.empty(capacity, np.int64)
        self._visible: IntArray = np.empty(capacity, np.int64)
        self._open: FloatArray = np.empty(capacity, np.float64)
        self._high: FloatArray = np.empty(capacity, np.float64)
        self._low: FloatArray = np.empty(capacity, np.float64)
        self._close: FloatArray = np.empty(capacity, np.float64)
        self._volume: FloatArray = np.empty(capacity, np.float64)

    def _columns(self) -> tuple[npt.NDArray[np.int64] | npt.NDArray[np.float64], ...]:
        return (self._open_time, self._visible, self._open, self._high, self._low, self._close, self._volume)

    def _make_room(self) -> int:
        """Move the rows that stay into new columns of twice their number; the first free row."""
        kept = self._size if self.keep is None else min(self._size, self.keep)
        first, end, old = self._size - kept, self._size, self._columns()
        self._allocate(max(_FIRST_CAPACITY, 2 * kept))
        for column, before in zip(self._columns(), old, strict=True):
            column[:kept] = before[first:end]
        self._size = kept
        return kept

    def _copy_columns(self) -> None:
        size, old = self._size, self._columns()
        self._allocate(len(self._open_time))
        for column, before in zip(self._columns(), old, strict=True):
            column[:size] = before[:size]

    def _insert(self, row: int, open_time_ms: int, values: tuple[float, ...], visible_ms: int) -> None:
        size, old = self._size, self._columns()
        self._allocate(max(_FIRST_CAPACITY, size + 1, len(self._open_time)))
        for column, before in zip(self._columns(), old, strict=True):
            column[:row] = before[:row]
            column[row + 1 : size + 1] = before[row:size]
        self._write(row, open_time_ms, values, visible_ms)
        self._size = size + 1

    def _values(self, row: int) -> tuple[float, ...]:
        columns = (self._open, self._high, self._low, self._close, self._volume)
        return tuple(float(column[row]) for column in columns)

    def _write(self, row: int, open_time_ms: int, values: tuple[float, ...], visible_ms: int) -> None:
        self._open_time[row], self._visible[row] = open_time_ms, visible_ms
        self._open[row], self._high[row], self._low[row], self._close[row], self._volume[row] = values


def read_only(view: Column) -> Column:
    view.flags.writeable = False
    return view
