"""Our way of a Hyperliquid trade from the socket's bytes to a message of the bus, and on to a committed row."""

from __future__ import annotations

import asyncio
import time

import uvloop

from bench import harness
from bench.publish import with_our_publisher
from bench.record import afresh, drain
from bench.servers import Servers, running
from bench.trades import some_trades
from collector_hl.feed import Feed
from collector_hl.resume import Resume
from recorder.stream import BATCH
from trading_core.config import HyperliquidConfig
from trading_core.messages import DeadLetterMessage, MarketData

PARSED, STORED = 20_000, 60 * BATCH
FIRST_MS = 1_735_689_600_123


class Counting:
    """Where the feed puts its messages."""

    def __init__(self) -> None:
        self.messages = 0

    def put(self, message: MarketData | DeadLetterMessage) -> None:
        assert not isinstance(message, DeadLetterMessage), message
        self.messages += 1

    def put_watermark(self, watermark_ms: int) -> None:
        """Only said when the clock moves; here it stands."""


def ingest() -> None:
    parse()
    with running() as servers, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rates = runner.run(store(servers))
    harness.emit("ingest", "ours: JetStream → committed rows", "HL trades", "rows/s", rates, batch=BATCH)


def parse() -> None:
    """The collector's own feed: parsed, checked, deduplicated, stamped, a message with its id; one trade a frame."""
    frames = [frame(number) for number in range(PARSED)]
    rates = []
    for _ in range(harness.repetitions()):
        outbox = Counting()
        feed = Feed(["BTC"], HyperliquidConfig(), Resume(), outbox)
        feed.connected(0.0, FIRST_MS)
        feed.stamp.begin()
        began = time.perf_counter()
        for data in frames:
            feed.on_frame(data, 0.0, FIRST_MS)
        rates.append(PARSED / (time.perf_counter() - began))
        assert outbox.messages == PARSED, outbox.messages
    harness.emit("ingest", harness.OURS, "HL trades", "msgs/s", rates)


def frame(number: int) -> bytes:
    """The comparison's own frame: a trade with its hash and both users."""
    return (
        b'{"channel":"trades","data":[{"coin":"BTC","side":"B","px":"94231.0","sz":"0.01234","hash":"0x%s",'
        b'"time":%d,"tid":%d,"users":["0x%s","0x%s"]}]}'
        % (b"ab" * 32, FIRST_MS + number, number + 1, b"12" * 20, b"34" * 20)
    )


async def store(servers: Servers) -> list[float]:
    """Rows a second of the recorder over a MARKET that is full, from its first commit to its last."""
    bus, database = await servers.bus(), await servers.database()
    try:
        rates = []
        for _ in range(harness.repetitions()):
            await afresh(bus, database)
            await with_our_publisher(bus, some_trades(STORED))
            rates.append(await drain(servers, database, STORED))
        return rates
    finally:
        await database.close()
        await bus.close()
