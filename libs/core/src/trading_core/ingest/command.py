"""`python -m trading_core import`: a person's own candles and funding rates into the platform's database."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import asyncpg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from trading_core.backtest.figures import minute
from trading_core.backtest.history import FundingRow, History
from trading_core.config import load
from trading_core.db.pool import reach, where
from trading_core.errors import ConfigError
from trading_core.ingest.files import ends_openly, read_candles, read_funding
from trading_core.ingest.store import Stored, store_candles, store_rates
from trading_core.market.series import Candles
from trading_core.model import MINUTE_MS, Exchange
from trading_core.run_dir import add_run_dir

EXAMPLES = """\
examples:
  python -m trading_core import --candles btc-2025.csv --exchange hyperliquid --asset BTC
  python -m trading_core import --candles jan.parquet feb.parquet --exchange hyperliquid --asset ETH \\
      --funding eth-funding.csv

Candles: 1m, columns open_time (or time, timestamp, ts, date: seconds to nanoseconds since 1970, or ISO text in UTC),
open, high, low, close, volume. Funding: a time column and funding_rate (or rate), hourly fractions of notional.
An invalid row refuses the whole import. What the platform has already is kept, so an import may be repeated.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command; `run` takes what they parse to."""
    parser.description = "Bring 1m candles and funding rates from files into the database, for backtests on them."
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--candles", type=Path, nargs="+", required=True, metavar="FILE", help=".parquet or .csv")
    parser.add_argument("--exchange", required=True, help="whose market it stands for: hyperliquid")
    parser.add_argument("--asset", required=True, metavar="BTC", help="one of the configured assets")
    parser.add_argument("--funding", type=Path, metavar="FILE", help="settled hourly rates, .parquet or .csv")
    add_run_dir(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0, or 2 when an argument, a file or a setting must change."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        _check(args.exchange, args.asset)
        candles = read_candles(args.candles, args.asset)
        rates = read_funding(args.funding) if args.funding is not None else []
        with _database(args.run_dir):
            said = asyncio.run(_store(load().database.url, args.exchange, args.asset, candles, rates, console))
    except ConfigError as error:
        console.print(f"import: {error}", markup=False)
        return 2
    for file in filter(ends_openly, [*args.candles, *([args.funding] if args.funding is not None else [])]):
        console.print(f"import: {file}: its last line has no end. If it was cut off, so is its last row.", markup=False)
    for line in said:
        print(line)
    return 0


def _check(exchange: str, asset: str) -> None:
    if exchange != Exchange.HYPERLIQUID.value:
        raise ConfigError(f"--exchange {exchange!r}: candles are read of hyperliquid only. Write hyperliquid.")
    assets = load().assets
    if asset not in assets:
        raise ConfigError(f"--asset {asset!r} is not among `assets:` of config.yaml ({', '.join(assets)}).")


def _database(runs: Path) -> AbstractContextManager[None]:
    """Leads `database.url` to the platform of this folder, with the rights of the one who writes market data."""
    if not runs.is_dir():
        return nullcontext()
    from trading_core.supervise.attach import newest_database

    return newest_database(runs, start=True, role="recorder")


async def _store(
    url: str, exchange: str, asset: str, candles: Candles, rates: Sequence[FundingRow], console: Console
) -> list[str]:
    connection = await reach(url, role_name="import")
    opens = candles.open_time_ms
    first_ms, end_ms = int(opens[0]), int(opens[-1]) + MINUTE_MS
    missing = sum(gap.to_ms - gap.from_ms for gap in History({asset: candles}).gaps(first_ms, end_ms)) // MINUTE_MS
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            stored = await _counted(bar, "candles", len(opens), store_candles(connection, exchange, asset, candles))
            settled = await _counted(bar, "rates", len(rates), store_rates(connection, exchange, asset, rates))
    except asyncpg.PostgresError as error:
        raise ConfigError(
            f"{where(url)} took nothing further: {' '.join(str(error).split())}. The login needs the rights of role "
            "recorder and the tables of `python -m trading_core migrate`."
        ) from error
    finally:
        await connection.close()
    span = f"{minute(first_ms)} to {minute(end_ms)} UTC"
    said = [f"{asset}: {_shown(stored, 'candles')}, {span}, {missing:,} minutes missing inside"]
    return said + ([f"{asset}: {_shown(settled, 'funding rates')}"] if rates else [])


async def _counted(bar: Progress, name: str, total: int, chunks: AsyncIterator[Stored]) -> Stored:
    """The sum of all chunks."""
    task = bar.add_task(name, total=total, visible=total > 0)
    new = there = different = 0
    async for chunk in chunks:
        new, there, different = new + chunk.new, there + chunk.there, different + chunk.different
        bar.update(task, completed=new + there)
    return Stored(new, there, different)


def _shown(stored: Stored, what: str) -> str:
    kept = f" ({stored.different:,} with other numbers, kept as they were)" if stored.different else ""
    return f"{stored.new:,} new {what}, {stored.there:,} already there{kept}"
