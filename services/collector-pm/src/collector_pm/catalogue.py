"""Over REST: which markets there are, their consensus and results, and the check of kept books."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterable, Iterator, Sequence

import structlog

from collector_pm import listing, parse, windows
from collector_pm.feed import Feed
from collector_pm.followed import ENDED_AFTER_MS
from collector_pm.listing import Listing
from collector_pm.rest import BOOKS_MAX, NAMED_MAX, Rest
from trading_core.collect.patience import until_answered, wall_ms
from trading_core.config import PolymarketConfig
from trading_core.errors import VenueMessageInvalid, VenueUnavailable
from trading_core.model import HOUR_MS, MINUTE_MS

LOOK_EVERY_MS = 30_000
"""Venue time between two looks for windows that are about to open."""
LOOK_EVERY_S = 0.2
LOOK_AGAIN_S = 1.0
"""After a look that failed."""
ASK_AGAIN_MS = MINUTE_MS
"""A name that does not exist is asked for again after this much venue time."""
SWEEP_EVERY_MS = HOUR_MS
"""Between two reads of whole series, which find what is named in a way we do not know."""
SWEEP_AHEAD_MS = 2 * HOUR_MS
PAGES_MAX = 20
log = structlog.get_logger()


class Catalogue:
    def __init__(self, rest: Rest, feed: Feed, config: PolymarketConfig, assets: Sequence[str]) -> None:
        self._rest = rest
        self._feed = feed
        self._config = config
        self._assets = assets
        self._asked_ms: dict[str, int] = {}
        """Venue time at which a name was last answered for."""
        self._ahead: list[Listing] = []
        """Found, and not near yet."""
        self._swept_ms: int | None = None

    async def first(self) -> None:
        """What is open now, however long the venue takes to say so."""
        await self._feed.clock_known.wait()
        await until_answered("markets", self._look)

    async def look(self) -> None:
        """Until cancelled: follows windows before they open."""
        looked_ms = 0
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            clock_ms = self._feed.now_ms(wall_ms())
            if clock_ms is None or clock_ms - looked_ms < LOOK_EVERY_MS:
                continue
            try:
                await self._look()
                looked_ms = clock_ms
            except (VenueUnavailable, VenueMessageInvalid) as error:
                self._feed.look_failed()
                log.warning("look_failed", error=str(error))
                await asyncio.sleep(LOOK_AGAIN_S)

    async def poll(self) -> None:
        """Until cancelled: once per slot of venue time the consensus of open markets and the results of ended ones."""
        while True:
            await self._feed.poll_due.wait()
            self._feed.poll_due.clear()
            try:
                for some in _some(one.listing.market for one in self._feed.roster):
                    found, rejects = listing.listings(await self._rest.markets(some))
                    self._feed.kept(rejects, wall_ms())
                    self._feed.on_poll(found, wall_ms())
            except (VenueUnavailable, VenueMessageInvalid) as error:
                log.warning("poll_failed", error=str(error))
            await self._results()

    async def check(self) -> None:
        """Until cancelled: compares the kept books with what REST shows."""
        while True:
            await self._feed.check_due.wait()
            self._feed.check_due.clear()
            asked_ms = self._feed.now_ms(wall_ms())
            if asked_ms is None:
                continue
            tokens = self._feed.unverified(time.monotonic(), wall_ms())
            try:
                for some in _some(tokens, BOOKS_MAX):
                    rows, rejects = parse.books(await self._rest.books(some))
                    self._feed.kept(rejects, wall_ms())
                    self._feed.on_check(rows, asked_ms, wall_ms())
            except (VenueUnavailable, VenueMessageInvalid) as error:
                log.warning("check_failed", error=str(error))

    async def _results(self) -> None:
        for one in self._feed.roster.ended():
            market = one.listing.market
            try:
                self._feed.on_winner(*parse.winner(await self._rest.result(market)), wall_ms())
            except (VenueUnavailable, VenueMessageInvalid) as error:
                log.warning("result_unanswered", market=market, error=str(error))

    async def _look(self) -> None:
        clock_ms = self._feed.now_ms(wall_ms())
        assert clock_ms is not None, "venue time is known"
        until_ms = clock_ms + self._config.subscribe_ahead_s * 1000
        # A window has a book until its result is there, a moment after its end.
        wanted = windows.named(self._assets, self._config.kinds, clock_ms - ENDED_AFTER_MS, until_ms)
        known = {one.slug for one in self._ahead} | self._feed.roster.slugs()
        for some in _some(self._due(wanted.markets - known, clock_ms)):
            self._take(listing.listings(await self._rest.named(some)))
            self._asked_ms |= dict.fromkeys(some, clock_ms)
        for some in _some(self._due(wanted.events, clock_ms)):
            self._take(listing.of_events(await self._rest.events(some)))
            self._asked_ms |= dict.fromkeys(some, clock_ms)
        self._asked_ms = {
            slug: asked_ms for slug, asked_ms in self._asked_ms.items() if slug in wanted.markets | wanted.events
        }
        if self._swept_ms is None or clock_ms - self._swept_ms >= SWEEP_EVERY_MS:
            await self._sweep(clock_ms)
            self._swept_ms = clock_ms
        self._take(([], []))
        self._feed.looked(clock_ms, wall_ms())

    async def _sweep(self, clock_ms: int) -> None:
        wanted = windows.series(self._assets, self._config.kinds)
        span = windows.iso(clock_ms), windows.iso(clock_ms + SWEEP_AHEAD_MS)
        cursor: str | None = None
        for _ in range(PAGES_MAX):
            found, rejects, cursor = listing.of_page(await self._rest.open_events(*span, cursor), wanted)
            self._take((found, rejects))
            if cursor is None:
                return

    def _due(self, slugs: Iterable[str], clock_ms: int) -> list[str]:
        """Names that were not answered for just now."""
        return [slug for slug in sorted(slugs) if clock_ms - self._asked_ms.get(slug, -ASK_AGAIN_MS) >= ASK_AGAIN_MS]

    def _take(self, found: tuple[list[Listing], list[parse.Reject]]) -> None:
        self._feed.kept(found[1], wall_ms())
        self._ahead = self._feed.listed([*self._ahead, *found[0]], wall_ms(), self._asked_ms)


def _some(items: Iterable[str], most: int = NAMED_MAX) -> Iterator[list[str]]:
    rest = iter(items)
    while some := list(itertools.islice(rest, most)):
        yield some
