"""Wiring: socket, REST, spool and bus; back-off, silence, health. No field of a message is touched here."""

from __future__ import annotations

import asyncio
import contextlib
import time

from collector_hl import resume, ws
from collector_hl.feed import Feed
from collector_hl.history import History, check_assets
from collector_hl.outgoing import EXCHANGE
from collector_hl.rest import Rest, limiter
from trading_core.bus.publisher import WindowPublisher
from trading_core.collect import metrics
from trading_core.collect.patience import back_off_s, wall_ms, wall_set_by_ms
from trading_core.collect.reach import Reach, reason
from trading_core.collect.spool import Spool
from trading_core.errors import VenueUnavailable
from trading_core.runtime import Runtime

TICK_S = 0.2
FLUSH_LIMIT_S = 2.0


class Collector:
    """One start of the collector."""

    def __init__(
        self, runtime: Runtime, publisher: WindowPublisher, rest: Rest, last: resume.Resume, reach: Reach
    ) -> None:
        self._runtime = runtime
        self._reach = reach
        self._log = runtime.log
        self._config = runtime.settings.exchanges.hyperliquid
        self._spool = Spool(publisher, EXCHANGE)
        self._feed = Feed(runtime.settings.assets, self._config, last, self._spool)
        self._history = History(rest, self._feed, self._config, last.funding_hour_ms)
        self._is_first_start = last.watermark_ms is None
        self._socket: ws.Socket | None = None
        self._connections = 0

    async def run(self) -> None:
        """Until the stop; then what is spooled still goes out, as far as two seconds reach."""
        spooling = asyncio.create_task(self._spool.run())
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(work)
                    for work in (
                        self._stream(),
                        self._tick(),
                        self._catch_up(),
                        self._history.fill_gaps(),
                        self._history.recheck(),
                    )
                ]
                stopped = asyncio.create_task(self._runtime.stop.wait())
                try:
                    await asyncio.wait({spooling, stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in (stopped, *tasks):
                        task.cancel()
            if spooling.done():
                spooling.result()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._spool.flushed(), FLUSH_LIMIT_S)
        finally:
            spooling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await spooling

    async def _catch_up(self) -> None:
        """A first start publishes its history before anything is decided; then the polls begin."""
        await self._feed.live.wait()
        if self._is_first_start:
            await self._history.first()
            await self._spool.flushed()
            self._feed.stamp.begin()
        await self._history.poll()

    async def _stream(self) -> None:
        """Reads sockets for ever; every end of one is followed by the next."""
        self._feed.disconnected(wall_ms())
        failing_since_s = time.monotonic()
        while True:
            url, is_open = self._config.websocket_url, False
            try:
                async with ws.opened(url) as socket:
                    is_open = True
                    self._reach.answered(ws.SETTING)
                    await self._read(socket)
            except VenueUnavailable as error:
                self._log.warning("venue_lost", error=str(error))
                if not is_open:
                    self._reach.failed(ws.SETTING, url, reason(error))
            finally:
                is_refused = self._socket is not None and self._feed.was_refused(time.monotonic())
                self._socket = None
                was_live = self._feed.live.is_set()
                self._feed.disconnected(wall_ms())
            if is_refused and (left_out := await self._history.ask_why()):
                self._log.error("subscriptions_refused", left_out=left_out)
            now_s = time.monotonic()
            if was_live:
                failing_since_s = now_s
            await asyncio.sleep(back_off_s(now_s - failing_since_s))

    async def _read(self, socket: ws.Socket) -> None:
        feed, spool, is_paced = self._feed, self._spool, self._config.simulated_clock
        feed.connected(time.monotonic(), wall_ms())
        self._connections += 1
        self._socket = socket
        await socket.subscribe(feed.subscriptions())
        async for data in socket.frames():
            feed.on_frame(data, time.monotonic(), wall_ms())
            if is_paced:
                # A simulator waits for its reader, so a full spool slows it down instead of losing anything.
                await spool.room()

    async def _tick(self) -> None:
        while True:
            now_s, now_ms = time.monotonic(), wall_ms()
            self._feed.advance(now_s, now_ms)
            for dropped in self._spool.take_dropped():
                self._feed.on_dropped(dropped.asset, dropped.channel, dropped.from_ms, dropped.to_ms, now_ms)
            if self._socket is not None and self._feed.renewal_due.is_set():
                self._feed.renewal_due.clear()
                self._log.info("socket_renewed")
                self._socket.abort()
            if self._socket is not None and (quiet := self._feed.silent(now_s, now_ms)):
                self._log.warning("venue_silent", channels=quiet)
                self._socket.abort()
                self._socket = None
            self._report(now_s, now_ms)
            await asyncio.sleep(TICK_S)

    def _report(self, now_s: float, now_ms: int) -> None:
        feed, health = self._feed, self._runtime.health
        clock_ms, offset_ms = feed.clock.now_ms(now_ms), feed.clock.offset_ms - wall_set_by_ms()
        trouble = self._reach.trouble
        health.status = "ok" if feed.is_healthy(now_s, now_ms) and not trouble else "degraded"
        health.event_time_ms = feed.stamp.watermark_ms
        health.detail = {
            "watermark_ms": feed.stamp.watermark_ms,
            "venue_clock_ms": clock_ms,
            "published": self._spool.published,
            "rejects": feed.rejects,
            "spooled": len(self._spool),
            "connections": self._connections,
            "open_gaps": feed.open_gaps,
            "clock_offset_ms": offset_ms,
            "trouble": trouble,
        }
        metrics.WATERMARK_MS.labels(EXCHANGE).set(feed.stamp.watermark_ms or 0)
        metrics.CLOCK_MS.labels(EXCHANGE).set(clock_ms or 0)
        metrics.OFFSET_MS.labels(EXCHANGE).set(offset_ms)
        metrics.SPOOLED.labels(EXCHANGE).set(len(self._spool))
        metrics.STALE_CANDLES.labels(EXCHANGE).set(sum(one.bars.stale for one in feed.assets.values()))


async def start(runtime: Runtime) -> None:
    """Runs the collector until `runtime.stop` is set."""
    config = runtime.settings.exchanges.hyperliquid
    if not config.enabled:
        runtime.log.info("exchange_disabled", exchange=EXCHANGE)
        await runtime.stop.wait()
        return
    reach = Reach(runtime.health)
    async with Rest(config.base_url, limiter(config), reach) as rest:
        last = await runtime.until_stop(_prepare(runtime, rest))
        if last is None:
            return
        publisher = WindowPublisher(runtime.bus)
        try:
            await Collector(runtime, publisher, rest, last, reach).run()
        finally:
            await publisher.close()


async def _prepare(runtime: Runtime, rest: Rest) -> resume.Resume:
    await check_assets(rest, runtime.settings.assets)
    last = await resume.read(runtime.bus, runtime.settings.assets)
    runtime.log.info("position_read", watermark_ms=last.watermark_ms, open_gaps=sorted(last.gaps))
    return last
