"""`python -m trading_core parity`: does the recorded run come out again, byte for byte?"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from trading_core import logging as trading_logging
from trading_core.broker.rules import RuleBook
from trading_core.config import Settings, load
from trading_core.db import pool
from trading_core.db.times import utc
from trading_core.errors import ConfigError, TradingError
from trading_core.parity import nightly
from trading_core.parity.check import Checker, every_ledger
from trading_core.parity.page import page
from trading_core.parity.results import ORDERS, Order, Result, together
from trading_core.parity.show import show, show_list
from trading_core.parity.store import store, stored
from trading_core.run_dir import add_run_dir

EXAMPLES = """examples:
  python -m trading_core parity                                    the whole recorded run
  python -m trading_core parity --from 2026-11-20 --to 2026-11-21  one day, from what the broker kept at its beginning
  python -m trading_core parity --order ideal                      only: what would a backtest have done differently
  python -m trading_core parity --html parity.html                 a page to read: each difference and its cause
  python -m trading_core parity --json parity.json                 every difference, for a program
  python -m trading_core parity --from 2026-11-20 --store          and keep the result, for --list and the page
  python -m trading_core parity --nightly                          each day that is over and has no stored report
  python -m trading_core parity --list                             what such checks have found"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Recorded order: feeds the recorded streams through the live code again, as they were, and compares signals, "
        "decisions, fills and ledger byte for byte. Ideal order: trades the span as a backtest would, nobody late, by "
        "today's strategies and settings, and names the cause of every difference. "
        "Exit code 0: identical, and nothing unexplained. 1: not so. 2: nothing to compare."
    )
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--from", dest="from_", type=_moment, metavar="TIME", help="from this grid point on (UTC)")
    parser.add_argument("--to", type=_moment, metavar="TIME", help="up to this grid point, excluded (UTC)")
    parser.add_argument("--order", choices=(*ORDERS, "both"), default="both", help="default: both")
    parser.add_argument("--portfolio", metavar="NAME", help="this ledger only (default: every one, each by itself)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write counts and differences")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a report to read")
    parser.add_argument(
        "--store", action="store_true", help="keep the results where --list and the dashboard show them"
    )
    parser.add_argument("--nightly", action="store_true", help="check each whole UTC day that has no report yet")
    parser.add_argument("--loop", action="store_true", help="with --nightly: go on for ever, a day at a time")
    parser.add_argument("--list", action="store_true", help="show the stored reports")
    add_run_dir(parser)


def run(args: argparse.Namespace) -> int:
    settings = load()
    if args.loop and not args.nightly:
        raise ConfigError("--loop goes with --nightly. Say: parity --nightly --loop")
    if args.store and (args.nightly or args.list):
        raise ConfigError("--store is for a check of a span; --nightly stores by itself. Say: parity --from … --store")
    for file in (args.json, args.html):
        if file is not None and not file.absolute().parent.is_dir():
            raise ConfigError(
                f"{file} cannot be written: there is no folder {file.parent}. Make it, or name another file."
            )
    if args.nightly:
        trading_logging.configure("parity", "info")
    if args.loop:
        return asyncio.run(nightly.run_for_ever(settings))
    if args.list:
        show_list(asyncio.run(_stored(settings)), Console())
        return 0
    if args.nightly:
        nightly.give_way()
    try:
        results = asyncio.run(nightly.run_once(settings) if args.nightly else _check(settings, args))
    except pool.AWAY as error:
        raise TradingError(f"the database went away during the check: {error}. Try again.") from error
    if args.json is not None:
        args.json.write_text(json.dumps(_by_ledger(results), indent=1) + "\n")
    if args.html is not None:
        args.html.write_text(page(results))
    console = Console()
    if args.nightly and not results:
        console.print("Every whole day that was recorded has been checked; --list shows the reports.")
    for result in results:
        show(result, console)
    return 0 if all(result.passed for result in results) else 1


def _by_ledger(results: Sequence[Result]) -> dict[str, dict[str, Any]]:
    """By ledger and order; of several days of a nightly check the last one."""
    found: dict[str, dict[str, Any]] = {}
    for result in results:
        found.setdefault(result.portfolio, {})[result.order] = result.as_json()
    return found


async def _check(settings: Settings, args: argparse.Namespace) -> list[Result]:
    """One result per ledger and order, of the whole span."""
    if args.from_ is not None and args.to is not None and args.to <= args.from_:
        raise ConfigError(f"--to {utc(args.to):%Y-%m-%dT%H:%M} is not after --from {utc(args.from_):%Y-%m-%dT%H:%M}.")
    orders: tuple[Order, ...] = ORDERS if args.order == "both" else (args.order,)
    db = await pool.reach(settings.database.url, role_name="parity")
    try:
        found = []
        for rules in _chosen(settings, args.portfolio):
            found += await _check_ledger(db, settings, rules, orders, args)
        for result in found if args.store else ():
            await store(db, result, nightly=False)
        return found
    finally:
        await db.close()


def _chosen(settings: Settings, portfolio: str | None) -> list[RuleBook]:
    """ConfigError when there is no ledger or portfolio of that name."""
    every = every_ledger(settings)
    chosen = [rules for rules in every if portfolio is None or rules.portfolio == portfolio]
    if not chosen:
        names = ", ".join(rules.portfolio for rules in every)
        raise ConfigError(f"--portfolio {portfolio}: there is no such ledger. There is: {names}.")
    return chosen


async def _check_ledger(
    db: asyncpg.Connection, settings: Settings, rules: RuleBook, orders: tuple[Order, ...], args: argparse.Namespace
) -> list[Result]:
    checker = Checker(db, settings, rules)
    whole = await checker.recorded()
    parts = await checker.parts(args.from_, args.to)
    if args.from_ is not None and not parts[0].from_checkpoint and whole.first_ms < args.from_:
        print(
            f"no checkpoint is stored for {utc(args.from_):%Y-%m-%d} or a day before it: replaying from the first "
            f"grid point, {utc(whole.first_ms):%Y-%m-%d %H:%M} UTC",
            file=sys.stderr,
        )
    found: dict[Order, list[Result]] = {order: [] for order in orders}
    with _progress(rules.portfolio) as bar:
        task = bar.add_task("", total=sum(part.span.minutes for part in parts) * len(orders))
        for part in parts:
            async for result in checker.check(part, orders, lambda _: bar.advance(task), args.from_):
                found[result.order].append(result)
    return [together(results) for results in found.values()]


async def _stored(settings: Settings) -> list[Result]:
    db = await pool.reach(settings.database.url, role_name="parity")
    try:
        return await stored(db, [rules.portfolio for rules in every_ledger(settings)])
    finally:
        await db.close()


def _progress(ledger: str) -> Progress:
    said = TextColumn(f"replaying {ledger}")
    columns = (said, BarColumn(), MofNCompleteColumn(), TextColumn("minutes"), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _moment(text: str) -> int:
    """UTC milliseconds of an ISO date or time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no ISO date or time such as 2026-11-20T12:00") from None
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)
