"""Recorded market messages in PostgreSQL: how much of a span there is, and the messages for a tick backtest."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from trading_core.backtest.feed import EXCHANGE
from trading_core.backtest.postgres import Span, reading
from trading_core.backtest.ticks import LiveMinutes
from trading_core.db.history import history_of
from trading_core.db.times import utc
from trading_core.messages import MarketData
from trading_core.model import MINUTE_MS
from trading_core.parity.recording import market_messages

_LIVE = """
SELECT asset, (extract(epoch FROM ts) * 1000)::bigint AS close_ms FROM trading_market_data.ticks
WHERE exchange = $1 AND asset = ANY($2) AND kind = 'candle_1m' AND ts > $3 AND ts <= $4
  AND payload ->> 'backfilled' = 'false'
"""
_SPANS = """
SELECT asset, min(visible_ms) AS first_ms, max(visible_ms) AS last_ms FROM trading_market_data.ticks
WHERE exchange = $1 AND kind = 'ctx' GROUP BY asset
"""


async def live_minutes(url: str, assets: Sequence[str], from_ms: int, to_ms: int) -> LiveMinutes:
    """The minutes of [from_ms, to_ms) whose candles came as they closed. ConfigError as `reading`."""
    found = LiveMinutes.within(assets, from_ms, to_ms)
    async with reading(url) as connection:
        for row in await connection.fetch(_LIVE, EXCHANGE, list(assets), utc(from_ms), utc(to_ms)):
            found.opens[row["asset"]].add(row["close_ms"] - MINUTE_MS)
    return found


async def tick_spans(url: str) -> dict[str, Span]:
    """First and last recorded mark by asset."""
    async with reading(url) as connection:
        return {row["asset"]: Span(row["first_ms"], row["last_ms"]) for row in await connection.fetch(_SPANS, EXCHANGE)}


async def recorded_market(
    url: str, assets: Sequence[str], history: int, from_ms: int, to_ms: int
) -> AsyncIterator[MarketData]:
    """What `run_ticks` takes: first what strategies that look back over `history` candles know at `from_ms` - 1 minute,
    then everything visible up to `to_ms`."""
    known_ms = from_ms - MINUTE_MS
    async with reading(url) as connection:
        for asset in assets:
            for message in await history_of(connection, EXCHANGE, asset, known_ms, history):
                yield message
        async for message in market_messages(connection, [EXCHANGE], to_ms, after_ms=known_ms):
            if message.asset in assets:
                yield message
