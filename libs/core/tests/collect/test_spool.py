"""The spool against a real nats-server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from trading_core.bus.connection import Bus
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.bus.publisher import WindowPublisher
from trading_core.collect.spool import Dropped, Spool
from trading_core.messages import AnyMessage, BboMessage, TradeMessage, WatermarkMessage, decode
from trading_core.streams import BOOK, MARKET

pytestmark = pytest.mark.integration
T0 = 1_792_980_000_000


def a_trade(number: int) -> TradeMessage:
    common = {"exchange": "hyperliquid", "asset": "BTC", "event_time_ms": T0 + number, "visible_ms": T0 + number}
    values: dict[str, Any] = {"price": "100.0", "size": "1.0", "side": "buy", "trade_id": str(number), **common}
    return TradeMessage(id=f"t:{number}", **values)


def a_quote(number: int) -> BboMessage:
    common: dict[str, Any] = {"event_time_ms": T0 + number, "visible_ms": T0 + number}
    return BboMessage(id=f"b:{number}", exchange="hyperliquid", asset="BTC", **common)


@pytest.fixture
async def publisher(bus: Bus) -> AsyncIterator[WindowPublisher]:
    opened = WindowPublisher(bus)
    yield opened
    await opened.close()


async def stored(bus: Bus, stream: str) -> list[AnyMessage]:
    spec = MARKET if stream == "MARKET" else BOOK
    found: list[AnyMessage] = []
    pull = OrderedPull(bus, spec, list(spec.subjects), Start.all())
    async for batch in pull.batches():
        found.extend(decode(delivered.data) for delivered in batch)
        if pull.caught_up or not batch:
            break
    return found


async def test_a_watermark_stands_behind_everything_put_before_it(bus: Bus, publisher: WindowPublisher) -> None:
    spool = Spool(publisher, "hyperliquid")
    running = asyncio.create_task(spool.run())
    for number in range(1, 601):
        spool.put(a_trade(number))
        if number % 200 == 0:
            spool.put_watermark(T0 + number)
    await spool.flushed()
    await publisher.barrier()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await publisher.barrier()
    seen: set[int] = set()
    marks = []
    for message in await stored(bus, "MARKET"):
        if isinstance(message, WatermarkMessage):
            marks.append(message.watermark_ms - T0)
            assert seen >= set(range(1, message.watermark_ms - T0 + 1))
        elif isinstance(message, TradeMessage):
            seen.add(int(message.trade_id))
    assert len(seen) == 600
    assert marks == sorted(marks)
    assert set(marks) <= {200, 400, 600}


async def test_a_full_spool_gives_up_the_oldest_quote_first_and_says_what_is_lost(publisher: WindowPublisher) -> None:
    spool = Spool(publisher, "hyperliquid", limit_per_asset=4)
    for message in (a_trade(1), a_quote(2), a_quote(3), a_trade(4), a_trade(5), a_trade(6), a_trade(7)):
        spool.put(message)
    assert spool.take_dropped() == []
    running = asyncio.create_task(spool.run())
    await spool.flushed()
    assert sorted(spool.take_dropped(), key=str) == [
        Dropped("BTC", "bbo", T0 + 2, T0 + 3),
        Dropped("BTC", "trade", T0 + 1, T0 + 1),
    ]
    assert spool.take_dropped() == []
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_reader_is_held_up_while_the_spool_is_nearly_full(publisher: WindowPublisher) -> None:
    spool = Spool(publisher, "hyperliquid", limit_per_asset=8)
    for number in range(7):
        spool.put(a_trade(number))
    waiting = asyncio.create_task(spool.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    running = asyncio.create_task(spool.run())
    await asyncio.wait_for(waiting, 60)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
