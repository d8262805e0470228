"""Writes imported candles and rates. What the platform has already stays as it is; again changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

import asyncpg

from trading_core import ids
from trading_core.backtest.history import FundingRow
from trading_core.db.times import utc
from trading_core.market.series import Candles
from trading_core.model import MINUTE_MS

CHUNK = 5_000

# The statement sees the table as it was before: `there` are rows of earlier imports and of the recorder.
_CANDLES = """
WITH given AS (
    SELECT event_id, open_time, o::numeric AS o, h::numeric AS h, l::numeric AS l, c::numeric AS c, v::numeric AS v,
           visible_ms
    FROM unnest($3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                $10::bigint[]) AS r(event_id, open_time, o, h, l, c, v, visible_ms)
), there AS (
    SELECT (open, high, low, close, volume) IS DISTINCT FROM (o, h, l, c, v) AS differs
    FROM given JOIN trading_market_data.candles held USING (open_time)
    WHERE held.exchange = $1 AND held.asset = $2 AND held.interval = '1m'
), fresh AS (
    INSERT INTO trading_market_data.candles
        (exchange, asset, interval, open_time, open, high, low, close, volume, event_id, visible_ms, backfilled)
    SELECT $1, $2, '1m', open_time, o, h, l, c, v, event_id, visible_ms, TRUE FROM given
    ON CONFLICT (exchange, asset, interval, open_time) DO NOTHING
    RETURNING event_id
), revisions AS (
    INSERT INTO trading_market_data.candle_revisions
        (event_id, exchange, asset, interval, open_time, open, high, low, close, volume, visible_ms)
    SELECT event_id, $1, $2, '1m', open_time, o, h, l, c, v, visible_ms FROM given JOIN fresh USING (event_id)
    ON CONFLICT DO NOTHING
)
SELECT (SELECT count(*) FROM fresh) AS new, (SELECT count(*) FROM there) AS there,
       (SELECT count(*) FROM there WHERE differs) AS different
"""
_RATES = """
WITH given AS (
    SELECT event_id, hour, ts, rate::numeric AS rate, visible_ms
    FROM unnest($3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::bigint[])
        AS r(event_id, hour, ts, rate, visible_ms)
), there AS (
    SELECT held.rate IS DISTINCT FROM given.rate AS differs
    FROM given JOIN trading_market_data.funding_rates held USING (hour)
    WHERE held.exchange = $1 AND held.asset = $2
), fresh AS (
    INSERT INTO trading_market_data.funding_rates (exchange, asset, hour, ts, rate, event_id, visible_ms)
    SELECT $1, $2, hour, ts, rate, event_id, visible_ms FROM given
    ON CONFLICT (exchange, asset, hour) DO NOTHING
    RETURNING 1
)
SELECT (SELECT count(*) FROM fresh) AS new, (SELECT count(*) FROM there) AS there,
       (SELECT count(*) FROM there WHERE differs) AS different
"""


class Stored(NamedTuple):
    """Rows of one chunk: written, already there, and those of the latter that have other numbers and were kept."""

    new: int
    there: int
    different: int


async def store_candles(
    connection: asyncpg.Connection, exchange: str, asset: str, candles: Candles
) -> AsyncIterator[Stored]:
    """Writes `candles` chunk by chunk, each committed by itself; each becomes visible as it closes."""
    for first in range(0, len(candles.open_time_ms), CHUNK):
        opens = candles.open_time_ms[first : first + CHUNK].tolist()
        numbers = [list(map(repr, column[first : first + CHUNK].tolist())) for column in candles[1:]]
        rows = zip(opens, *numbers, strict=True)
        names = [ids.candle(exchange, asset, "1m", opened, values) for opened, *values in rows]
        visible = [opened + MINUTE_MS for opened in opens]
        row = await connection.fetchrow(
            _CANDLES, exchange, asset, names, list(map(utc, opens)), *numbers, visible
        )  # fmt: skip
        yield Stored(*row)


async def store_rates(
    connection: asyncpg.Connection, exchange: str, asset: str, rates: Sequence[FundingRow]
) -> AsyncIterator[Stored]:
    """Writes `rates` chunk by chunk; of two of one hour the later counts, and each is visible at its stamp."""
    newest = list({rate.hour_ms: rate for rate in rates}.values())
    for first in range(0, len(newest), CHUNK):
        part = newest[first : first + CHUNK]
        row = await connection.fetchrow(
            _RATES,
            exchange,
            asset,
            [ids.funding(exchange, asset, rate.hour_ms) for rate in part],
            [utc(rate.hour_ms) for rate in part],
            [utc(rate.stamp_ms) for rate in part],
            [format(rate.rate, "f") for rate in part],
            [rate.stamp_ms for rate in part],
        )
        yield Stored(*row)
