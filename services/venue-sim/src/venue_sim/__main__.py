"""`python -m venue_sim`: flags (or `VENUE_SIM_*` in the environment), logging, signals, exit codes."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import time
from pathlib import Path

import structlog
from aiohttp import web

from trading_core import logging
from trading_core.errors import ConfigError
from trading_core.model import MINUTE_MS
from venue_sim import sample, schedule, server
from venue_sim.clock import ClockState, read_state, whole_days_before
from venue_sim.market import Market
from venue_sim.polymarket import sample as book_sample
from venue_sim.polymarket import schedule as polymarket_schedule
from venue_sim.polymarket.board import Board
from venue_sim.polymarket.exchange import Polymarket
from venue_sim.polymarket.sample import BookSample
from venue_sim.truth import TruthLog
from venue_sim.venue import Options, Venue

log = structlog.get_logger()


def arguments(argv: list[str]) -> argparse.Namespace:
    def default(name: str, value: str | None) -> str | None:
        return os.environ.get("VENUE_SIM_" + name, value)

    parser = argparse.ArgumentParser("venue_sim", description="Replays data/sample as the venue's own wire protocol.")
    parser.add_argument("--data", type=Path, default=default("DATA", "data/sample"), help="folder of the sample")
    parser.add_argument("--speed", type=float, default=default("SPEED", "300"), help="event time per wall time")
    parser.add_argument("--start-minute", type=int, default=default("START_MINUTE", "1560"), help="of a first start")
    parser.add_argument("--state", type=Path, default=default("STATE", None), help="where the venue clock is kept")
    parser.add_argument("--truth", type=Path, default=default("TRUTH", None), help="log of every event, JSON lines")
    parser.add_argument("--host", default=default("HOST", "127.0.0.1"))
    parser.add_argument("--port", type=int, default=default("PORT", "0"), help="0 takes a free one")
    parser.add_argument(
        "--address-file", type=Path, default=default("ADDRESS_FILE", None), help="gets http://host:port"
    )
    parser.add_argument(
        "--hold", action=argparse.BooleanOptionalAction, default=default("HOLD", "") in ("1", "true"),
        help="event time stands still until a client has subscribed to the clock",
    )  # fmt: skip
    parser.add_argument(
        "--hold-polymarket", action=argparse.BooleanOptionalAction,
        default=default("HOLD_POLYMARKET", "") in ("1", "true"), help="the same for a client of Polymarket's socket",
    )  # fmt: skip
    parser.add_argument(
        "--book-every-ms", type=int, default=default("BOOK_EVERY_MS", "1000"),
        help="of each recorded book the newest of so many ms is served; 0: all of them",
    )  # fmt: skip
    parser.add_argument("--idle-s", type=float, default=default("IDLE_S", "60"), help="limit of silence per socket")
    parser.add_argument(
        "--faults-seed", type=int, default=default("FAULTS_SEED", None),
        help="faults one after the other by chance, the same ones for the same number",
    )  # fmt: skip
    return parser.parse_args(argv)


def prepare(options: argparse.Namespace) -> tuple[Market, ClockState, int]:
    """The moved sample, where the clock starts, and the newest print that has already happened."""
    if options.speed <= 0:
        raise ConfigError(f"--speed must be above 0, got {options.speed}")
    recorded = sample.load(options.data)
    saved = read_state(options.state) if options.state else None
    if saved is not None:
        market = Market(recorded, saved.shift_ms)
        if not market.first_ms <= saved.event_ms <= market.end_ms:
            raise ConfigError(f"{options.state} does not fit the sample in {options.data}. Remove it to start afresh.")
        start = ClockState(saved.event_ms, options.speed, saved.shift_ms)
        return market, start, market.last_print_at(saved.event_ms)
    if not 0 < options.start_minute < recorded.minutes:
        raise ConfigError(f"--start-minute must be within 1 and {recorded.minutes - 1}, got {options.start_minute}")
    market = Market(recorded, whole_days_before(recorded.end_ms, time.time_ns() // 1_000_000))
    event_ms = market.first_ms + options.start_minute * MINUTE_MS
    # The print of the starting minute itself is the first event, not yet history.
    return market, ClockState(event_ms, options.speed, market.shift_ms), options.start_minute * 4 - 1


def polymarket_of(
    books: BookSample | None, market: Market, start: ClockState, p: int, truth: TruthLog
) -> Polymarket | None:
    """The other venue on the same clock; None without recorded books."""
    if books is None:
        return None
    # A saved clock stands after the events of its moment, that of a first start before them.
    has_happened = market.last_print_at(start.event_ms) == p
    return Polymarket(Board(books, market.first_ms, market.end_ms), start.event_ms + has_happened, truth)


async def serve(options: argparse.Namespace) -> None:
    market, start, p = prepare(options)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    books = book_sample.load(options.data, options.book_every_ms)
    with TruthLog(options.truth) as log_of_truth:
        chosen = Options(options.speed, options.state, options.hold, options.hold_polymarket, options.idle_s)
        venue = Venue(market, start, p, chosen, log_of_truth, polymarket_of(books, market, start, p, log_of_truth))
        runner = web.AppRunner(server.application(venue), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, options.host, options.port)
        await site.start()
        host, port = runner.addresses[0][:2]
        address = f"http://{host}:{port}"
        if options.address_file:
            options.address_file.parent.mkdir(parents=True, exist_ok=True)
            beside = options.address_file.with_name(options.address_file.name + ".new")
            beside.write_text(address + "\n")
            os.replace(beside, options.address_file)
        log.info("venue_started", address=address, event_time_ms=start.event_ms, speed=options.speed)
        running = asyncio.create_task(venue.run())
        seed = options.faults_seed
        schedules = () if seed is None else (schedule.by_chance(seed), polymarket_schedule.by_chance(seed))
        misbehaving = [asyncio.create_task(venue.misbehave(one)) for one in schedules]
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((running, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stopping, *misbehaving, running):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            venue.save()
            for client in venue.everybody():
                client.cut()
            await runner.cleanup()
        log.info("venue_stopped", event_time_ms=venue.now().time_ms)


def main() -> int:
    logging.configure("venue-sim")
    try:
        asyncio.run(serve(arguments(sys.argv[1:])))
    except ConfigError as error:
        print(f"venue-sim: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
