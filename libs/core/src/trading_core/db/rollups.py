"""Wider candles, kept in `candles` beside the 1m candles they are made of: complete ones only."""

from __future__ import annotations

from collections.abc import Iterable

import asyncpg

from trading_core.db.times import utc
from trading_core.ids import SHORT
from trading_core.model import INTERVALS_MS, MINUTE_MS

INTERVALS = ("5m", "1h", "1d")

# Most candles end no wider one: the look for its last minute keeps them from counting a day's minutes each time.
_ROLL_UP = """
INSERT INTO trading_market_data.candles
    (exchange, asset, interval, open_time, open, high, low, close, volume, event_id, visible_ms, backfilled)
SELECT exchange, asset, width_name, begins, made.*
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::integer[])
    AS wider(exchange, asset, width_name, begins, ends, wider_id, minutes)
CROSS JOIN LATERAL (
    SELECT (array_agg(open ORDER BY open_time))[1], max(high), min(low), (array_agg(close ORDER BY open_time DESC))[1],
           sum(volume), wider_id, max(visible_ms), bool_or(backfilled)
    FROM trading_market_data.candles minute
    WHERE minute.exchange = wider.exchange AND minute.asset = wider.asset AND minute.interval = '1m'
      AND minute.open_time >= begins AND minute.open_time < ends
    HAVING count(*) = minutes
) made
WHERE EXISTS (
    SELECT FROM trading_market_data.candles last
    WHERE last.exchange = wider.exchange AND last.asset = wider.asset AND last.interval = '1m'
      AND last.open_time = ends - interval '1 minute')
ON CONFLICT (exchange, asset, interval, open_time) DO UPDATE SET
    open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
    volume = excluded.volume, visible_ms = excluded.visible_ms, backfilled = excluded.backfilled
WHERE (candles.open, candles.high, candles.low, candles.close, candles.volume)
    IS DISTINCT FROM (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume)
"""


async def roll_up(connection: asyncpg.Connection, minutes: Iterable[tuple[str, str, int]]) -> None:
    """Builds anew every wider candle around `minutes`, (exchange, asset, open time in UTC ms), that is complete."""
    found = {
        (exchange, asset, name, open_ms - open_ms % INTERVALS_MS[name])
        for exchange, asset, open_ms in minutes
        for name in INTERVALS
    }
    if not found:
        return
    rows = [
        (
            exchange, asset, name, utc(begins), utc(begins + INTERVALS_MS[name]),
            f"c:{SHORT[exchange]}:{asset}:{name}:{begins}", INTERVALS_MS[name] // MINUTE_MS,
        )
        for exchange, asset, name, begins in sorted(found)
    ]  # fmt: skip
    await connection.execute(_ROLL_UP, *(list(column) for column in zip(*rows, strict=True)))
