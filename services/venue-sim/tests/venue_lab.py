"""The recorded sample, loaded once, and a venue on loopback inside the test's own loop."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from trading_core.model import DAY_MS, MINUTE_MS
from venue_sim import sample, server
from venue_sim.clock import ClockState
from venue_sim.market import Market
from venue_sim.polymarket import sample as book_sample
from venue_sim.polymarket.board import Board
from venue_sim.polymarket.exchange import IDLE_S, Polymarket
from venue_sim.truth import TruthLog
from venue_sim.venue import Options, Venue

SAMPLE = Path(__file__).parents[3] / "data" / "sample"
START_MINUTE = 1_560


@functools.cache
def the_market() -> Market:
    return Market(sample.load(SAMPLE), 500 * DAY_MS)


@functools.cache
def the_books() -> book_sample.BookSample:
    books = book_sample.load(SAMPLE, 1_000)
    assert books is not None
    return books


def a_board() -> Board:
    """One of its own, for a test that makes the venue show what was not recorded."""
    return Board(the_books(), the_market().first_ms, the_market().end_ms)


@functools.cache
def the_board() -> Board:
    return a_board()


@contextlib.asynccontextmanager
async def serving(
    truth: Path | None = None,
    p: int = START_MINUTE * 4 - 1,
    *,
    speed: float,
    state_path: Path | None = None,
    hold: bool = False,
    idle_s: float = 60.0,
    polymarket: bool = False,
    pm_idle_s: float = IDLE_S,
    start_after_ms: int = 0,
    board: Board | None = None,
) -> AsyncIterator[tuple[str, Venue]]:
    """Address and state of a running venue, from minute 1,560 on, or so much later."""
    market = the_market()
    options = Options(speed, state_path, hold, idle_s=idle_s)
    start_ms = market.first_ms + START_MINUTE * MINUTE_MS + start_after_ms
    start = ClockState(start_ms, options.speed, market.shift_ms)
    p = market.last_print_at(start_ms) if start_after_ms else p
    with TruthLog(truth) as log:
        books = Polymarket(board or the_board(), start.event_ms, log, pm_idle_s) if polymarket else None
        venue = Venue(market, start, p, options, log, books)
        runner = web.AppRunner(server.application(venue), access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        running = asyncio.create_task(venue.run())
        host, port = runner.addresses[0][:2]
        try:
            yield f"{host}:{port}", venue
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await runner.cleanup()
