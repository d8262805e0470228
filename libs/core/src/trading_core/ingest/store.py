"""Writes imported candles and rates. What the platform has already stays as it is; again changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import asyncpg

from trading_core import ids
from trading_core.backtest.history import FundingRow
from trading_core.db.rollups import roll_up
from trading_core.db.times import millis, utc
from trading_core.market.series import Candles
from trading_core.model import MINUTE_MS

CHUNK = 5_000

# No joins in here: the planner cannot know how long an array is, and loops over two of them take seconds.
_CANDLES = """
INSERT INTO trading_market_data.candles
    (exchange, asset, interval, open_time, open, high, low, close, volume, event_id, visible_ms, backfilled)
SELECT $1, $2, '1m', open_time, o, h, l, c, v, event_id, visible_ms, TRUE
FROM unnest($3::timestamptz[], $4::numeric[], $5::numeric[], $6::numeric[], $7::numeric[], $8::numeric[], $9::text[],
            $10::bigint[]) AS given(open_time, o, h, l, c, v, event_id, visible_ms)
ON CONFLICT (exchange, asset, interval, open_time) DO NOTHING
RETURNING open_time
"""
_REVISIONS = """
INSERT INTO trading_market_data.candle_revisions
    (exchange, asset, interval, open_time, open, high, low, close, volume, event_id, visible_ms)
SELECT $1, $2, '1m', open_time, o, h, l, c, v, event_id, visible_ms
FROM unnest($3::timestamptz[], $4::numeric[], $5::numeric[], $6::numeric[], $7::numeric[], $8::numeric[], $9::text[],
            $10::bigint[]) AS given(open_time, o, h, l, c, v, event_id, visible_ms)
ON CONFLICT DO NOTHING
"""
_CANDLES_HELD = """
SELECT open_time, open, high, low, close, volume FROM trading_market_data.candles
WHERE exchange = $1 AND asset = $2 AND interval = '1m' AND open_time BETWEEN $3 AND $4
"""
_RATES = """
INSERT INTO trading_market_data.funding_rates (exchange, asset, hour, ts, rate, event_id, visible_ms)
SELECT $1, $2, hour, ts, rate, event_id, visible_ms
FROM unnest($3::timestamptz[], $4::timestamptz[], $5::numeric[], $6::text[], $7::bigint[])
    AS given(hour, ts, rate, event_id, visible_ms)
ON CONFLICT (exchange, asset, hour) DO NOTHING
RETURNING hour
"""
_RATES_HELD = """
SELECT hour, rate FROM trading_market_data.funding_rates
WHERE exchange = $1 AND asset = $2 AND hour BETWEEN $3 AND $4
"""


class Stored(NamedTuple):
    """Rows of one chunk: written, already there, and those of the latter that have other numbers and were kept."""

    new: int
    there: int
    different: int


async def store_candles(
    connection: asyncpg.Connection, exchange: str, asset: str, candles: Candles
) -> AsyncIterator[Stored]:
    """Writes `candles` chunk by chunk, each committed by itself with the wider candles that it completes.

    Each 1m candle becomes visible as it closes.
    """
    for first in range(0, len(candles.open_time_ms), CHUNK):
        opens = candles.open_time_ms[first : first + CHUNK].tolist()
        columns = [column[first : first + CHUNK].tolist() for column in candles[1:]]
        rows = [
            (
                utc(opened), *(Decimal(repr(number)) for number in numbers),
                ids.candle(exchange, asset, "1m", opened, [repr(number) for number in numbers]), opened + MINUTE_MS,
            )
            for opened, *numbers in zip(opens, *columns, strict=True)
        ]  # fmt: skip
        async with connection.transaction():
            found = await connection.fetch(_CANDLES, exchange, asset, *_columns(rows))
            fresh = {row["open_time"] for row in found}
            if fresh:
                new = [row for row in rows if row[0] in fresh]
                await connection.execute(_REVISIONS, exchange, asset, *_columns(new))
                await roll_up(connection, [(exchange, asset, millis(row[0])) for row in new])
        yield await _stored(connection, _CANDLES_HELD, exchange, asset, rows, len(fresh), numbers=5)


async def store_rates(
    connection: asyncpg.Connection, exchange: str, asset: str, rates: Sequence[FundingRow]
) -> AsyncIterator[Stored]:
    """Writes `rates` chunk by chunk; of two of one hour the later counts, and each is visible at its stamp."""
    newest = list({rate.hour_ms: rate for rate in rates}.values())
    for first in range(0, len(newest), CHUNK):
        rows = [
            (utc(r.hour_ms), utc(r.stamp_ms), r.rate, ids.funding(exchange, asset, r.hour_ms), r.stamp_ms)
            for r in newest[first : first + CHUNK]
        ]
        fresh = await connection.fetch(_RATES, exchange, asset, *_columns(rows))
        held = [(hour, rate) for hour, _, rate, _, _ in rows]
        yield await _stored(connection, _RATES_HELD, exchange, asset, held, len(fresh), numbers=1)


async def _stored(
    connection: asyncpg.Connection,
    held: str,
    exchange: str,
    asset: str,
    rows: Sequence[tuple[Any, ...]],
    new: int,
    *,
    numbers: int,
) -> Stored:
    """Compares `rows`, of a time and so many `numbers` each and sorted, with what is held now."""
    different = 0
    if new < len(rows):
        found = await connection.fetch(held, exchange, asset, rows[0][0], rows[-1][0])
        stays = {row[0]: tuple(row)[1:] for row in found}
        different = sum(stays[row[0]] != tuple(row[1 : 1 + numbers]) for row in rows)
    return Stored(new, len(rows) - new, different)


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
