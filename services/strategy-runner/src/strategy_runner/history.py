"""What a resuming runner must know from before its first grid point, read from Postgres."""

from __future__ import annotations

import asyncpg

from trading_core import messages
from trading_core.errors import MessageInvalid
from trading_core.market.state import HISTORY
from trading_core.messages import MarketData

# Each row is the message as it was on the stream; `visible_ms` of the column wins over the one inside.
_HISTORY = """
SELECT payload, visible_ms FROM (
    (SELECT payload, visible_ms, asset, ts, event_id FROM trading_market_data.ticks
     WHERE exchange = $1 AND asset = $2 AND kind = 'candle' AND visible_ms <= $3 ORDER BY ts DESC LIMIT $4)
    UNION ALL
    (SELECT payload, visible_ms, asset, ts, event_id FROM trading_market_data.ticks
     WHERE exchange = $1 AND asset = $2 AND kind = 'funding' AND visible_ms <= $3 ORDER BY ts DESC LIMIT 48)
    UNION ALL
    (SELECT payload, visible_ms, asset, ts, event_id FROM trading_market_data.ticks
     WHERE exchange = $1 AND asset = $2 AND kind = 'gap' AND visible_ms <= $3 ORDER BY visible_ms DESC LIMIT 20)
    UNION ALL
    (SELECT payload, visible_ms, asset, ts, event_id FROM trading_market_data.ticks
     WHERE exchange = $1 AND asset = $2 AND kind = 'ctx' AND visible_ms <= $3 AND visible_ms > $3 - 600000)
) rows ORDER BY visible_ms, asset COLLATE "C", ts, event_id COLLATE "C"
"""

_INGEST = """
SELECT extract(epoch FROM ingest_time) FROM trading_ops.watermarks
WHERE exchange = $1 AND stream = $2 AND watermark_ms <= $3 ORDER BY watermark_ms DESC LIMIT 1
"""


async def history_of(db: asyncpg.Pool, exchange: str, asset: str, upto_ms: int) -> list[MarketData]:
    """Candles, settled funding, gaps and marks visible at `upto_ms`, in order of application."""
    found: list[MarketData] = []
    for row in await db.fetch(_HISTORY, exchange, asset, upto_ms, HISTORY):
        message = messages.decode(row["payload"])
        if not isinstance(message, MarketData):
            raise MessageInvalid(f"a row of trading_market_data.ticks is not market data: {message}")
        found.append(message)
    return found


async def ingest_time_ns(db: asyncpg.Pool, exchange: str, stream: str, upto_ms: int) -> int | None:
    """When the newest recorded watermark at or before `upto_ms` entered `stream`; None when none is recorded.

    Whatever is in the stream before that watermark is in Postgres too, since the recorder commits in
    stream order: reading the stream from here on leaves no hole.
    """
    seconds = await db.fetchval(_INGEST, exchange, stream, upto_ms)
    return None if seconds is None else int(seconds * 1_000_000_000)
