"""The collector's part of the section `chain`: a minute of three assets, and the watermark that completes it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.reading import everything
from trading_core import ids, messages
from trading_core.bus.connection import Bus
from trading_core.bus.publisher import WindowPublisher
from trading_core.messages import CandleMessage, CtxMessage, WatermarkMessage
from trading_core.model import MINUTE_MS
from trading_core.streams import BOOK, MARKET, market_subject, watermark_subject

EXCHANGE = "hyperliquid"
PRICES = {"BTC": 103_000.0, "ETH": 2_500.0, "SOL": 170.0}
START_MS = 1_748_044_800_000
"""2025-05-24 00:00 UTC."""


def grid_point(number: int) -> int:
    """The `number`th grid point, 1 is the first."""
    return START_MS + number * MINUTE_MS


async def begin(publisher: WindowPublisher) -> None:
    """The first watermark: from here on runner and broker know where their history starts."""
    await _reach(publisher, START_MS)
    await publisher.barrier()


async def send_minute(publisher: WindowPublisher, ts: int, exchanges: Sequence[str] = (EXCHANGE,)) -> None:
    """The candle and the mark of each asset as of `ts`, then the watermarks of both streams of each exchange."""
    for asset, price in PRICES.items():
        close = f"{price * (1 + 0.001 * math.sin(ts / MINUTE_MS)):.5g}"
        for message in (_candle(asset, ts, close), _mark(asset, ts, close)):
            await publisher.send(market_subject(message), message)
    for exchange in exchanges:
        await _reach(publisher, ts, exchange)


async def completed(bus: Bus, exchanges: Sequence[str] = (EXCHANGE,)) -> dict[int, int]:
    """When each grid point was complete: the latest of the ingest times of its watermarks, ns."""
    complete: dict[int, int] = {}
    for stream in (MARKET, BOOK):
        for delivered in await everything(bus, stream, [watermark_subject(stream, name) for name in exchanges]):
            message = messages.decode(delivered.data)
            assert isinstance(message, WatermarkMessage)
            ts = message.watermark_ms
            complete[ts] = max(complete.get(ts, 0), delivered.ingest_time_ns)
    return complete


async def _reach(publisher: WindowPublisher, ts: int, exchange: str = EXCHANGE) -> None:
    for stream in (MARKET, BOOK):
        mark = WatermarkMessage(id=ids.watermark(exchange, ts, stream.name), exchange=exchange, watermark_ms=ts)
        await publisher.send(watermark_subject(stream, exchange), mark)


def _candle(asset: str, ts: int, close: str) -> CandleMessage:
    return CandleMessage(
        id=ids.candle(EXCHANGE, asset, "1m", ts - MINUTE_MS, close),
        exchange=EXCHANGE,
        asset=asset,
        event_time_ms=ts,
        visible_ms=ts,
        open_time_ms=ts - MINUTE_MS,
        open=close,
        high=close,
        low=close,
        close=close,
        volume="12.5",
    )


def _mark(asset: str, ts: int, price: str) -> CtxMessage:
    return CtxMessage(
        id=ids.ctx(EXCHANGE, asset, ts, price),
        exchange=EXCHANGE,
        asset=asset,
        event_time_ms=ts,
        visible_ms=ts,
        mark_price=price,
    )
