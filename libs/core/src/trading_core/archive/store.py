"""Days from Postgres into the archive, and out of Postgres once the archive has every row of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import NamedTuple

import asyncpg

from trading_core.archive.datasets import CANDLES, Dataset
from trading_core.archive.files import BATCH, Row, rows_of, write_day
from trading_core.archive.folder import Archive, Entry, Series, day_of
from trading_core.db.rollups import roll_up
from trading_core.db.times import utc
from trading_core.errors import ConfigError
from trading_core.model import DAY_MS, MINUTE_MS

_PRUNED = """
INSERT INTO trading_ops.pruned (dataset, exchange, asset, day, rows) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (dataset, exchange, asset, day) DO UPDATE SET rows = pruned.rows + excluded.rows, pruned_at = now()
"""


class Day(NamedTuple):
    """Rows of one series and UTC day that Postgres has."""

    series: Series
    day_ms: int
    rows: int
    only: str | None = None
    """A condition for those that are to leave; None: all that may."""

    @property
    def name(self) -> str:
        return day_of(self.day_ms)

    @property
    def arguments(self) -> tuple[object, ...]:
        """Of the dataset's statements."""
        return (self.series.exchange, self.series.asset, utc(self.day_ms), utc(self.day_ms + DAY_MS))


class Written(NamedTuple):
    """`changed` is False when the archive had every row already."""

    entry: Entry
    changed: bool


async def identity(db: asyncpg.Connection) -> str:
    """Tells this database from every other."""
    return str(await db.fetchval("SELECT id FROM trading_ops.identity"))


async def days(
    db: asyncpg.Connection,
    dataset: Dataset,
    from_ms: int,
    to_ms: int,
    *,
    leaving: bool = False,
    only: str | None = None,
) -> list[Day]:
    """What Postgres has of [from_ms, to_ms), by day and series.

    `leaving`: without the rows that stay for ever, and with `only` those of this condition.
    """
    found = await db.fetch(dataset.days_to_leave(only) if leaving else dataset.days, utc(from_ms), utc(to_ms))
    return [
        Day(Series(dataset, row["exchange"], row["asset"]), _day_ms(row["day"]), row["rows"], only)
        for row in found
    ]  # fmt: skip


async def archive_day(db: asyncpg.Connection, archive: Archive, day: Day) -> Written:
    """The file that has every row of `day`: the one there is, or a new one with the rows of both.

    ConfigError when the file there is cannot be read and Postgres has fewer rows than it held.
    """
    earlier = archive.entries(day.series).get(day.name)
    file = None
    if earlier is not None:
        try:
            file = archive.check(day.series, earlier)
        except ConfigError:
            if day.rows < earlier.rows:  # what is left in Postgres is not all there was
                raise
    async with db.transaction(isolation="repeatable_read", readonly=True):
        if earlier is not None and file is not None and await first_missing(db, archive, day, earlier) is None:
            return Written(earlier, changed=False)
        entry = await write_day(archive, day.series, day.name, _batches(db, day), file)
    assert entry is not None, f"{day.series} {day.name} has rows"
    return Written(entry, changed=True)


async def first_missing(db: asyncpg.Connection, archive: Archive, day: Day, entry: Entry) -> Row | None:
    """The first row of `day` in Postgres that its file does not have just so; None when it has all of them.

    Both are sorted alike, so one pass over them compares every column of every row.
    """
    archived = rows_of(archive.file(day.series, entry))
    async for batch in _batches(db, day):
        for row in batch:
            if not any(row == candidate for candidate in archived):
                return row
    return None


async def prune_day(db: asyncpg.Connection, archive: Archive, day: Day) -> int:
    """Deletes the rows of `day`, and how many these were; ConfigError, and all stay, unless the archive has each.

    Comparing and deleting see one snapshot: a row that comes meanwhile is not deleted, and one that changes
    meanwhile ends the transaction with a SerializationError.
    """
    async with db.transaction(isolation="repeatable_read"):
        entry = archive.entries(day.series).get(day.name)
        if entry is None:
            raise ConfigError(f"{day.series} of {day.name} is not in {archive.path}: its rows stay in Postgres.")
        archive.check(day.series, entry)
        row = await first_missing(db, archive, day, entry)
        if row is not None:
            raise ConfigError(
                f"{archive.file(day.series, entry)}: lacks {day.series} row {row[:3]}: the rows stay in Postgres. "
                f"`python -m trading_core archive --from {day.name} --to {day_of(day.day_ms + DAY_MS)}` adds it."
            )
        if day.series.dataset is CANDLES:
            minutes = range(day.day_ms, day.day_ms + DAY_MS, MINUTE_MS)
            await roll_up(db, [(day.series.exchange, day.series.asset, opened) for opened in minutes])
        status = await db.execute(day.series.dataset.delete(day.only), *day.arguments)
        gone = int(status.rsplit(" ", 1)[-1])
        series = (day.series.dataset.name, day.series.exchange, day.series.asset)
        await db.execute(_PRUNED, *series, date.fromisoformat(day.name), gone)
    return gone


async def restore_day(db: asyncpg.Connection, archive: Archive, series: Series, entry: Entry) -> int:
    """Puts the rows of a file back into Postgres; how many were not there. What is there stays as it is."""
    archive.check(series, entry)
    new = 0
    rows: list[Row] = []
    async with db.transaction():
        for row in rows_of(archive.file(series, entry)):
            rows.append(row)
            if len(rows) == BATCH:
                new += await _insert(db, series, rows)
                rows = []
        if rows:
            new += await _insert(db, series, rows)
    return new


async def _insert(db: asyncpg.Connection, series: Series, rows: Sequence[Row]) -> int:
    columns = [list(column) for column in zip(*rows, strict=True)]
    status = await db.execute(series.dataset.insert, series.exchange, series.asset, *columns)
    return int(status.rsplit(" ", 1)[-1])


async def _batches(db: asyncpg.Connection, day: Day) -> AsyncIterator[list[Row]]:
    """The rows of `day` as they stand in a file, in its order. Inside a transaction."""
    cursor = await db.cursor(day.series.dataset.select, *day.arguments)
    while found := await cursor.fetch(BATCH):
        yield [tuple(row) for row in found]


def _day_ms(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY_MS
