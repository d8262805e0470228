"""A past span out of the recorder's tables: the bytes of the streams, in order of application.

The tables keep no order of arrival. Market messages come as readers apply them, then the watermark that lets them,
then what strategies said at that grid point, then what the broker did.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg

from trading_core import ids, messages
from trading_core.archive.recorded import RecordedTicks
from trading_core.db.times import utc
from trading_core.errors import MessageInvalid
from trading_core.messages import (
    AnyMessage,
    ExecMessage,
    GridMessage,
    MarketData,
    SignalMessage,
    WatermarkMessage,
)
from trading_core.model import MINUTE_MS, Exchange
from trading_core.replay.span import Original
from trading_core.streams import (
    BOOK,
    MARKET,
    exec_subject,
    grid_subject,
    market_subject,
    signal_subject,
    watermark_subject,
)

_Found = tuple[int, int, str, bytes, AnyMessage]
"""Event time, rank of its table at one moment, subject, bytes, message."""
CHUNK_MS = 10 * MINUTE_MS
_STREAMS = {stream.name: stream for stream in (MARKET, BOOK)}
_EXCHANGES = [exchange.value for exchange in Exchange]

_WATERMARKS = """
SELECT watermark_ms, exchange, stream FROM trading_ops.watermarks
WHERE exchange = ANY($1) AND watermark_ms >= $2 AND watermark_ms < $3
ORDER BY watermark_ms, stream COLLATE "C" DESC, exchange COLLATE "C"
"""
_SIGNALS = """
SELECT payload FROM trading_signals.signals WHERE ts >= $1 AND ts < $2 ORDER BY ts, event_id COLLATE "C"
"""
_GRIDS = """
SELECT * FROM trading_ops.grids WHERE eval_ms >= $1 AND eval_ms < $2 ORDER BY eval_ms, event_id COLLATE "C"
"""
_EXEC = """
SELECT payload FROM trading_ops.exec_events WHERE ts >= $1 AND ts < $2 ORDER BY outbox_id
"""
_REACH = "SELECT min(watermark_ms) FROM trading_ops.watermarks WHERE stream = 'MARKET'"


async def originals(db: asyncpg.Connection, from_ms: int, to_ms: int) -> AsyncIterator[Original]:
    """Every recorded message of [from_ms, to_ms); market messages that left the tables come from the archive."""
    at_ms, ticks = from_ms, RecordedTicks(db, _EXCHANGES)
    for first_ms in range(from_ms, to_ms, CHUNK_MS):
        last_ms = min(first_ms + CHUNK_MS, to_ms)
        found: list[_Found] = []
        for tick in await ticks.between(first_ms - 1, last_ms - 1, None):
            found.append(_of_text(tick.payload, tick.visible_ms, 0))
        for row in await db.fetch(_WATERMARKS, _EXCHANGES, first_ms, last_ms):
            found.append(_watermark(row))
        for row in await db.fetch(_SIGNALS, utc(first_ms), utc(last_ms)):
            found.append(_of_text(row["payload"], None, 2))
        for row in await db.fetch(_GRIDS, first_ms, last_ms):
            found.append(_grid(row))
        for row in await db.fetch(_EXEC, utc(first_ms), utc(last_ms)):
            found.append(_of_text(row["payload"], None, 4))
        found.sort(key=lambda one: one[:2])  # Stable: each table keeps its order.
        for moment_ms, _, subject, data, message in found:
            at_ms = max(at_ms, moment_ms)
            yield Original(at_ms, subject, data, message)


async def reach(db: asyncpg.Connection) -> int | None:
    """The first watermark that is recorded."""
    first_ms: int | None = await db.fetchval(_REACH)
    return first_ms


def _of_text(text: str, visible_ms: int | None, rank: int) -> _Found:
    """`visible_ms`: as readers saw it; the bytes are those of the stream."""
    message = messages.decode(text)
    if isinstance(message, MarketData):
        return visible_ms or message.visible_ms, rank, market_subject(message), text.encode(), message
    if isinstance(message, SignalMessage):
        subject = signal_subject(message.strategy, message.exchange, message.asset)
        return message.ts, rank, subject, text.encode(), message
    if isinstance(message, ExecMessage):
        subject = exec_subject(message.kind, message.portfolio, message.strategy, message.asset)
        return message.event_time_ms, rank, subject, text.encode(), message
    raise MessageInvalid(f"a {type(message).__name__} among recorded messages: {message.id}")


def _watermark(row: asyncpg.Record) -> _Found:
    exchange, watermark_ms, stream = row["exchange"], row["watermark_ms"], _STREAMS[row["stream"]]
    message = WatermarkMessage(
        id=ids.watermark(exchange, watermark_ms, stream.name), exchange=exchange, watermark_ms=watermark_ms
    )
    return watermark_ms, 1, watermark_subject(stream, exchange), messages.encode(message), message


def _grid(row: asyncpg.Record) -> _Found:
    message = GridMessage(
        id=row["event_id"],
        exchanges=row["exchanges"],
        asset=row["asset"],
        ts=row["eval_ms"],
        evaluations=row["evaluations"],
    )
    return message.ts, 3, grid_subject(message.exchanges, message.asset), messages.encode(message), message
