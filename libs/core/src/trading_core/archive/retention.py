"""What leaves Postgres, and when: each day in venue time, archived first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import asyncpg

from trading_core.archive.datasets import ALL, BOOKS, CANDLES, REVISIONS, TICKS
from trading_core.archive.folder import Archive, day_start
from trading_core.archive.store import Day, archive_day, days, prune_day
from trading_core.config import RetentionConfig
from trading_core.db.times import utc
from trading_core.db.watermarks import newest
from trading_core.errors import ConfigError
from trading_core.model import DAY_MS, MINUTE_MS
from trading_core.streams import MARKET

SETTLED_MS = 10 * MINUTE_MS
"""So long after midnight a day counts as over: its last candles and their corrections are in by then."""
_CANDLES_END = """
SELECT (extract(epoch FROM max(open_time)) * 1000)::bigint + 60000 FROM trading_market_data.candles
WHERE interval = '1m'
"""
_PASSES = "DELETE FROM trading_signals.signals WHERE direction IS NULL AND ts < $1"
Progress = Callable[[Day], None]


class Kept(NamedTuple):
    """What one round did. `problems`: sentences about days that stay in Postgres."""

    days: int
    rows: int
    pruned: int
    passes: int
    problems: list[str]


async def today(db: asyncpg.Connection) -> int | None:
    """UTC ms at which the newest day in venue time began, once yesterday is settled; None without any data."""
    decided = await newest(db, MARKET.name)
    # Imported candles have no watermarks: without a live run the newest of them tells the time.
    now_ms = max(decided.values()) if decided else await db.fetchval(_CANDLES_END)
    return None if now_ms is None else (now_ms - SETTLED_MS) // DAY_MS * DAY_MS


def oldest_kept(retention: RetentionConfig, today_ms: int) -> Mapping[str, int]:
    """By dataset: the first day whose rows stay in Postgres. Funding rates are few and stay for ever."""
    candles = today_ms - retention.candles_1m_days * DAY_MS
    return {CANDLES.name: candles, REVISIONS.name: candles, TICKS.name: today_ms - retention.ticks_days * DAY_MS}


def oldest_books(retention: RetentionConfig, today_ms: int) -> int:
    """The first day whose books stay in Postgres; other ticks of the days before may still be there."""
    return today_ms - min(retention.books_days, retention.ticks_days) * DAY_MS


async def to_archive(db: asyncpg.Connection, archive: Archive, today_ms: int) -> list[Day]:
    """Whole days since the newest archived one, which is looked at again, oldest first."""
    found: list[Day] = []
    for dataset in ALL:
        last = [max(archive.entries(series)) for series in archive.series() if series.dataset is dataset]
        found += await days(db, dataset, day_start(max(last)) if last else 0, today_ms)
    return sorted(found, key=lambda day: day.day_ms)


async def to_prune(db: asyncpg.Connection, retention: RetentionConfig, today_ms: int) -> list[Day]:
    """Days older than their retention, oldest first."""
    found: list[Day] = []
    kept = oldest_kept(retention, today_ms)
    for name, kept_from_ms in kept.items():
        dataset = next(dataset for dataset in ALL if dataset.name == name)
        found += await days(db, dataset, 0, kept_from_ms, leaving=True)
    books_ms = oldest_books(retention, today_ms)
    found += await days(db, TICKS, kept[TICKS.name], books_ms, leaving=True, only=BOOKS)
    return sorted(found, key=lambda day: day.day_ms)


async def prune(
    db: asyncpg.Connection, archive: Archive, retention: RetentionConfig, today_ms: int, done: Progress
) -> Kept:
    """Deletes what is older than its retention and in the archive, compared row by row. The caller holds `writing`.

    What is not in the archive as it stands in Postgres is archived first; what cannot be, stays and is a problem.
    """
    pruned, problems = 0, list[str]()
    for day in await to_prune(db, retention, today_ms):
        try:
            pruned += await _archived_and_pruned(db, archive, day)
        except ConfigError as error:
            problems.append(str(error))
        except asyncpg.SerializationError:
            problems.append(f"{day.series} of {day.name} changed while it was compared: its rows stay until next time.")
        done(day)
    passes = int((await db.execute(_PASSES, utc(today_ms - retention.pass_retention_days * DAY_MS))).rsplit(" ", 1)[-1])
    return Kept(0, 0, pruned, passes, problems)


async def _archived_and_pruned(db: asyncpg.Connection, archive: Archive, day: Day) -> int:
    try:
        return await prune_day(db, archive, day)
    except ConfigError:
        await archive_day(db, archive, day)
        return await prune_day(db, archive, day)


async def keep(
    db: asyncpg.Connection, archive: Archive, retention: RetentionConfig, today_ms: int, done: Progress
) -> Kept:
    """One round: archive all whole days, then prune. The caller holds `writing`."""
    written, rows, problems = 0, 0, list[str]()
    for day in await to_archive(db, archive, today_ms):
        try:
            result = await archive_day(db, archive, day)
        except ConfigError as error:
            problems.append(str(error))
        else:
            written, rows = written + result.changed, rows + result.entry.rows * result.changed
        done(day)
    kept = await prune(db, archive, retention, today_ms, done)
    return kept._replace(days=written, rows=rows, problems=[*problems, *kept.problems])
