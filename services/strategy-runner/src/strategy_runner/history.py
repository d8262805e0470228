"""From where a resuming runner must read the streams again."""

from __future__ import annotations

import asyncpg

_INGEST = """
SELECT extract(epoch FROM ingest_time) FROM trading_ops.watermarks
WHERE exchange = $1 AND stream = $2 AND watermark_ms <= $3 ORDER BY watermark_ms DESC LIMIT 1
"""


async def ingest_time_ns(db: asyncpg.Pool, exchange: str, stream: str, upto_ms: int) -> int | None:
    """When the newest recorded watermark at or before `upto_ms` entered `stream`; None when none is recorded.

    Whatever is in the stream before that watermark is in Postgres too, since the recorder commits in
    stream order: reading the stream from here on leaves no hole.
    """
    seconds = await db.fetchval(_INGEST, exchange, stream, upto_ms)
    return None if seconds is None else int(seconds * 1_000_000_000)
