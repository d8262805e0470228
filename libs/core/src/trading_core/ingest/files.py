"""Reads a person's own candles and funding from Parquet and CSV, and refuses what would spoil a backtest."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trading_core.backtest.figures import minute
from trading_core.backtest.history import FundingRow, candle_columns, funding_rows
from trading_core.errors import ConfigError
from trading_core.market.series import Candles
from trading_core.model import MINUTE_MS

_TIMES = ("open_time", "time", "timestamp", "ts", "date", "datetime")
_PRICES = ("open", "high", "low", "close", "volume")
_RATES = ("funding_rate", "rate", "fundingRate")
_PER_MS = ((10**11, 1_000.0), (10**14, 1.0), (10**17, 1e-3), (10**20, 1e-6))
"""Below the first number a time is in seconds, below the next in milliseconds, then micro- and nanoseconds."""
_MOST_RATE = 1.0
"""An hourly rate beyond this is no fraction: 0.01 % is 0.0001."""


def read_candles(files: Sequence[Path], asset: str) -> Candles:
    """The 1m candles of all `files`, sorted; equal rows in several of them count once.

    ConfigError naming the file, or the first candle that is invalid or contradicts another.
    """
    tables = [_table(file, _PRICES) for file in files]
    rows = np.unique(np.concatenate(tables), axis=0)
    candles = candle_columns(asset, rows[:, 0].astype(np.int64), *(rows[:, column] for column in range(1, 6)))
    if len(rows) > 1:
        step = int(np.diff(candles.open_time_ms).min())
        if step > MINUTE_MS:
            raise ConfigError(
                f"{files[0]}: no two candles are one minute apart, the smallest step is {step // MINUTE_MS} minutes. "
                "Import 1m candles: wider ones are built from them."
            )
    return candles


def read_funding(file: Path) -> list[FundingRow]:
    """Settled hourly rates, as fractions, sorted by their stamps. ConfigError naming the first that cannot be one."""
    rows = _table(file, (_RATES,))
    for stamp, rate in rows:
        if not abs(rate) < _MOST_RATE:
            raise ConfigError(
                f"{file}: rate {rate} at {minute(int(stamp))} UTC is no hourly fraction of notional (0.0000125 is "
                "0.00125 %). Repair the file."
            )
    return funding_rows(rows[:, 0].astype(np.int64).tolist(), rows[:, 1].tolist())


def ends_openly(file: Path) -> bool:
    """Whether the last line of a CSV file lacks its end: cut off in its last number it would still be a row."""
    if file.suffix.lower() != ".csv":
        return False
    with file.open("rb") as opened:
        opened.seek(-1, os.SEEK_END)
        return opened.read(1) not in (b"\n", b"\r")


def _table(file: Path, wanted: Sequence[str | Sequence[str]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The time in UTC ms and the `wanted` columns (or the first of several names) as floats, shape (rows, columns)."""
    import polars

    frame = _frame(file)
    names = [_column(file, frame.columns, names) for names in (_TIMES, *wanted)]
    frame = frame.select(names)
    for name in names:
        missing = frame[name].is_null()
        if missing.any():
            raise ConfigError(
                f"{file}: row {int(missing.arg_max() or 0) + 1} has no {name}: the file is damaged or cut off."
            )
    times = _milliseconds(file, frame[names[0]])
    try:
        numbers = [frame[name].cast(polars.Float64, strict=True).to_numpy() for name in names[1:]]
    except polars.exceptions.PolarsError as error:
        raise ConfigError(f"{file}: a value is no number: {_first_line(error)}") from error
    if not len(times):
        raise ConfigError(f"{file}: holds no rows.")
    return np.column_stack([times, *numbers])


def _frame(file: Path) -> Any:
    try:
        import polars
    except ImportError as error:
        raise ConfigError("reading files needs polars: install trading-core[parquet].") from error
    readers: dict[str, Callable[[Path], Any]] = {".parquet": polars.read_parquet, ".csv": polars.read_csv}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise ConfigError(f"{file}: neither .parquet nor .csv. Convert it to one of them.")
    if not file.is_file():
        raise ConfigError(f"{file}: no such file.")
    try:
        return reader(file)
    except (OSError, polars.exceptions.PolarsError) as error:
        raise ConfigError(
            f"{file}: not readable as {file.suffix[1:]}: {_first_line(error)}. If it was cut off, copy it again."
        ) from error


def _column(file: Path, present: Sequence[str], names: str | Sequence[str]) -> str:
    wanted = (names,) if isinstance(names, str) else tuple(names)
    for name in wanted:
        if name in present:
            return name
    raise ConfigError(f"{file}: column {' or '.join(wanted)} is missing; it has {', '.join(present) or 'none'}.")


def _milliseconds(file: Path, column: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """UTC ms of numbers in seconds to nanoseconds, of timestamps, or of ISO text."""
    import polars

    try:
        if column.dtype == polars.String:
            column = column.str.to_datetime(time_unit="ms", time_zone="UTC", strict=True)
        if column.dtype.is_temporal():
            return np.asarray(column.cast(polars.Datetime("ms")).dt.epoch("ms").to_numpy(), np.float64)
        times = column.cast(polars.Int64, strict=True).to_numpy()
    except (polars.exceptions.PolarsError, TypeError, ValueError) as error:
        raise ConfigError(f"{file}: {column.name} is no time: {_first_line(error)}") from error
    largest = int(np.abs(times).max()) if len(times) else 0
    for bound, factor in _PER_MS:
        if largest < bound:
            return times * factor if factor >= 1 else np.asarray(times // round(1 / factor), np.float64)
    raise ConfigError(f"{file}: {column.name} {largest} is no time in seconds, milli-, micro- or nanoseconds.")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
