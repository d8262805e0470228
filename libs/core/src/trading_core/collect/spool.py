"""From the feed to the bus: in order, with a bound, and each watermark behind the acknowledgements before it."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from dataclasses import dataclass
from functools import partial

import structlog

from trading_core import ids
from trading_core.bus.publisher import WindowPublisher
from trading_core.collect import metrics
from trading_core.collect.gaps import Channel
from trading_core.errors import ConfigError
from trading_core.faultpoints import faultpoint
from trading_core.messages import (
    BboMessage,
    BookMessage,
    DeadLetterMessage,
    MarketData,
    TradeMessage,
    WatermarkMessage,
)
from trading_core.streams import BOOK, MARKET, market_subject, venue_dlq_subject, watermark_subject

LIMIT_PER_ASSET = 20_000
_MARKED = (MARKET, BOOK)
Droppable = TradeMessage | BboMessage | BookMessage
log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class _Waiting:
    message: MarketData | DeadLetterMessage | None


@dataclass(frozen=True, slots=True)
class _Mark:
    """A watermark, or (without one) somebody who waits for everything before it."""

    watermark_ms: int | None
    reached: asyncio.Future[None] | None = None
    decided_at: float = 0.0
    """`time.perf_counter`."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """What a full spool gave up of one channel: event times of the first and the last message."""

    asset: str
    channel: Channel
    from_ms: int
    to_ms: int


class Spool:
    """Unbounded for what is rare; trades, quotes and books of one asset give way at 20,000, oldest first."""

    def __init__(self, publisher: WindowPublisher, exchange: str, limit_per_asset: int = LIMIT_PER_ASSET) -> None:
        self._publisher = publisher
        self._exchange = exchange
        self._limit = limit_per_asset
        self._queue: deque[_Waiting | _Mark] = deque()
        self._ready = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._marks: asyncio.Queue[tuple[_Mark, list[asyncio.Future[None]]]] = asyncio.Queue()
        self._droppable: dict[str, deque[_Waiting]] = defaultdict(deque)
        self._dropped: dict[tuple[str, Channel], Dropped] = {}
        self._failed: asyncio.Future[None] | None = None
        self.published = 0
        metrics.begin(exchange)

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, message: MarketData | DeadLetterMessage) -> None:
        waiting = _Waiting(message)
        if isinstance(message, Droppable):
            self._bound(message.asset)
            self._droppable[message.asset].append(waiting)
        self._add(waiting)
        faultpoint("collector.after_spool")

    def put_watermark(self, watermark_ms: int) -> None:
        """Decided now: it goes out behind everything put before, and before nothing put before."""
        self._add(_Mark(watermark_ms, decided_at=time.perf_counter()))

    async def flushed(self) -> None:
        """Everything put before is acknowledged."""
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._add(_Mark(None, reached))
        await reached

    async def room(self) -> None:
        """Returns at once unless the spool is three quarters full for some asset."""
        if any(len(waiting) > self._limit * 3 // 4 for waiting in self._droppable.values()):
            self._room.clear()
            await self._room.wait()

    def take_dropped(self) -> list[Dropped]:
        """What was given up, once there is room again; then it is forgotten here."""
        if not self._dropped or any(len(waiting) > self._limit // 2 for waiting in self._droppable.values()):
            return []
        dropped, self._dropped = list(self._dropped.values()), {}
        return dropped

    async def run(self) -> None:
        """Until cancelled. ConfigError when the bus refuses this user."""
        self._failed = asyncio.get_running_loop().create_future()
        tasks = [asyncio.create_task(self._pump()), asyncio.create_task(self._send_marks())]
        try:
            await asyncio.wait([self._failed, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for one in (self._failed, *tasks):
                if one.done():
                    one.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _add(self, item: _Waiting | _Mark) -> None:
        self._queue.append(item)
        self._ready.set()

    def _bound(self, asset: str) -> None:
        waiting = self._droppable[asset]
        if len(waiting) < self._limit:
            return
        # Quotes and books replace each other, trades do not: the oldest of those goes first.
        oldest = next((one for one in waiting if not isinstance(one.message, TradeMessage)), waiting[0])
        waiting.remove(oldest)
        message, oldest.message = oldest.message, None
        assert isinstance(message, Droppable)
        channel = _channel(message)
        metrics.DROPPED.labels(self._exchange, channel).inc()
        known = self._dropped.get((asset, channel))
        from_ms = known.from_ms if known else message.event_time_ms
        self._dropped[asset, channel] = Dropped(asset, channel, from_ms, message.event_time_ms)

    async def _pump(self) -> None:
        while True:
            while self._queue:
                item = self._queue.popleft()
                if isinstance(item, _Mark):
                    self._marks.put_nowait((item, self._publisher.outstanding()))
                elif item.message is not None:
                    await self._send(item.message)
            self._ready.clear()
            await self._ready.wait()

    async def _send(self, message: MarketData | DeadLetterMessage) -> None:
        if isinstance(message, DeadLetterMessage):
            subject = venue_dlq_subject(self._exchange)
        else:
            subject = market_subject(message)
            if isinstance(message, Droppable):
                self._droppable[message.asset].popleft()
                if not self._room.is_set() and len(self._droppable[message.asset]) < self._limit // 2:
                    self._room.set()
        future = await self._publisher.send(subject, message)
        faultpoint("collector.before_ack")
        future.add_done_callback(self._settled)
        self.published += 1
        metrics.PUBLISHED.labels(self._exchange, str(type(message).__struct_config__.tag)).inc()

    async def _send_marks(self) -> None:
        """Beside the pump, so that waiting for acknowledgements never holds up what comes after."""
        while True:
            mark, before = await self._marks.get()
            for future in before:
                # A refused message is reported by its own callback and must not stop the clock.
                await asyncio.wait((future,))
            if mark.reached is not None and not mark.reached.done():
                mark.reached.set_result(None)
            if mark.watermark_ms is not None:
                for stream in _MARKED:
                    message = WatermarkMessage(
                        id=ids.watermark(self._exchange, mark.watermark_ms, stream.name),
                        exchange=self._exchange,
                        watermark_ms=mark.watermark_ms,
                    )
                    future = await self._publisher.send(watermark_subject(stream, self._exchange), message)
                    future.add_done_callback(self._settled)
                    self.published += 1
                future.add_done_callback(partial(self._acknowledged, mark.decided_at))
                metrics.PUBLISHED.labels(self._exchange, "watermark").inc(len(_MARKED))

    def _acknowledged(self, decided_at: float, _future: asyncio.Future[None]) -> None:
        metrics.PUBLISH_SECONDS.labels(self._exchange).observe(time.perf_counter() - decided_at)

    def _settled(self, future: asyncio.Future[None]) -> None:
        if future.cancelled() or (error := future.exception()) is None:
            return
        metrics.REFUSED.labels(self._exchange).inc()
        log.error("message_refused", error=str(error))
        if isinstance(error, ConfigError) and self._failed is not None and not self._failed.done():
            self._failed.set_exception(error)


def _channel(message: Droppable) -> Channel:
    match message:
        case TradeMessage():
            return "trade"
        case BboMessage():
            return "bbo"
        case BookMessage():
            return "book"
