"""Monthly partitions of `ticks`: made ahead of need, back to where recorded data may reach, dropped when empty."""

from __future__ import annotations

import asyncpg

from trading_core.db.times import utc

BACK_MONTHS, AHEAD_MONTHS = 3, 2
_MONTHS_SINCE = """
SELECT (12 * (extract(year FROM now) - extract(year FROM since)) + extract(month FROM now) - extract(month FROM since))
FROM (VALUES (now() AT TIME ZONE 'UTC', $1::timestamptz AT TIME ZONE 'UTC')) AS months(now, since)
"""
_DROP = """
SELECT trading_ops.drop_empty_partitions(
    least($1, date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - make_interval(months => $2)))
"""


async def ensure_partitions(url: str) -> None:
    """Makes what is missing. `url` must be of the tables' owner."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await make_partitions(connection)
    finally:
        await connection.close()


async def make_partitions(connection: asyncpg.Connection) -> None:
    """Makes what is missing."""
    await connection.execute("SELECT trading_ops.ensure_partitions($1, $2)", BACK_MONTHS, AHEAD_MONTHS)


async def make_partitions_from(connection: asyncpg.Connection, from_ms: int) -> None:
    """Makes what is missing for rows from `from_ms` on."""
    months = max(BACK_MONTHS, int(await connection.fetchval(_MONTHS_SINCE, utc(from_ms))))
    await connection.execute("SELECT trading_ops.ensure_partitions($1, $2)", months, AHEAD_MONTHS)


async def drop_old_partitions(connection: asyncpg.Connection, before_ms: int) -> int:
    """Drops empty partitions that end by `before_ms` and are not among those that are made; how many."""
    return int(await connection.fetchval(_DROP, utc(before_ms), BACK_MONTHS))
