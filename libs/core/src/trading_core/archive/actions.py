"""What the command does: write, verify, restore and prune, each with a bar on a terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import NamedTuple

import asyncpg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from trading_core.archive import retention
from trading_core.archive.datasets import CANDLES, TICKS, Dataset
from trading_core.archive.files import count, writing
from trading_core.archive.folder import Archive, Entry, Series, day_of
from trading_core.archive.show import present, pruned_line, restored_line, size, written_lines
from trading_core.archive.store import Written, archive_day, days, identity, restore_day
from trading_core.config import RetentionConfig
from trading_core.db.partitions import make_partitions_from
from trading_core.db.pool import AWAY, reach, where
from trading_core.db.rollups import roll_up
from trading_core.errors import ConfigError, one_line
from trading_core.model import DAY_MS, MINUTE_MS

Span = tuple[int, int]


class Said(NamedTuple):
    """Lines for stdout, and what a person must change."""

    lines: list[str]
    problems: list[str]


async def write(url: str, archive: Archive, datasets: Sequence[Dataset], span: Span, console: Console) -> Said:
    """Archives the days of `span`. ConfigError when Postgres has none of them and the archive neither."""
    async with _connected(url) as db:
        with writing(archive, await identity(db)), _progress(console, "archive") as advance:
            found = [day for dataset in datasets for day in await days(db, dataset, *span)]
            if not found:
                raise ConfigError(
                    f"{where(url)} has nothing from {day_of(span[0])} to {day_of(span[1])}; it has "
                    f"{await present(db, datasets)}. Move the span."
                )
            done: list[tuple[Series, Written]] = []
            problems: list[str] = []
            for day in found:
                try:
                    done.append((day.series, await archive_day(db, archive, day)))
                except ConfigError as error:
                    problems.append(str(error))
                advance(len(found))
    return Said(written_lines(archive, done), problems)


async def restore(url: str, archive: Archive, datasets: Sequence[Dataset], span: Span, console: Console) -> Said:
    """Puts the archive's days of `span` back into Postgres. ConfigError when it has none of them."""
    files = [
        (series, entry)
        for series in archive.series()
        for entry in archive.entries(series).values()
        if series.dataset in datasets and span[0] <= entry.day_ms < span[1]
    ]
    if not files:
        raise ConfigError(
            f"{archive.path} has nothing from {day_of(span[0])} to {day_of(span[1])}. Look with archive --list."
        )
    new = there = 0
    async with _connected(url) as db:
        if any(series.dataset is TICKS for series, _ in files):
            await make_partitions_from(db, span[0])
        with _progress(console, "restore") as advance:
            for series, entry in files:
                rows = await restore_day(db, archive, series, entry)
                if series.dataset is CANDLES and rows:
                    opens = range(entry.day_ms, entry.day_ms + DAY_MS, MINUTE_MS)
                    await roll_up(db, [(series.exchange, series.asset, opened) for opened in opens])
                new, there = new + rows, there + entry.rows - rows
                advance(len(files))
    return Said([restored_line(len(files), new, there)], [])


async def prune(url: str, archive: Archive, keep: RetentionConfig, console: Console) -> Said:
    """Deletes what is older than `keep` says, once it is archived as it stands."""
    async with _connected(url) as db:
        today_ms = await retention.today(db)
        if today_ms is None:
            raise ConfigError(f"{where(url)} has recorded nothing yet: there is nothing to prune.")
        with writing(archive, await identity(db)), _progress(console, "prune") as advance:
            total = len(await retention.to_prune(db, keep, today_ms))
            kept = await retention.prune(db, archive, keep, today_ms, lambda _: advance(total))
    return Said([pruned_line(kept, keep, today_ms)], kept.problems)


def verify(archive: Archive, datasets: Sequence[Dataset], console: Console) -> Said:
    """Reads every file: are its bytes, its rows and its place in the index as they were written?"""
    files: list[tuple[Series, Entry]] = []
    problems: list[str] = []
    for series in archive.series():
        if series.dataset in datasets:
            files += [(series, entry) for entry in archive.entries(series).values()]
    if not files:
        raise ConfigError(f"{archive.path}: no archive there, or nothing in it. Set archive.dir or --dir.")
    with _progress(console, "verify") as advance:
        for series, entry in files:
            try:
                rows = count(archive.check(series, entry))
                if rows != entry.rows:
                    raise ConfigError(f"{archive.file(series, entry)}: {rows} rows, the index says {entry.rows}.")
            except ConfigError as error:
                problems.append(str(error))
            advance(len(files))
    good = len(files) - len(problems)
    total = sum(entry.bytes for _, entry in files)
    return Said([f"{good:,} of {len(files):,} files are as they were written, {size(total)}"], problems)


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    db = await reach(url, role_name="archive")
    try:
        yield db
    except (asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedTableError) as error:
        raise ConfigError(
            f"{where(url)} refused: {one_line(error)}. `python -m trading_core migrate` makes its tables; the login "
            "needs the rights of role research to write, recorder to restore, maintenance to prune."
        ) from error
    except (asyncpg.PostgresError, *AWAY) as error:
        raise ConfigError(f"{where(url)} ended it: {one_line(error)}. Nothing is half done; try again.") from error
    finally:
        await db.close()


@contextmanager
def _progress(console: Console, what: str) -> Iterator[Callable[[int], None]]:
    """A function that counts one more of so many; a bar on a terminal, nothing elsewhere."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn("files"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda total: bar.update(task, advance=1, total=total)
