"""How far venue time has come in what is recorded."""

from __future__ import annotations

import asyncpg

from trading_core.model import Exchange

# One look into the index an exchange: of each second there is a row, and a plain max() reads them all.
_NEWEST = """
SELECT e.exchange, newest.watermark_ms FROM unnest($1::text[]) AS e(exchange) CROSS JOIN LATERAL (
    SELECT watermark_ms FROM trading_ops.watermarks w WHERE w.exchange = e.exchange AND w.stream = $2
    ORDER BY watermark_ms DESC LIMIT 1) newest
"""


async def newest(db: asyncpg.Pool | asyncpg.Connection, stream: str) -> dict[str, int]:
    """The newest committed watermark of `stream`, UTC ms, of each exchange that has one."""
    rows = await db.fetch(_NEWEST, list(Exchange), stream)
    return {row["exchange"]: row["watermark_ms"] for row in rows}
