"""Candles that a person imported for minutes that live never had: a backtest sees them, so the ideal order does."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg

from trading_core.db.times import millis, utc
from trading_core.messages import CandleMessage, MarketData
from trading_core.model import MINUTE_MS
from trading_core.parity.recording import Span

# An import becomes visible as it closes; a live backfill comes later, and all that live had is in `ticks`.
_IMPORTED = """
SELECT exchange, asset, open_time, open, high, low, close, volume, event_id, visible_ms
FROM trading_market_data.candles c
WHERE exchange = ANY($1) AND interval = '1m' AND backfilled AND open_time >= $2 AND open_time < $3
    AND visible_ms = extract(epoch FROM open_time)::bigint * 1000 + 60000
    AND NOT EXISTS (
        SELECT FROM trading_market_data.ticks t
        WHERE t.exchange = c.exchange AND t.asset = c.asset AND t.kind = 'candle_1m'
            AND t.ts = c.open_time + interval '1 minute')
ORDER BY visible_ms, asset COLLATE "C"
"""


async def with_imported(
    db: asyncpg.Connection, market: AsyncIterator[MarketData], exchanges: list[str], span: Span
) -> AsyncIterator[MarketData]:
    """`market` and, each in its place, what was imported for minutes that close in `span`."""
    bounds = (utc(span.first_ms - MINUTE_MS), utc(span.last_ms))
    waiting = [_message(row) for row in reversed(await db.fetch(_IMPORTED, exchanges, *bounds))]
    async for message in market:
        while waiting and _place(waiting[-1]) < _place(message):
            yield waiting.pop()
        yield message
    while waiting:
        yield waiting.pop()


def _place(message: MarketData) -> tuple[int, str, int, str]:
    return (message.visible_ms, message.asset, message.event_time_ms, message.id)


def _message(row: asyncpg.Record) -> CandleMessage:
    open_ms = millis(row["open_time"])
    return CandleMessage(
        id=row["event_id"],
        exchange=row["exchange"],
        asset=row["asset"],
        event_time_ms=open_ms + MINUTE_MS,
        visible_ms=row["visible_ms"],
        open_time_ms=open_ms,
        open=str(row["open"]),
        high=str(row["high"]),
        low=str(row["low"]),
        close=str(row["close"]),
        volume=str(row["volume"]),
    )
