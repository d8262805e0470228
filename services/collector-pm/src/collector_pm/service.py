"""Wiring: sockets, REST, spool and bus; back-off, silence, health. No field of a message is touched here."""

from __future__ import annotations

import asyncio
import contextlib
import time

from collector_pm import metrics, resume, ws
from collector_pm.catalogue import Catalogue
from collector_pm.feed import FIRST_BOOK_S, Feed
from collector_pm.outgoing import EXCHANGE
from collector_pm.rest import Rest
from trading_core.bus.publisher import WindowPublisher
from trading_core.collect import metrics as shared_metrics
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
        self._config = runtime.settings.exchanges.polymarket
        self._spool = Spool(publisher, EXCHANGE)
        assets = runtime.settings.assets
        self._feed = Feed(assets, self._config, self._spool, last.watermark_ms, last.changed_ms)
        self._catalogue = Catalogue(rest, self._feed, self._config, assets)
        self._unresolved = last.unresolved
        self._sockets: dict[int, ws.Socket] = {}
        self._lines: dict[int, asyncio.Task[None]] = {}
        self._connections = 0

    async def run(self) -> None:
        """Until the stop; then what is spooled still goes out, as far as two seconds reach."""
        spooling = asyncio.create_task(self._spool.run())
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(work) for work in (self._follow(), self._tick(), self._keep_lines(group))]
                stopped = asyncio.create_task(self._runtime.stop.wait())
                try:
                    await asyncio.wait({spooling, stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in (stopped, *tasks, *self._lines.values()):
                        task.cancel()
            if spooling.done():
                spooling.result()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._spool.flushed(), FLUSH_LIMIT_S)
        finally:
            spooling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await spooling

    async def _follow(self) -> None:
        """The catalogue once before anything is decided; then looks, polls and checks side by side."""
        if not self._config.simulated_clock:
            self._feed.clock_known.set()
        await self._catalogue.first()
        clock_ms = self._feed.now_ms(wall_ms())
        assert clock_ms is not None, "the catalogue was read at a known time"
        for message in self._unresolved:
            if message.end_time_ms <= clock_ms:
                self._feed.await_result(message.asset, resume.listing_of(message))
        # What the first books say belongs before the first decision; a venue that does not send them is not waited for.
        if not self._feed.has_books():
            # Some books had come before the last markets were found.
            self._feed.books_came.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._feed.books_came.wait(), FIRST_BOOK_S)
        await self._spool.flushed()
        self._feed.go_live(wall_ms())
        catalogue = self._catalogue
        async with asyncio.TaskGroup() as group:
            for work in (catalogue.look(), catalogue.poll(), catalogue.check()):
                group.create_task(work)

    async def _keep_lines(self, group: asyncio.TaskGroup) -> None:
        """As many sockets as the followed tokens need, each subscribed to its own."""
        while True:
            wanted = self._feed.roster.lines()
            for line in wanted:
                if line not in self._lines or self._lines[line].done():
                    self._lines[line] = group.create_task(self._stream(line))
            for line in [line for line in self._lines if line not in wanted]:
                self._lines.pop(line).cancel()
                self._feed.closed(line)
            again, self._feed.resubscribe = self._feed.resubscribe, set()
            for line, socket in list(self._sockets.items()):
                await self._subscribe(socket, wanted.get(line, set()), again)
            await asyncio.sleep(TICK_S / 4)

    async def _subscribe(self, socket: ws.Socket, wanted: set[str], again: set[str]) -> None:
        """A lost socket is no matter here: the next one begins with everything."""
        with contextlib.suppress(VenueUnavailable):
            if removed := (socket.tokens - wanted) | (socket.tokens & again):
                await socket.unsubscribe(removed)
            if added := wanted - socket.tokens:
                await socket.subscribe(added)
                self._feed.asked(added, time.monotonic())

    async def _stream(self, line: int) -> None:
        """Reads sockets for ever; every end of one is followed by the next."""
        failing_since_s = time.monotonic()
        while True:
            began_s, is_open = time.monotonic(), False
            try:
                async with ws.opened(self._config.ws_url, self._config.silence_s) as socket:
                    failing_since_s, is_open = began_s, True
                    self._reach.answered(ws.SETTING)
                    await self._read(line, socket)
            except VenueUnavailable as error:
                self._log.warning("venue_lost", line=line, error=str(error))
                if not is_open:
                    self._reach.failed(ws.SETTING, self._config.ws_url, reason(error))
            finally:
                self._sockets.pop(line, None)
                self._feed.disconnected(line)
            await asyncio.sleep(back_off_s(time.monotonic() - failing_since_s))

    async def _read(self, line: int, socket: ws.Socket) -> None:
        feed, spool, is_paced = self._feed, self._spool, self._config.simulated_clock
        feed.connected(line, time.monotonic(), wall_ms())
        self._connections += 1
        await socket.begin(feed.roster.lines().get(line, set()), has_clock=is_paced)
        self._sockets[line] = socket
        async for data in socket.frames():
            feed.on_frame(line, data, time.monotonic(), wall_ms())
            if is_paced:
                # A simulator waits for its reader, so a full spool slows it down instead of losing anything.
                await spool.room()

    async def _tick(self) -> None:
        while True:
            now_s, now_ms = time.monotonic(), wall_ms()
            self._feed.advance(now_s, now_ms)
            for dropped in self._spool.take_dropped():
                self._feed.on_dropped(dropped.asset, dropped.from_ms, dropped.to_ms, now_ms)
            for line in self._feed.silent(now_s, now_ms):
                if line in self._sockets:
                    self._log.warning("venue_silent", line=line)
                    self._sockets.pop(line).abort()
            self._report(now_ms)
            await asyncio.sleep(TICK_S)

    def _report(self, now_ms: int) -> None:
        feed, health = self._feed, self._runtime.health
        clock_ms, offset_ms = feed.now_ms(now_ms), feed.clock.offset_ms - wall_set_by_ms()
        tokens = sum(len(socket.tokens) for socket in self._sockets.values())
        open_markets, ended = len(feed.roster.open()), len(feed.roster.ended())
        unknown = feed.unknown_books(now_ms)
        trouble = self._reach.trouble
        is_well = feed.live.is_set() and self._sockets and not unknown and not trouble
        health.status = "ok" if is_well else "degraded"
        health.event_time_ms = feed.stamp.watermark_ms
        health.detail = {
            "watermark_ms": feed.stamp.watermark_ms,
            "venue_clock_ms": clock_ms,
            "published": self._spool.published,
            "rejects": feed.rejects,
            "spooled": len(self._spool),
            "connections": self._connections,
            "markets": open_markets,
            "awaiting_result": ended,
            "unknown_books": unknown,
            "tokens": tokens,
            "clock_offset_ms": offset_ms,
            "trouble": trouble,
        }
        metrics.MARKETS.labels("open").set(open_markets)
        metrics.MARKETS.labels("awaiting_result").set(ended)
        metrics.MARKETS.labels("book_unknown").set(unknown)
        metrics.TOKENS.set(tokens)
        shared_metrics.WATERMARK_MS.labels(EXCHANGE).set(feed.stamp.watermark_ms or 0)
        shared_metrics.CLOCK_MS.labels(EXCHANGE).set(clock_ms or 0)
        shared_metrics.OFFSET_MS.labels(EXCHANGE).set(offset_ms)
        shared_metrics.SPOOLED.labels(EXCHANGE).set(len(self._spool))


async def start(runtime: Runtime) -> None:
    """Runs the collector until `runtime.stop` is set."""
    config = runtime.settings.exchanges.polymarket
    if not config.enabled:
        runtime.log.info("exchange_disabled", exchange=EXCHANGE)
        await runtime.stop.wait()
        return
    reach = Reach(runtime.health)
    async with Rest(config.gamma_url, config.base_url, reach) as rest:
        last = await runtime.until_stop(resume.read(runtime.bus))
        if last is None:
            return
        runtime.log.info("position_read", watermark_ms=last.watermark_ms, unresolved=len(last.unresolved))
        publisher = WindowPublisher(runtime.bus)
        try:
            await Collector(runtime, publisher, rest, last, reach).run()
        finally:
            await publisher.close()
