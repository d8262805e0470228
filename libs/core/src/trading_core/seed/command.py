"""`python -m trading_core seed`: arguments, progress, and what was written."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, RuleBook, rule_book
from trading_core.config import DatabaseConfig, Settings, load
from trading_core.db.pool import where
from trading_core.errors import ConfigError
from trading_core.model import DAY_MS, Exchange
from trading_core.moments import moment
from trading_core.run_dir import add_run_dir
from trading_core.seed import page, research
from trading_core.seed.fill import DAY_MINUTES, Filled, fill
from trading_core.seed.fill import Progress as Report
from trading_core.seed.opinions import LEAST_SLOT
from trading_core.seed.tape import Tape, Wanted
from trading_core.seed.target import prepared
from trading_core.strategy.registry import LoadedStrategy, load_strategies, reconfigured

EXAMPLES = """\
examples:
  python -m trading_core seed --page                     90 days, 50,000 trades in .run/seeded, then its dashboard
  python -m trading_core seed --days 10 --trades 5000 --page 8090
  TRADING_DATABASE__URL=postgresql://me@127.0.0.1/postgres python -m trading_core seed --database made_up

Prices, funding, probabilities and signals are drawn from --seed; fills, fees, funding payments, P&L, the ledger and
the equity curve are what the paper broker makes of them. Equal arguments give equal rows. Nothing in it is a market or
says anything about a strategy, and every page that shows it says so.
"""
SMALL_STAKES = {"stake_fraction": "0.0003", "max_daily_loss": "0.05"}
"""Bets that are held to the result lose all they cost: with the usual stake they would end the portfolio in weeks."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command; `run` takes what they parse to."""
    parser.description = "Fill a database with a made-up past, for looking at the dashboard and for measuring it."
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--days", type=int, default=90, help="UTC days, the last one up to 15:40 (default 90)")
    parser.add_argument(
        "--trades",
        type=int,
        default=50_000,
        help="positions to open, at an even pace; the broker refuses a few (default 50000)",
    )
    parser.add_argument("--seed", type=int, default=7, help="what everything is drawn from (default 7)")
    parser.add_argument("--until", default="2026-11-01", metavar="DAY", help="the UTC day before which it ends")
    parser.add_argument("--database", metavar="NAME", help="a new database on the server of database.url")
    parser.add_argument(
        "--page", type=int, nargs="?", const=0, metavar="PORT",
        help="show the dashboard afterwards, until Ctrl-C (default: api.port); of .run/seeded only",
    )  # fmt: skip
    add_run_dir(parser, "where seeded/ lies")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier seed put into .run/seeded")
    parser.add_argument("--no-research", action="store_true", help="no backtests and no study of the optimiser")


def run(args: argparse.Namespace) -> int:
    """0; ConfigError for arguments and databases that a person must change."""
    settings, console = load(), Console(stderr=True, soft_wrap=True, highlight=False)
    wanted, strategies = _wanted(args, settings), seven(settings)
    if args.database is not None or settings.database != DatabaseConfig():
        if args.page is not None:
            raise ConfigError("--page shows .run/seeded only. Leave out --database and database.url, or --page.")
        url = prepared(settings.database.url, args.database)
        _fill(url, wanted, strategies, settings, console, with_research=not args.no_research)
        console.print(f"Look at it: TRADING_DATABASE__URL=… python -m trading_api  ({where(url)})", markup=False)
        return 0
    with page.seeded_folder(args.run_dir, fresh=args.fresh) as folder:
        if folder.is_filled:
            console.print(f"{folder.path} is filled already (--fresh: anew)", markup=False)
        else:
            _fill(prepared(folder.url, None), wanted, strategies, settings, console,
                  with_research=not args.no_research)  # fmt: skip
            folder.mark_filled()
        if args.page is None:
            console.print("Look at it: python -m trading_core seed --page", markup=False)
            return 0
        return folder.show(args.page or settings.api.port, settings.api.host, console)


def seven(settings: Settings) -> list[LoadedStrategy]:
    """Every strategy there is, enabled or not; those on prediction markets with small stakes."""
    found = load_strategies(Path(settings.runner.strategies_dir), settings)
    return [
        reconfigured(one, {}, SMALL_STAKES) if one.exchanges[0] == Exchange.POLYMARKET else one for one in found
    ]  # fmt: skip


def rules_of(settings: Settings, strategies: list[LoadedStrategy]) -> RuleBook:
    return rule_book(settings.broker, {one.name: one.rules for one in strategies}, DEFAULT_SZ_DECIMALS)


def notice_of(wanted: Wanted) -> str:
    """What every page says about this data."""
    days = wanted.minutes // DAY_MINUTES
    return (
        f"Made up: prices and signals of these {days} days were drawn from seed {wanted.seed}, and signals were drawn "
        "with a look ahead. The numbers are right for that data; nothing here happened or says anything about a "
        "strategy."
    )


async def seeded(url: str, wanted: Wanted, settings: Settings, progress: Report | None = None) -> Filled:
    """Fills the migrated, empty database at `url`."""
    strategies = seven(settings)
    connection = await asyncpg.connect(url, timeout=10, command_timeout=600)
    try:
        rules = rules_of(settings, strategies)
        return await fill(connection, Tape(wanted, strategies), strategies, rules, notice_of(wanted), progress)
    finally:
        await connection.close()


def _wanted(args: argparse.Namespace, settings: Settings) -> Wanted:
    if not 2 <= args.days <= 400:
        raise ConfigError(f"--days must be from 2 to 400, got {args.days}.")
    if args.trades < 0 or args.seed < 0:
        raise ConfigError(f"--trades and --seed must be 0 or more, got {args.trades} and {args.seed}.")
    until_ms = moment(args.until, "--until")
    from_ms = until_ms - args.days * DAY_MS
    if until_ms % DAY_MS or from_ms < 0:
        raise ConfigError(f"--until {args.until} must be a UTC day. Write it like 2026-11-01.")
    wanted = Wanted(args.seed, from_ms, args.days * DAY_MINUTES, args.trades, tuple(settings.assets))
    coins = [one for one in seven(settings) if one.exchanges[0] == Exchange.HYPERLIQUID]
    most = int(wanted.end / LEAST_SLOT * len(coins) * len(wanted.assets))
    if wanted.trades > most:
        raise ConfigError(
            f"--trades {wanted.trades:,} do not fit into {args.days} days: at most {most:,}. Ask for fewer, or for "
            "more --days."
        )
    return wanted


def _fill(
    url: str, wanted: Wanted, strategies: list[LoadedStrategy], settings: Settings, console: Console, *,
    with_research: bool,
) -> None:  # fmt: skip
    began = time.monotonic()
    with _progress(console) as report:
        done = asyncio.run(seeded(url, wanted, settings, report))
    if with_research:
        research.add(url, wanted, console)
    console.print(
        f"{where(url)}: {done.opened:,} positions opened, {done.closed:,} closed, {done.signals:,} signals, "
        f"{done.rows:,} rows in {time.monotonic() - began:.0f} s",
        markup=False,
    )


@contextmanager
def _progress(console: Console) -> Iterator[Report | None]:
    """A bar on a terminal; elsewhere nothing."""
    columns = (
        TextColumn("seed"), BarColumn(), TextColumn("{task.completed:.0f} of {task.total:.0f} days"),
        TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("seed", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
