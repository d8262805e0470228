"""`python -m trading_core backtest`: arguments, progress, the report file, and a table for people."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from trading_core.backtest.engine import Progress as Report
from trading_core.backtest.engine import run_backtest
from trading_core.backtest.history import History, between
from trading_core.backtest.parquet import read_history
from trading_core.backtest.report import report
from trading_core.backtest.table import print_table
from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, RuleBook, rule_book
from trading_core.config import Settings, load
from trading_core.errors import ConfigError, StrategyFailed
from trading_core.strategy.registry import LoadedStrategy, find_strategy, load_strategies

EXAMPLES = """\
examples:
  python -m trading_core backtest --strategy RSIMeanReversion --from 2025-05-05 --to 2025-06-02 \\
      --source parquet:data/sample --json rsi.json
  python -m trading_core backtest --strategy funding_arb,rsi_mean_reversion --from 2025-05-05T12:00 --to 2025-05-06 \\
      --source parquet:data/sample --funding other/funding --assets BTC,ETH

Times are UTC; --to is excluded. Several strategies share one portfolio. The broker's rules and the parameters are
those of config.yaml and of strategies/<name>/config.yaml.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command; `run` takes what they parse to."""
    parser.description = "Run strategies over recorded 1m candles with the rules of the live paper broker."
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--strategy", required=True, metavar="NAME[,NAME]", help="class or snake_case name; several share a portfolio"
    )  # fmt: skip
    parser.add_argument(
        "--from", dest="from_", required=True, metavar="TIME", help="first minute, UTC: 2025-05-05 or …T12:00"
    )
    parser.add_argument("--to", required=True, metavar="TIME", help="end, UTC, excluded; open positions close there")
    parser.add_argument(
        "--source", required=True, metavar="parquet:DIR", help="DIR holds candles_1m/*_ASSET.parquet and funding/"
    )
    parser.add_argument("--fidelity", choices=["candle"], default="candle", help="what decides exits (default: candle)")
    parser.add_argument(
        "--funding", type=Path, metavar="DIR", help="folder with hyperliquid_ASSET.parquet instead of DIR/funding"
    )
    parser.add_argument("--assets", metavar="BTC,ETH", help="only these assets (default: all configured ones)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the whole report there")


def run(args: argparse.Namespace) -> int:
    """Exit code 0, 2 when an argument, a setting or the data must change, 1 when a strategy failed."""
    complain = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        result = _run(args, complain)
    except ConfigError as error:
        complain.print(f"backtest: {error}", markup=False)
        return 2
    except StrategyFailed as error:
        complain.print(f"backtest: {error}", markup=False)
        return 1
    print_table(result["summary"], args.json)
    return 0


def _run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    from_ms, to_ms = _time(args.from_, "--from"), _time(args.to, "--to")
    if from_ms >= to_ms:
        raise ConfigError(f"--from {args.from_} is not before --to {args.to}: the span is empty. Swap or move them.")
    if args.json is not None and not args.json.absolute().parent.is_dir():
        raise ConfigError(
            f"--json {args.json}: the folder {args.json.absolute().parent} does not exist. Create it first."
        )
    settings = load()
    strategies = _strategies(args.strategy, settings)
    rules = rule_book(settings.broker, {loaded.name: loaded.rules for loaded in strategies}, DEFAULT_SZ_DECIMALS)
    history = _history(args, _assets(args.assets, strategies, rules), from_ms, to_ms)
    with _progress(console) as progress:
        done = run_backtest(history, strategies, rules, settings.snapshot, from_ms, to_ms, progress)
    result = report(done, settings.metrics.annualisation_days)
    if args.json is not None:
        args.json.write_bytes(msgspec.json.encode(result))
    return result


def _time(text: str, option: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"{option} {text!r} is no time. Write it like 2025-05-05 or 2025-05-05T12:00 (UTC)."
        ) from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _strategies(names: str, settings: Settings) -> list[LoadedStrategy]:
    loaded = load_strategies(Path(settings.runner.strategies_dir), settings)
    chosen = {found.name: found for name in names.split(",") for found in [find_strategy(name.strip(), loaded)]}
    return list(chosen.values())


def _assets(given: str | None, strategies: Sequence[LoadedStrategy], rules: RuleBook) -> list[str]:
    """The assets to read: those asked for, else all that one of the strategies looks at."""
    traded = {asset for loaded in strategies for asset in loaded.assets}
    wanted = {name.strip() for name in given.split(",")} if given else traded
    for asset in sorted(wanted):
        if asset not in traded:
            names = ", ".join(sorted(traded)) or "none"
            raise ConfigError(f"--assets {asset}: none of the strategies looks at it. They look at: {names}.")
        rules.size_decimals(asset)
    return sorted(wanted)


def _history(args: argparse.Namespace, assets: Sequence[str], from_ms: int, to_ms: int) -> History:
    kind, _, folder = args.source.partition(":")
    if kind != "parquet" or not folder:
        raise ConfigError(f"--source {args.source!r} is not known. Write parquet:DIR.")
    history = read_history(Path(folder), assets, args.funding)
    if not any(len(between(candles, from_ms, to_ms).open_time_ms) for candles in history.candles.values()):
        raise ConfigError(
            f"{folder} has no candles from {args.from_} to {args.to}; it has {_span(history)}. Move the span."
        )
    return history


def _span(history: History) -> str:
    filled = [candles.open_time_ms for candles in history.candles.values() if len(candles.open_time_ms)]
    bounds = [int(bound) for opens in filled for bound in (opens[0], opens[-1])]
    if not bounds:
        return "none at all"
    first, last = (
        datetime.fromtimestamp(bound / 1000, UTC).strftime("%Y-%m-%d %H:%M") for bound in (min(bounds), max(bounds))
    )
    return f"{first} to {last} UTC"


@contextmanager
def _progress(console: Console) -> Iterator[Report | None]:
    """A bar on a terminal, nothing elsewhere."""
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("backtest"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("backtest", total=None)
        yield lambda minutes, total: bar.update(task, completed=minutes, total=total)
