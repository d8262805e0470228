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
from collector_hl import outgoing, parse
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
    normalise()
    feed()
    with running() as servers, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rates = runner.run(store(servers))
    harness.emit("ingest", "ours: JetStream → committed rows", "HL trades", "rows/s", rates, batch=BATCH)


def normalise() -> None:
    """A frame parsed and checked, each of its trades a message with its id."""
    read, trade = parse.frame, outgoing.trade
    for case, frames in (("HL trades", FRAMES), ("HL trades, another price and size each", CHANGING)):
        rates = []
        for _ in range(harness.repetitions()):
            done = 0
            began = time.perf_counter()
            for data in frames:
                _, rows, _ = read(data)
                for row in rows:
                    trade(row, FIRST_MS, FIRST_MS)  # type: ignore[arg-type]  # a frame of trades has nothing else
                done += len(rows)
            rates.append(PARSED / (time.perf_counter() - began))
            assert done == PARSED, done
        harness.emit("ingest", "ours: parse + normalise", case, "msgs/s", rates)


def feed() -> None:
    """All that the collector does with it: also deduplicated, stamped, watched for silence; one trade a frame."""
    rates = []
    for _ in range(harness.repetitions()):
        outbox = Counting()
        collector = Feed(["BTC"], HyperliquidConfig(), Resume(), outbox)
        collector.connected(0.0, FIRST_MS)
        collector.stamp.begin()
        began = time.perf_counter()
        for data in FRAMES:
            collector.on_frame(data, 0.0, FIRST_MS)
        rates.append(PARSED / (time.perf_counter() - began))
        assert outbox.messages == PARSED, outbox.messages
    harness.emit("ingest", "ours: the collector's whole feed", "HL trades", "msgs/s", rates)


def frame(number: int, price: bytes = b"94231.0", size: bytes = b"0.01234") -> bytes:
    """The comparison's own frame: a trade with its hash and both users, always at one price."""
    return (
        b'{"channel":"trades","data":[{"coin":"BTC","side":"B","px":"%s","sz":"%s","hash":"0x%s",'
        b'"time":%d,"tid":%d,"users":["0x%s","0x%s"]}]}'
        % (price, size, b"ab" * 32, FIRST_MS + number, number + 1, b"12" * 20, b"34" * 20)
    )


FRAMES = [frame(number) for number in range(PARSED)]
CHANGING = [frame(n, b"%d.0" % (90_000 + n), b"0.%05d" % (n + 1)) for n in range(PARSED)]
"""What is remembered of prices and sizes helps nothing here."""


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
