"""What the archive has and what was done, as lines for people."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from trading_core.archive.datasets import Dataset
from trading_core.archive.folder import Archive, Entry, Series, day_of
from trading_core.archive.retention import Kept, oldest_books, oldest_kept
from trading_core.archive.store import Written
from trading_core.config import RetentionConfig
from trading_core.errors import ConfigError
from trading_core.model import DAY_MS


def listing(archive: Archive, datasets: Sequence[Dataset]) -> list[str]:
    """One line per series. ConfigError when there is none."""
    rows = [("dataset", "exchange", "asset", "from", "to", "days", "missing", "rows", "size")]
    for series in archive.series():
        entries = list(archive.entries(series).values())
        if series.dataset in datasets and entries:
            first_ms, end_ms = entries[0].day_ms, entries[-1].day_ms + DAY_MS
            missing = (end_ms - first_ms) // DAY_MS - len(entries)
            rows.append(
                (
                    series.dataset.name, series.exchange, series.asset, day_of(first_ms), day_of(end_ms),
                    f"{len(entries):,}", f"{missing:,}", f"{_rows(entries):,}", size(_bytes(entries)),
                )
            )  # fmt: skip
    if len(rows) == 1:
        raise ConfigError(f"{archive.path}: no archive there, or nothing in it. Set archive.dir or --dir.")
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(_padded(row, widths)).rstrip() for row in rows]
    return [f"{archive.path}  (UTC days, `to` excluded)", *lines]


def written_lines(archive: Archive, done: Sequence[tuple[Series, Written]]) -> list[str]:
    lines = []
    for series in dict.fromkeys(series for series, _ in done):
        results = [written for found, written in done if found == series]
        new = [written.entry for written in results if written.changed]
        lines.append(
            f"{series}: {len(new):,} day files written ({_rows(new):,} rows, {size(_bytes(new))}), "
            f"{len(results) - len(new):,} there already"
        )
    return [*lines, f"in {archive.path}"]


def restored_line(files: int, new: int, there: int) -> str:
    return f"{new:,} rows put back from {files:,} files, {there:,} were there already"


def pruned_line(kept: Kept, keep: RetentionConfig, today_ms: int) -> str:
    bounds = oldest_kept(keep, today_ms)
    before = {"candles": bounds["candles"], "books": oldest_books(keep, today_ms), "ticks": bounds["ticks"]}
    days = ", ".join(f"{name} before {day_of(day_ms)}" for name, day_ms in before.items())
    deleted = f"{kept.pruned:,} archived rows deleted from Postgres ({days})"
    return f"{deleted}, and {kept.passes:,} evaluations without a signal"


def round_line(kept: Kept, keep: RetentionConfig, today_ms: int) -> str:
    """One round of the daily work."""
    written = f"{kept.days:,} day files archived ({kept.rows:,} rows)"
    return f"{day_of(today_ms)}: {written}; {pruned_line(kept, keep, today_ms)}"


async def present(db: asyncpg.Connection, datasets: Sequence[Dataset]) -> str:
    """What Postgres has, for a person who asked for something else."""
    found = []
    for dataset in datasets:
        bounds = await db.fetchrow(dataset.bounds)
        if bounds["first"] is not None:
            found.append(f"{dataset.name} {bounds['first']:%Y-%m-%d} to {bounds['last']:%Y-%m-%d}")
    return ", ".join(found) or "none at all"


def size(bytes: int) -> str:
    return f"{bytes / 1e6:,.1f} MB" if bytes >= 100_000 else f"{bytes / 1e3:,.1f} kB"


def _padded(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Numbers to the right."""
    pairs = zip(row, widths, strict=True)
    return [text.rjust(width) if number >= 5 else text.ljust(width) for number, (text, width) in enumerate(pairs)]


def _rows(entries: Sequence[Entry]) -> int:
    return sum(entry.rows for entry in entries)


def _bytes(entries: Sequence[Entry]) -> int:
    return sum(entry.bytes for entry in entries)
