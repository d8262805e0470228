"""How much of each channel was recorded, by UTC day: what is noted while the messages are there, and what follows."""

from __future__ import annotations

from datetime import date

import asyncpg

# Messages by the time they became visible, which the index has: of each channel and day two looks into it, however
# many messages there are. Of gaps and results no silence can be told, so they are no channels.
_MESSAGES = """
INSERT INTO trading_ops.recorded_days (exchange, asset, channel, day, first_ms, last_ms)
WITH RECURSIVE channels AS (
    (SELECT exchange, asset, kind FROM trading_market_data.ticks ORDER BY exchange, asset, kind LIMIT 1)
    UNION ALL
    SELECT other.* FROM channels c CROSS JOIN LATERAL (
        SELECT t.exchange, t.asset, t.kind FROM trading_market_data.ticks t
        WHERE (t.exchange, t.asset, t.kind) > (c.exchange, c.asset, c.kind)
        ORDER BY t.exchange, t.asset, t.kind LIMIT 1) other
)
SELECT c.exchange, c.asset, c.kind, DATE '1970-01-01' + n.number, first.visible_ms, last.visible_ms
FROM channels c
CROSS JOIN LATERAL (
    SELECT min(visible_ms) / 86400000 AS first_day, max(visible_ms) / 86400000 AS last_day
    FROM trading_market_data.ticks t WHERE t.exchange = c.exchange AND t.asset = c.asset AND t.kind = c.kind) span
CROSS JOIN LATERAL generate_series(
    greatest(span.first_day, (
        SELECT max(r.day) - 1 - DATE '1970-01-01' FROM trading_ops.recorded_days r
        WHERE r.exchange = c.exchange AND r.asset = c.asset AND r.channel = c.kind))::integer,
    span.last_day::integer) AS n(number)
CROSS JOIN LATERAL (
    SELECT visible_ms FROM trading_market_data.ticks t
    WHERE t.exchange = c.exchange AND t.asset = c.asset AND t.kind = c.kind
      AND t.visible_ms >= n.number * 86400000::bigint AND t.visible_ms < (n.number + 1) * 86400000::bigint
    ORDER BY visible_ms LIMIT 1) first
CROSS JOIN LATERAL (
    SELECT visible_ms FROM trading_market_data.ticks t
    WHERE t.exchange = c.exchange AND t.asset = c.asset AND t.kind = c.kind
      AND t.visible_ms >= n.number * 86400000::bigint AND t.visible_ms < (n.number + 1) * 86400000::bigint
    ORDER BY visible_ms DESC LIMIT 1) last
WHERE c.kind NOT IN ('candle_1m', 'gap', 'resolved')
ON CONFLICT (exchange, asset, channel, day) DO UPDATE SET
    first_ms = least(recorded_days.first_ms, excluded.first_ms),
    last_ms = greatest(recorded_days.last_ms, excluded.last_ms)
WHERE excluded.first_ms < recorded_days.first_ms OR excluded.last_ms > recorded_days.last_ms
"""
# Minutes of a day leave all at once, so a day without any keeps the count it had.
_CANDLES = """
INSERT INTO trading_ops.recorded_days (exchange, asset, channel, day, first_ms, last_ms, candles)
WITH RECURSIVE assets AS (
    (SELECT exchange, asset FROM trading_market_data.candles WHERE interval = '1m' ORDER BY exchange, asset LIMIT 1)
    UNION ALL
    SELECT other.* FROM assets a CROSS JOIN LATERAL (
        SELECT t.exchange, t.asset FROM trading_market_data.candles t
        WHERE interval = '1m' AND (t.exchange, t.asset) > (a.exchange, a.asset)
        ORDER BY t.exchange, t.asset LIMIT 1) other
)
SELECT a.exchange, a.asset, 'candle_1m', counted.*
FROM assets a
CROSS JOIN LATERAL (
    SELECT CASE WHEN $1 THEN '-infinity' ELSE date_trunc('day', max(open_time), 'UTC') - interval '1 day' END AS since
    FROM trading_market_data.candles t
    WHERE t.exchange = a.exchange AND t.asset = a.asset AND t.interval = '1m') newest
CROSS JOIN LATERAL (
    SELECT (open_time AT TIME ZONE 'UTC')::date, (extract(epoch FROM min(open_time)) * 1000)::bigint,
           (extract(epoch FROM max(open_time)) * 1000)::bigint + 60000, count(*)::integer
    FROM trading_market_data.candles t
    WHERE t.exchange = a.exchange AND t.asset = a.asset AND t.interval = '1m' AND t.open_time >= newest.since
    GROUP BY 1) counted
ON CONFLICT (exchange, asset, channel, day) DO UPDATE SET
    first_ms = excluded.first_ms, last_ms = excluded.last_ms, candles = excluded.candles
WHERE (recorded_days.first_ms, recorded_days.last_ms, recorded_days.candles)
    IS DISTINCT FROM (excluded.first_ms, excluded.last_ms, excluded.candles)
"""
_COVERAGE = "SELECT * FROM trading_ops.coverage($1, $2)"


async def note_days(db: asyncpg.Connection, *, every_day: bool) -> None:
    """Notes what was recorded since the last time; `every_day`: counts the candles of older days anew as well.

    Older days change when history is imported or a correction comes late.
    """
    await db.execute(_MESSAGES)
    await db.execute(_CANDLES, every_day)


async def coverage(db: asyncpg.Connection, from_day: date, to_day: date) -> list[asyncpg.Record]:
    """(exchange, asset, channel, day, expected_minutes, covered_minutes, fraction), both ends included.

    Of `candle_1m` a minute is covered that has its candle, of other channels one that no lost or open gap touches.
    Expected are the minutes from the channel's first message ever to its last one, or to the end of a later gap.
    """
    found: list[asyncpg.Record] = await db.fetch(_COVERAGE, from_day, to_day)
    return found
