"""MARKET and BOOK as messages: what the runner's and the broker's readers have in common."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import structlog

from trading_core import messages
from trading_core.bus.connection import Bus
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.errors import MessageInvalid
from trading_core.messages import MarketData, WatermarkMessage
from trading_core.streams import MARKET, StreamSpec, watermark_subject

OVERLAP_NS = 60 * 1_000_000_000
"""How much earlier than a wanted watermark a stream is read: its ingest order is not its event order."""
POLL_S = 0.2
Arrival = tuple[MarketData | WatermarkMessage, int]
_log = structlog.get_logger("trading_core.bus")


def start_from(ingest_time_ns: int | None) -> Start:
    """Where to read from so that nothing visible after the watermark ingested then is missed; None: everything."""
    return Start.all() if ingest_time_ns is None else Start.from_time(ingest_time_ns - OVERLAP_NS)


async def arrivals(bus: Bus, stream: StreamSpec, filters: Sequence[str], start: Start) -> AsyncIterator[list[Arrival]]:
    """Never ends: batches of messages with their ingest time in ns, in stream order; [] when idle.

    What cannot be decoded is left out: the recorder keeps it in the dead-letter stream.
    """
    async for batch in OrderedPull(bus, stream, filters, start).batches():
        found: list[Arrival] = []
        for delivered in batch:
            try:
                message = messages.decode(delivered.data)
            except MessageInvalid as error:
                _log.warning("message_undecodable", subject=delivered.subject, error=str(error))
                continue
            if isinstance(message, MarketData | WatermarkMessage):
                found.append((message, delivered.ingest_time_ns))
        yield found


async def first_watermark(bus: Bus, exchange: str) -> int:
    """The first watermark of `exchange` still in MARKET, UTC ms; waits until a collector has published one."""
    while True:
        found = await bus.first(MARKET, watermark_subject(MARKET, exchange))
        if found is not None:
            message = messages.decode(found.data)
            assert isinstance(message, WatermarkMessage), f"not a watermark on {found.subject}"
            return message.watermark_ms
        await asyncio.sleep(POLL_S)
