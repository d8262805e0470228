"""The market data of the throughput sections: trades as the collector publishes them."""

from __future__ import annotations

import itertools
import time
from typing import Any

from recorder import rows, tables
from recorder.visibility import Visibility
from trading_core import ids
from trading_core.bus.connection import Bus, Delivered
from trading_core.messages import TradeMessage, encode
from trading_core.streams import BOOK, MARKET, market_subject

SUBJECT = "market.hyperliquid.BTC.trade"
_numbers = itertools.count(1_000_000)


def some_trades(count: int) -> list[TradeMessage]:
    """Trades of just now, one per ms; ids never used before, so that no deduplication window matters."""
    first_ms = time.time_ns() // 1_000_000 - count
    trades = []
    for at_ms in range(first_ms, first_ms + count):
        number = str(next(_numbers))
        trade = TradeMessage(
            id=ids.trade("hyperliquid", "BTC", at_ms, number),
            exchange="hyperliquid",
            asset="BTC",
            event_time_ms=at_ms,
            visible_ms=at_ms,
            received_time_ms=at_ms + 1,
            price=f"{103_000 + at_ms % 977}.5",
            size="0.01532",
            side="buy" if at_ms % 2 else "sell",
            trade_id=number,
        )
        trades.append(trade)
    assert market_subject(trades[0]) == SUBJECT
    return trades


def as_rows(trades: list[TradeMessage]) -> list[tuple[Any, ...]]:
    """What the recorder would write into `ticks` for them, by its own projection."""
    project = rows.market(Visibility({}))
    batch = tables.Batch()
    for number, trade in enumerate(trades, start=1):
        project(batch, Delivered(subject=SUBJECT, data=encode(trade), sequence=number, ingest_time_ns=number))
    return batch.of(tables.TICKS)


async def purge(bus: Bus) -> None:
    """Streams of market data without any message."""
    for stream in (MARKET, BOOK):
        await bus.js.purge_stream(stream.name)
