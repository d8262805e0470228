"""`python -m trading_core up`: the arguments, the signals, and what is said at the beginning and the end."""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import Coroutine

from trading_core.config import load
from trading_core.embedded.launch import port_is_free
from trading_core.errors import ConfigError
from trading_core.run_dir import add_run_dir
from trading_core.supervise import pids
from trading_core.supervise.console import Console
from trading_core.supervise.folder import RunFolder
from trading_core.supervise.platform import Options, Platform

DEFAULT_SPEED = 300.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--demo", action="store_true", help="recorded market data, replayed by venue-sim")
    source.add_argument("--live", action="store_true", help="the real venues")
    parser.add_argument("--port", type=int, help="of the page (default: api.port of config.yaml)")
    parser.add_argument("--speed", type=float, default=DEFAULT_SPEED, help="demo only: times real time (default 300)")
    parser.add_argument("--reset", action="store_true", help="forget the ledger and all data of earlier starts")
    add_run_dir(parser, "where data and logs go")


def run(arguments: argparse.Namespace) -> int:
    """0 when everything stopped cleanly, 1 when something had to be killed or crashed at the end."""
    settings = load()
    if arguments.demo and not 0 < arguments.speed <= 100_000:
        raise ConfigError(f"--speed must be above 0 and at most 100000, got {arguments.speed:g}.")
    folder = RunFolder(arguments.run_dir, "demo" if arguments.demo else "live")
    folder.prepare()
    options = Options(
        folder,
        port=settings.api.port if arguments.port is None else arguments.port,
        host=settings.api.host,
        demo_speed=arguments.speed if arguments.demo else None,
    )
    console = Console()
    with folder.lock():
        pids.end_leftovers(folder.pids, console.say)
        if arguments.reset:
            folder.reset()
        if not port_is_free(options.port, options.host):
            target = "demo" if arguments.demo else "run"
            raise ConfigError(
                f"Port {options.port} is taken by another program. Stop that, or choose another port: "
                f"make {target} PORT={options.port + 1}"
            )
        return asyncio.run(_up(options, console))


async def _up(options: Options, console: Console) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    platform = Platform(options, console)
    try:
        with console.starting():
            started = await _unless(stop, platform.start())
        if started:
            _welcome(platform, options, console)
            if await _unless(stop, platform.wait_for_end_of_data()):
                console.say("The recorded data has ended; the page stays up. RESET=1 starts afresh.")
                await stop.wait()
    finally:
        console.say("stopping")
        clean = await platform.stop()
        console.say("stopped" if clean else f"stopped, but not everything cleanly; see {options.folder.logs}")
    return 0 if clean else 1


async def _unless(stop: asyncio.Event, work: Coroutine[None, None, None]) -> bool:
    """Whether `work` was done before the stop came; it is cancelled otherwise."""
    task = asyncio.create_task(work)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if task.done():
        task.result()
        return True
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return False


def _welcome(platform: Platform, options: Options, console: Console) -> None:
    console.plain("")
    console.plain(f"  Dashboard  {platform.addresses.page}")
    console.plain(f"  Data       {_source(options)}")
    console.plain(f"  Logs       {options.folder.logs}")
    console.plain(f"  To steer   the token in {options.folder.control_token}")
    console.plain("  Ctrl-C stops everything; the next start continues where this one stopped.")
    console.plain("")


def _source(options: Options) -> str:
    if options.demo_speed is not None:
        return f"recorded, {options.demo_speed:g} times faster than real time"
    hyperliquid, polymarket = load().exchanges.hyperliquid, load().exchanges.polymarket
    venues = (
        ("hyperliquid", hyperliquid.enabled, hyperliquid.base_url),
        ("polymarket", polymarket.enabled, polymarket.base_url),
    )
    said = [f"{name} {url}" if on else f"{name} is off (exchanges.{name}.enabled)" for name, on, url in venues]
    return "live: " + ", ".join(said)
