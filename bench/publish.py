"""Section `publish`: how fast the collector's way into JetStream is."""

from __future__ import annotations

import time

from bench.raw_publish import WINDOW as RAW_WINDOW
from bench.raw_publish import publish_raw
from bench.rows import Row, rates
from bench.servers import Servers
from bench.trades import SUBJECT, purge, some_trades
from trading_core.bus.connection import Bus
from trading_core.bus.publisher import WINDOW, WindowPublisher
from trading_core.messages import TradeMessage, encode
from trading_core.streams import MARKET


async def measure(servers: Servers, *, quick: bool) -> list[Row]:
    """Ours, the bare client and the bare socket in turn, each on an empty stream."""
    count, repetitions = (3_000, 3) if quick else (20_000, 5)
    bus = await servers.bus()
    try:
        ours, bare, raw = [], [], []
        for _ in range(repetitions):
            trades = some_trades(count)
            await purge(bus)
            ours.append(count / await with_our_publisher(bus, trades))
            await check_stored(bus, count)
            await purge(bus)
            bare.append(count / await with_bare_client(bus, trades))
            await check_stored(bus, count)
            await purge(bus)
            raw.append(count / await publish_raw(servers.nats_url, SUBJECT, [encode(trade) for trade in trades]))
            await check_stored(bus, count)
    finally:
        await bus.close()
    name, note = "collector → JetStream, acknowledged", f"{count} trades a run, {len(encode(trades[0]))} bytes each"
    client = f"nats-py publish_async, {WINDOW} outstanding"
    server = f"prepared bytes on a socket, {RAW_WINDOW} outstanding: the server's limit"
    return [
        Row("publish", name, "events/s", rates(ours), client, rates(bare), note),
        Row("publish", name, "events/s", rates(ours), server, rates(raw), note),
    ]


async def check_stored(bus: Bus, count: int) -> None:
    """RuntimeError when the stream does not hold what was acknowledged."""
    stored = (await bus.js.stream_info(MARKET.name)).state.messages
    if stored != count:
        raise RuntimeError(f"{stored} messages are stored where {count} were acknowledged")


async def with_our_publisher(bus: Bus, trades: list[TradeMessage]) -> float:
    """Seconds from the first send to the last acknowledgement; encoding and message ids included."""
    publisher = WindowPublisher(bus)
    began = time.perf_counter()
    for trade in trades:
        await publisher.send(SUBJECT, trade)
    await publisher.barrier()
    elapsed = time.perf_counter() - began
    await publisher.close()
    return elapsed


async def with_bare_client(bus: Bus, trades: list[TradeMessage]) -> float:
    """The same bytes, encoded before, without any header: nothing is deduplicated, nothing is sent again."""
    js = bus.nc.jetstream(publish_async_max_pending=WINDOW)
    payloads = [encode(trade) for trade in trades]
    began = time.perf_counter()
    for payload in payloads:
        await js.publish_async(SUBJECT, payload)
    await js.publish_async_completed()
    return time.perf_counter() - began
