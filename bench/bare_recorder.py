"""The least that records: fetch, decode, one INSERT per batch. No acknowledgement, no retry, no dead letters.

A process of its own, as the recorder is. It survives nothing and is only there to be compared with.
"""

from __future__ import annotations

import asyncio

import asyncpg
import nats
import uvloop
from nats.js import api

from bench.trades import SUBJECT
from recorder import tables
from recorder.stream import BATCH
from trading_core.config import load
from trading_core.messages import TradeMessage, decode
from trading_core.streams import MARKET


async def work() -> None:
    settings = load()
    database = await asyncpg.connect(settings.database.url)
    client = await nats.connect(settings.nats.url)
    config = api.ConsumerConfig(ack_policy=api.AckPolicy.NONE, deliver_policy=api.DeliverPolicy.ALL, mem_storage=True)
    subscription = await client.jetstream().pull_subscribe(SUBJECT, stream=MARKET.name, config=config)
    insert = await database.prepare(tables.TICKS.insert)
    print("ready", flush=True)
    while True:
        try:
            batch = await subscription.fetch(BATCH, timeout=5)
        except TimeoutError:  # nothing came: asked again until the process is ended
            continue
        rows = [_row(message.data) for message in batch]
        await insert.fetch(*zip(*rows, strict=True))


def _row(data: bytes) -> tuple[object, ...]:
    trade = decode(data)
    assert isinstance(trade, TradeMessage)
    return (
        trade.event_time_ms, trade.id, trade.exchange, trade.asset, "trade", trade.visible_ms, trade.price,
        trade.size, trade.side, data.decode(),
    )  # fmt: skip


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work())
