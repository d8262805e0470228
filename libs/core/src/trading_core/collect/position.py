"""Where the last start of a collector stopped deciding, read from the streams themselves."""

from __future__ import annotations

from trading_core.bus.connection import Bus
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
