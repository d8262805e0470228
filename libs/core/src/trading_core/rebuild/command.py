"""`python -m trading_core rebuild-stream EXEC`: after bit rot or a lost disk under NATS."""

from __future__ import annotations

import argparse
import asyncio

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from trading_core.bus.connection import connect
from trading_core.config import load
from trading_core.db import pool
from trading_core.rebuild.stream import difference, hold_brokers, rebuild
from trading_core.run_dir import add_run_dir

EXAMPLES = """examples:
  python -m trading_core rebuild-stream EXEC --check    says what is missing, changes nothing
  python -m trading_core rebuild-stream EXEC            publishes it again, if anything is missing"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Compares EXEC with the ledger's outbox and the recorder's copy, and where the stream lacks a message makes it "
        "anew from them, in its order. The broker must not run. SIGNALS and market data cannot be made anew: their "
        "truth is in Postgres. Exit code 0: EXEC is whole. 1: with --check, something is missing. 2: nothing was done."
    )
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("stream", choices=["EXEC"])
    parser.add_argument("--check", action="store_true", help="change nothing")
    add_run_dir(parser)


def run(args: argparse.Namespace) -> int:
    from trading_core.supervise.attach import newest_database

    with newest_database(args.run_dir, start=True, nats=True):
        return asyncio.run(_run(args.check))


async def _run(check: bool) -> int:
    settings = load()
    db = await pool.reach(settings.database.url, role_name="rebuild-stream")
    bus = await connect(settings.nats.url, name="rebuild-stream/1")
    try:
        if not check:
            await hold_brokers(db)
        found = await difference(bus, db)
        if found.is_whole:
            print(f"EXEC is whole: {found.on_stream:,} messages.")
            return 0
        print(f"EXEC lacks {len(found.missing):,} of {len(found.wanted):,} messages, such as {found.missing[0]}.")
        if check:
            return 1
        with _progress() as bar:
            task = bar.add_task("", total=len(found.wanted))
            await rebuild(bus, found.wanted, lambda: bar.advance(task))
        print(f"EXEC is whole again: {len(found.wanted):,} messages. Start the broker.")
        return 0
    finally:
        await bus.close()
        await db.close()


def _progress() -> Progress:
    columns = (TextColumn("publishing"), BarColumn(), MofNCompleteColumn(), TextColumn("messages"))
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
