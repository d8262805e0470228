"""What a market state must know from before its first message: of a runner that resumes, of a day that is replayed."""

from __future__ import annotations

import asyncpg

from trading_core import messages
from trading_core.market.exchange import OPEN_INTEREST_HOURS
from trading_core.market.state import HISTORY
from trading_core.messages import MarketData
from trading_core.model import Exchange

# The newest candles a strategy may look back over, settled funding of two days, every gap (they are rare, and an
# old one may be open still), the newest mark and estimate however old, and of each hour (h - 1 h, h] the last open
# interest, which is what the market state keeps. An hour is read backwards along the primary key and ends at the first
# context found; where no context exists at all, as on an exchange without them, no hour is read.
_HISTORY = """
SELECT visible_ms, $2::text AS asset, (extract(epoch FROM ts) * 1000)::bigint AS ts_ms, event_id, payload FROM (
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
     WHERE exchange = $1 AND asset = $2 AND kind = 'ctx' AND visible_ms <= $3
       AND payload ->> 'funding_estimate_1h' IS NOT NULL
     ORDER BY visible_ms DESC LIMIT 10)
    UNION ALL
    (SELECT last.* FROM generate_series(0, $5 - 1) step CROSS JOIN LATERAL (
        SELECT payload, visible_ms, ts, event_id FROM trading_market_data.ticks
        WHERE exchange = $1 AND asset = $2 AND kind = 'ctx' AND visible_ms <= $3
          AND ts > to_timestamp((($3 + 3599999) / 3600000 - step - 1) * 3600)
          AND ts <= to_timestamp((($3 + 3599999) / 3600000 - step) * 3600)
          AND payload ->> 'open_interest' IS NOT NULL
        ORDER BY ts DESC, visible_ms DESC, event_id COLLATE "C" DESC LIMIT 1) last
     WHERE EXISTS (SELECT FROM trading_market_data.ticks WHERE exchange = $1 AND asset = $2 AND kind = 'ctx'))
) found ORDER BY visible_ms, ts, event_id COLLATE "C"
"""

# Of each prediction market that has not ended the newest poll, the newest book and its result; the collector tells of
# every open market each minute, so one without a word for two days is none any more, nor is a book of an hour ago.
_PREDICTIONS = """
WITH recent AS (
    SELECT payload, visible_ms, ts, event_id, kind, payload ->> 'market' AS market FROM trading_market_data.ticks
    WHERE exchange = $1 AND asset = $2 AND kind IN ('prob', 'resolved') AND visible_ms <= $3
      AND visible_ms > $3 - 172800000
), polls AS (
    SELECT DISTINCT ON (market) * FROM recent WHERE kind = 'prob'
    ORDER BY market, ts DESC, visible_ms DESC, event_id COLLATE "C" DESC
), followed AS (
    SELECT * FROM polls WHERE (payload ->> 'end_time_ms')::bigint >= $3
)
SELECT visible_ms, $2::text AS asset, (extract(epoch FROM ts) * 1000)::bigint AS ts_ms, event_id, payload FROM (
    (SELECT payload, visible_ms, ts, event_id FROM followed)
    UNION ALL
    (SELECT r.payload, r.visible_ms, r.ts, r.event_id FROM recent r JOIN followed USING (market)
     WHERE r.kind = 'resolved')
    UNION ALL
    (SELECT last.* FROM followed CROSS JOIN LATERAL (
        SELECT payload, visible_ms, ts, event_id FROM trading_market_data.ticks
        WHERE exchange = $1 AND asset = $2 AND kind = 'book' AND visible_ms <= $3 AND visible_ms > $3 - 3600000
          AND payload ->> 'market' = followed.market
        ORDER BY ts DESC, visible_ms DESC, event_id COLLATE "C" DESC LIMIT 1) last)
    UNION ALL
    (SELECT payload, visible_ms, ts, event_id FROM trading_market_data.ticks
     WHERE exchange = $1 AND asset = $2 AND kind = 'gap' AND visible_ms <= $3)
) found ORDER BY visible_ms, ts, event_id COLLATE "C"
"""


async def history_rows(
    db: asyncpg.Pool | asyncpg.Connection, exchange: str, asset: str, upto_ms: int, candles: int = HISTORY
) -> list[asyncpg.Record]:
    """`visible_ms`, asset, event time in ms, id and payload of what `history_of` gives."""
    found: list[asyncpg.Record]
    if exchange == Exchange.POLYMARKET:
        found = await db.fetch(_PREDICTIONS, exchange, asset, upto_ms)
    else:
        found = await db.fetch(_HISTORY, exchange, asset, upto_ms, candles, OPEN_INTEREST_HOURS)
    return found


async def history_of(
    db: asyncpg.Pool | asyncpg.Connection, exchange: str, asset: str, upto_ms: int, candles: int = HISTORY
) -> list[MarketData]:
    """What a market state that saw everything visible at `upto_ms` still needs of it, in order of application."""
    rows = await history_rows(db, exchange, asset, upto_ms, candles)
    return [messages.market_data(row["payload"], row["visible_ms"]) for row in rows]
