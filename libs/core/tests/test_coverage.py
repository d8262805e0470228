"""Coverage by channel and day, the same answer before and after the messages have left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import archive_builders as builders
import asyncpg
import pytest

from trading_core.db.coverage import coverage, note_days
from trading_core.db.times import utc
from trading_core.model import DAY_MS, HOUR_MS, MINUTE_MS

pytestmark = pytest.mark.integration
T0 = builders.T0
DAYS = (date(2025, 6, 16), date(2025, 6, 17), date(2025, 6, 18))


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database_url)
    await connection.execute("SELECT trading_ops.ensure_partitions(36, 2)")
    yield connection
    await connection.close()


async def store_contexts(db: Any, *times_ms: int) -> None:
    await db.executemany(
        "INSERT INTO trading_market_data.ticks (ts, event_id, exchange, asset, kind, visible_ms, payload)"
        " VALUES ($1, $2, 'hyperliquid', 'BTC', 'ctx', $3, '{}')",
        [(utc(time_ms), f"x:{time_ms}", time_ms) for time_ms in times_ms],
    )


async def store_candles(db: Any, *open_times_ms: int) -> None:
    await db.executemany(
        "INSERT INTO trading_market_data.candles (exchange, asset, interval, open_time, open, high, low, close,"
        " volume, event_id, visible_ms) VALUES ('hyperliquid', 'BTC', '1m', $1, 1, 1, 1, 1, 1, $2, $3)",
        [(utc(open_ms), f"c:{open_ms}", open_ms + MINUTE_MS) for open_ms in open_times_ms],
    )


async def store_gap(db: Any, from_ms: int, to_ms: int | None, state: str, channel: str = "ctx") -> None:
    await db.execute(
        "INSERT INTO trading_ops.gaps (event_id, exchange, asset, channel, from_ts, to_ts, state, opened_visible_ms)"
        " VALUES ($1, 'hyperliquid', 'BTC', $2, $3, $4, $5, 0)",
        f"g:{channel}:{from_ms}", channel, utc(from_ms), None if to_ms is None else utc(to_ms), state,
    )  # fmt: skip


async def venue_time(db: Any, now_ms: int) -> None:
    await db.execute("INSERT INTO trading_ops.watermarks VALUES ('hyperliquid', 'MARKET', $1, now())", now_ms)


async def figures(db: Any) -> list[tuple[str, int, int, int]]:
    """(channel, day from 0, expected, covered)"""
    await note_days(db, every_day=True)
    return [
        (row["channel"], (row["day"] - DAYS[0]).days, row["expected_minutes"], row["covered_minutes"])
        for row in await coverage(db, DAYS[0], DAYS[2])
    ]


async def test_candles_are_counted_from_the_first_to_the_last_one_and_whole_days_without_any_are_lost(db: Any) -> None:
    # The last hour of day 0 but two minutes, nothing on day 1, the first ten minutes of day 2.
    late = [T0 + 23 * HOUR_MS + number * MINUTE_MS for number in range(60) if number not in (30, 31)]
    early = [T0 + 2 * DAY_MS + number * MINUTE_MS for number in range(10)]
    await store_candles(db, *late, *early)
    await venue_time(db, T0 + 2 * DAY_MS + 3 * HOUR_MS)
    assert await figures(db) == [("candle_1m", 0, 60, 58), ("candle_1m", 1, 1440, 0), ("candle_1m", 2, 10, 10)]


async def test_an_open_gap_counts_until_now(db: Any) -> None:
    await store_candles(db, *(T0 + number * MINUTE_MS for number in range(10)))
    await store_gap(db, T0 + 10 * MINUTE_MS, None, "open", "candle_1m")
    await venue_time(db, T0 + 40 * MINUTE_MS + 500)
    assert await figures(db) == [("candle_1m", 0, 40, 10)]


async def test_other_channels_lose_the_minutes_that_a_lost_gap_touches_and_none_by_a_filled_one(db: Any) -> None:
    # Heard from 00:00:10 to 02:00:05: minutes 0 to 119 are over, 120 is not.
    await store_contexts(db, T0 + 10_000, T0 + HOUR_MS, T0 + 2 * HOUR_MS + 5_000)
    await venue_time(db, T0 + 3 * HOUR_MS)
    # 00:05:30 to 00:07:10 touches minutes 5, 6 and 7; the second one repeats 7 and adds 8. 01:00 to 01:30 was filled.
    await store_gap(db, T0 + 5 * MINUTE_MS + 30_000, T0 + 7 * MINUTE_MS + 10_000, "lost")
    await store_gap(db, T0 + 7 * MINUTE_MS + 20_000, T0 + 8 * MINUTE_MS + 1, "lost")
    await store_gap(db, T0 + HOUR_MS, T0 + HOUR_MS + 30 * MINUTE_MS, "filled")
    assert await figures(db) == [("ctx", 0, 120, 116)]


async def test_a_gap_over_midnight_is_shared_by_its_days(db: Any) -> None:
    await store_contexts(db, T0, T0 + DAY_MS - 1, T0 + 2 * DAY_MS)
    await venue_time(db, T0 + 3 * DAY_MS)
    await store_gap(db, T0 + DAY_MS - 10 * MINUTE_MS, T0 + DAY_MS + 20 * MINUTE_MS, "lost")
    assert await figures(db) == [("ctx", 0, 1440, 1430), ("ctx", 1, 1440, 1420)]


async def test_what_left_postgres_keeps_its_coverage(db: Any) -> None:
    await store_candles(db, *(T0 + number * MINUTE_MS for number in range(30)))
    await store_contexts(db, T0, T0 + 30 * MINUTE_MS)
    before = await figures(db)
    assert before == [("candle_1m", 0, 30, 30), ("ctx", 0, 30, 30)]
    await db.execute("TRUNCATE trading_market_data.candles, trading_market_data.ticks")
    assert await figures(db) == before


async def test_rows_in_the_default_partition_move_once_partitions_are_made(db: Any) -> None:
    """Months that the job did not make in time: without moving them it could never make these months."""
    far, farther = T0 - 40 * 365 * DAY_MS, 4_102_444_800_000
    await store_contexts(db, T0, far, farther)
    astray = "SELECT count(*) FROM trading_market_data.ticks_default"
    assert await db.fetchval(astray) == 2
    assert await db.fetchval("SELECT trading_ops.ensure_partitions(3, 2)") >= 1
    # A time in the future is wrong and waits for somebody to look at it.
    assert await db.fetchval(astray) == 1
    assert await db.fetchval("SELECT count(*) FROM trading_market_data.ticks") == 3
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await db.execute("DELETE FROM trading_market_data.ticks WHERE ts = $1", utc(far))
    await db.execute("SET ROLE recorder")
    assert await db.fetchval(astray) == 1
