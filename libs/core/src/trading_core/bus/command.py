"""`python -m trading_core provision`: the streams and durables as `streams.py` declares them."""

from __future__ import annotations

import argparse
import asyncio
import contextlib

from trading_core.bus.connection import connect
from trading_core.bus.provision import provision
from trading_core.config import NatsConfig, load
from trading_core.run_dir import add_run_dir

EXAMPLES = """examples:
  python -m trading_core provision                            the platform that `make demo` or `make run` runs here
  TRADING_NATS__URL=… python -m trading_core provision        a server that runs elsewhere, as its user `provision`"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Makes every stream and durable consumer that is missing and corrects those that differ; messages and "
        "positions stay. Services that waited for one go on by themselves. Safe to call again."
    )
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_run_dir(parser)


def run(args: argparse.Namespace) -> int:
    """ConfigError when the server cannot be reached or cannot do what is asked of it."""
    with _bus_of_the_newest_run(args) if load().nats == NatsConfig() else contextlib.nullcontext():
        asyncio.run(_run())
    print("streams and durable consumers are as declared")
    return 0


def _bus_of_the_newest_run(args: argparse.Namespace) -> contextlib.AbstractContextManager[None]:
    # Imported here: where nats.url is set, as in the containers, the wheels of the servers are not installed.
    from trading_core.supervise.attach import newest_bus

    return newest_bus(args.run_dir, user="provision")


async def _run() -> None:
    bus = await connect(load().nats.url, name="provision/1")
    try:
        await provision(bus)
    finally:
        await bus.close()
