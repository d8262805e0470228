"""What a resuming runner must know from before its first grid point, read from Postgres."""

from __future__ import annotations

import asyncpg

from trading_core import messages
from trading_core.market.state import HISTORY
from trading_core.messages import MarketData

# The newest candles a strategy may look back over, settled funding of two days, every gap (they are rare, and an
# old one may be open still), the newest mark however old, and the polls that open interest comes from.
_HISTORY = """
SELECT payload, visible_ms FROM (
    (SELECT payload, visible_ms, ts, event_id FROM trading_market_data.ticks
     WHERE exchange = $1 AND asset = $2 AND kind = 'candle_1m' AND visible_ms <= $3 ORDER BY ts DESC LIMIT $4)
    UNION ALL
    (SELECT payload, visible_ms, ts, event_id FROM trading_market_data.ticks
     WHERE exchange = $1 AND asset = $2 AND kind = 'funding' AND visible_ms <= $3 ORDER BY ts DESC LIMIT 48)
    UNION ALL
    (SELECT payload, visible_ms, ts, event_id FROM trading_market_data.ticks
     WHERE exchange = $1 AND asset = $2 AND kind = 'gap' AND visible_ms <= $3)
    UNION ALL
    (SELECT payload, visible_ms, ts, event_id FROM trading_market_data.ticks
     WHERE exchange = $1 AND asset = $2 AND kind = 'ctx' AND visible_ms <= $3 AND payload ->> 'polled' = 'false'
     ORDER BY visible_ms DESC LIMIT 10)
    UNION ALL
    (SELECT payload, visible_ms, ts, event_id FROM trading_market_data.ticks
     WHERE exchange = $1 AND asset = $2 AND kind = 'ctx' AND visible_ms <= $3 AND visible_ms > $3 - 3600000)
) found ORDER BY visible_ms, ts, event_id COLLATE "C"
"""

_INGEST = """
SELECT extract(epoch FROM ingest_time) FROM trading_ops.watermarks
WHERE exchange = $1 AND stream = $2 AND watermark_ms <= $3 ORDER BY watermark_ms DESC LIMIT 1
"""


async def history_of(
    db: asyncpg.Pool, exchange: str, asset: str, upto_ms: int, candles: int = HISTORY
) -> list[MarketData]:
    """The newest `candles`, settled funding, gaps and marks visible at `upto_ms`, in order of application."""
    rows = await db.fetch(_HISTORY, exchange, asset, upto_ms, candles)
    return [messages.market_data(row["payload"], row["visible_ms"]) for row in rows]


async def ingest_time_ns(db: asyncpg.Pool, exchange: str, stream: str, upto_ms: int) -> int | None:
    """When the newest recorded watermark at or before `upto_ms` entered `stream`; None when none is recorded.

    Whatever is in the stream before that watermark is in Postgres too, since the recorder commits in
    stream order: reading the stream from here on leaves no hole.
    """
    seconds = await db.fetchval(_INGEST, exchange, stream, upto_ms)
    return None if seconds is None else int(seconds * 1_000_000_000)
