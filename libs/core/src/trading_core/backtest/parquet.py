"""Reads history from a folder of Parquet files. The one module here that touches a disk.

`DIR/candles_1m/*_{ASSET}.parquet` with open_time (UTC ms), open, high, low, close, volume; funding in
`DIR/funding/`, or another folder, as `hyperliquid_{ASSET}.parquet` with time (UTC ms) and funding_rate.
Further columns are ignored. In an archive each of these is a folder with a file per day instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trading_core.archive.folder import INDEX, checked_files
from trading_core.backtest.history import FundingRow, History, candle_columns, funding_rows
from trading_core.errors import ConfigError
from trading_core.market.series import Candles

_PREFERRED = "hyperliquid"
_CANDLE_COLUMNS = ("open_time", "open", "high", "low", "close", "volume")
_FUNDING_COLUMNS = ("time", "funding_rate")


def read_history(directory: Path, assets: Sequence[str], funding: Path | None = None) -> History:
    """Candles and funding of `assets`. ConfigError when the folder or the candles of an asset are missing.

    An asset without a hyperliquid funding file has no known rates, so its hours are owed: the file of another venue
    is not taken in its place, since that one settles at other hours.
    """
    candles_dir = directory / "candles_1m"
    if not candles_dir.is_dir():
        raise ConfigError(f"parquet:{directory}: no folder candles_1m in it. Name the folder that holds candles_1m/.")
    if funding is not None and not funding.is_dir():
        raise ConfigError(f"--funding {funding}: no such folder")
    funding_dir = directory / "funding" if funding is None else funding
    return History(
        candles={asset: _candles(_candle_file(candles_dir, asset), asset) for asset in assets},
        funding={asset: _funding(funding_dir / f"{_PREFERRED}_{asset}.parquet") for asset in assets},
        source=f"parquet:{directory}",
    )


def _candle_file(folder: Path, asset: str) -> Path:
    found = sorted(folder.glob(f"*_{asset}.parquet"))
    preferred = folder / f"{_PREFERRED}_{asset}.parquet"
    if preferred in found or _is_archive(preferred):
        return preferred
    if not found:
        present = [*folder.glob("*_*.parquet"), *(index.parent for index in folder.glob(f"*_*/{INDEX}"))]
        there = ", ".join(sorted({path.stem.rpartition("_")[2] for path in present})) or "none"
        raise ConfigError(f"{folder}: no candles of {asset} (*_{asset}.parquet). Assets there: {there}.")
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise ConfigError(f"{folder}: more than one file with candles of {asset} ({names}). Keep one.")
    return found[0]


def _candles(file: Path, asset: str) -> Candles:
    frame = _read(file, _CANDLE_COLUMNS)
    if not frame["open_time"].is_sorted():
        frame = frame.sort("open_time")  # a copy of everything
    return candle_columns(asset, *(frame[column].to_numpy() for column in _CANDLE_COLUMNS))


def _funding(file: Path) -> list[FundingRow]:
    if not file.is_file() and not _is_archive(file):
        return []
    frame = _read(file, _FUNDING_COLUMNS)
    return funding_rows(frame["time"].to_list(), frame["funding_rate"].to_list())


def _is_archive(file: Path) -> bool:
    """Whether days of an archive stand in the place of `file`."""
    return (file.with_suffix("") / INDEX).is_file()


def _read(file: Path, columns: Sequence[str]) -> Any:
    """A polars frame with `columns`, of a file, or of all days of an archive in their order."""
    try:
        import polars
    except ImportError as error:
        raise ConfigError("reading Parquet needs polars: install trading-core[parquet]") from error
    if _is_archive(file):
        days = [_frame(day, columns) for day in checked_files(file.parent.parent, file.parent.name, file.stem)]
        numbers = polars.col(polars.String).cast(polars.Float64)
        return polars.concat(days).with_columns(numbers)
    return _frame(file, columns)


def _frame(file: Path, columns: Sequence[str]) -> Any:
    import polars

    try:
        frame = polars.read_parquet(file)
    except (OSError, polars.exceptions.PolarsError) as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ConfigError(f"{file}: not readable as Parquet: {why}. If it was cut off, copy it again.") from error
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise ConfigError(f"{file}: column {missing[0]} is missing; it has {', '.join(frame.columns)}")
    return frame.select(columns)
