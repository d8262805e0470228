"""Where the last start of a collector stopped deciding, read from the streams themselves."""

from __future__ import annotations

from collections.abc import Sequence

from trading_core.bus.connection import Bus, Delivered
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.messages import WatermarkMessage, decode
from trading_core.streams import BOOK, MARKET, StreamSpec, watermark_subject


async def last_watermark_ms(bus: Bus, exchange: str) -> int | None:
    """None when nothing was decided yet: a first start.

    The stream that lags was cut off by the stop; what the other one promised holds for both.
    """
    marks = [await _watermark(bus, stream, exchange) for stream in (MARKET, BOOK)]
    return max((mark for mark in marks if mark is not None), default=None)


async def _watermark(bus: Bus, stream: StreamSpec, exchange: str) -> int | None:
    delivered = await bus.last(stream, watermark_subject(stream, exchange))
    message = decode(delivered.data) if delivered is not None else None
    return message.watermark_ms if isinstance(message, WatermarkMessage) else None


async def read_back(
    bus: Bus, stream: StreamSpec, subjects: Sequence[str], since_ns: int | None = None
) -> list[Delivered]:
    """Every message of exactly these subjects that is in `stream` now, oldest first; `since_ns`: stored then or later.

    However long the server is away meanwhile: what is found says where the collector goes on.
    """
    newest = [one for one in [await bus.last(stream, subject) for subject in subjects] if one is not None]
    last = max((one for one in newest if one.ingest_time_ns >= (since_ns or 0)), key=_sequence, default=None)
    found: list[Delivered] = []
    if last is None:
        return found
    start = Start.all() if since_ns is None else Start.from_time(since_ns)
    batches = OrderedPull(bus, stream, subjects, start).batches()
    try:
        async for batch in batches:
            found += batch
            if found and found[-1].sequence >= last.sequence:
                break
    finally:
        await batches.aclose()
    return found


def _sequence(delivered: Delivered) -> int:
    return delivered.sequence
