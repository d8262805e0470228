"""A day's Parquet file: written from batches of rows, merged with its earlier version, read back."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trading_core.archive.datasets import BY_FOLDER, FLAG, JSON, NUMBER, TEXT, Dataset
from trading_core.archive.folder import Archive, Entry, Series, digest, sync
from trading_core.errors import ConfigError

try:
    import polars
except ImportError as error:
    raise ConfigError("The archive needs polars: install trading-core[parquet].") from error

Row = tuple[Any, ...]
BATCH = 20_000
_ROW_GROUP = 50_000


@contextmanager
def writing(archive: Archive, database: str) -> Iterator[None]:
    """`archive.writing`, once every whole file that no index names is in one.

    A kill leaves such a file between its renaming and its index, and an index that was lost leaves all of them.
    """
    with archive.writing(database):
        for folder in archive.path.glob("*/*/"):
            dataset, (exchange, _, asset) = BY_FOLDER.get(folder.parent.name), folder.name.partition("_")
            if dataset is not None:
                _adopt(archive, Series(dataset, exchange, asset))
        yield


def _adopt(archive: Archive, series: Series) -> None:
    named = archive.entries(series)
    for file in sorted(archive.folder(series).glob("????-??-??.*.parquet")):
        day, start, *_ = file.name.split(".")
        if day not in named and digest(file).startswith(start):
            archive.commit(series, _entry(series.dataset, day, file))


async def write_day(
    archive: Archive, series: Series, day: str, batches: AsyncIterator[Sequence[Row]], earlier: Path | None
) -> Entry | None:
    """Puts the rows of `batches`, and those of the file `earlier` that they do not replace, into the archive.

    None, and nothing is written, when there are no rows at all. The caller holds `writing`.
    """
    dataset, folder = series.dataset, archive.folder(series)
    with _on_disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
        parts = Path(tempfile.mkdtemp(prefix=".parts", dir=folder))
    try:
        files: list[Path] = []
        async for rows in batches:
            files.append(parts / f"{len(files)}.parquet")
            frame = polars.DataFrame(rows, schema=schema(dataset), orient="row")
            with _on_disk(folder):
                frame.write_parquet(files[-1], compression="lz4")
        if earlier is not None:
            files.insert(0, earlier)
        if not files:
            return None
        merged = polars.concat([polars.scan_parquet(file) for file in files])
        if earlier is not None:
            merged = merged.unique(dataset.key, keep="last", maintain_order=True).sort(dataset.order)
        whole = parts / "whole.parquet"
        with _on_disk(folder):
            merged.sink_parquet(whole, compression="zstd", row_group_size=_ROW_GROUP)
            entry = _entry(dataset, day, whole)
            sync(whole)
            whole.replace(folder / entry.file)
            archive.commit(series, entry)
        return entry
    finally:
        shutil.rmtree(parts, ignore_errors=True)


def schema(dataset: Dataset) -> dict[str, Any]:
    """Types of a file's columns."""
    texts = (NUMBER, JSON, TEXT)
    return {
        name: polars.String if kind in texts else polars.Boolean if kind is FLAG else polars.Int64
        for name, _, kind in dataset.columns
    }


def rows_of(file: Path) -> Iterator[Row]:
    """The rows of a file in their order; no more than a batch of them is held at a time."""
    try:
        for frame in polars.scan_parquet(file).collect_batches(chunk_size=BATCH, maintain_order=True):
            yield from frame.iter_rows()
    except polars.exceptions.PolarsError as error:
        raise _unreadable(file, error) from error


def table(file: Path, columns: Sequence[Any], condition: Any = None) -> Any:
    """A polars frame of `columns` (names or expressions), of the rows that meet `condition`."""
    try:
        frame = polars.scan_parquet(file)
        return (frame if condition is None else frame.filter(condition)).select(columns).collect()
    except polars.exceptions.PolarsError as error:
        raise _unreadable(file, error) from error


def count(file: Path) -> int:
    return int(table(file, [polars.len()]).item())


@contextmanager
def _on_disk(folder: Path) -> Iterator[None]:
    """ConfigError when the disk is full or the folder may not be written."""
    try:
        yield
    except (OSError, polars.exceptions.PolarsError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else _first_line(error)
        raise ConfigError(
            f"{folder}: cannot be written: {why}. Make room or set archive.dir; what was there is as it was."
        ) from error


def _unreadable(file: Path, error: Exception) -> ConfigError:
    return ConfigError(f"{file}: not readable as Parquet: {_first_line(error)}. Copy it back from a backup.")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _entry(dataset: Dataset, day: str, file: Path) -> Entry:
    time = next(name for name, column, _ in dataset.columns if column == dataset.time)
    bounds = table(
        file,
        [
            polars.len(), polars.col(time).min().alias("first"), polars.col(time).max().alias("last"),
            polars.col("visible_ms").min().alias("seen_first"), polars.col("visible_ms").max().alias("seen_last"),
        ],
    ).row(0)  # fmt: skip
    sha256 = digest(file)
    return Entry(
        day=day, file=f"{day}.{sha256[:12]}.parquet", rows=bounds[0], bytes=file.stat().st_size, sha256=sha256,
        first_ms=bounds[1], last_ms=bounds[2], seen_first_ms=bounds[3], seen_last_ms=bounds[4],
    )  # fmt: skip
