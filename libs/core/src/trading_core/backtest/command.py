"""`python -m trading_core backtest`: arguments, progress, and where the result goes."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, get_args

import asyncpg
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from trading_core.backtest import plot, postgres
from trading_core.backtest.choice import choose
from trading_core.backtest.engine import Progress as Report
from trading_core.backtest.engine import run_backtest
from trading_core.backtest.feed import EXCHANGE
from trading_core.backtest.history import History
from trading_core.backtest.record import Fidelity, Run
from trading_core.backtest.report import brief, report
from trading_core.backtest.sources import JETSTREAM, KINDS, POSTGRES, Source, Wanted, shown, source_of
from trading_core.backtest.table import print_table
from trading_core.backtest.ticks import run_ticks
from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, Isolation, RuleBook, rule_book
from trading_core.config import SnapshotConfig, load
from trading_core.db.pool import where
from trading_core.errors import ConfigError, StrategyFailed, one_line
from trading_core.market.state import HISTORY
from trading_core.model import MINUTE_MS
from trading_core.moments import moment
from trading_core.run_dir import add_run_dir
from trading_core.strategy.registry import LoadedStrategy

EXAMPLES = """\
examples:
  python -m trading_core backtest --strategy RSIMeanReversion --from 2025-05-05 --to 2025-06-02 \\
      --source parquet:data/sample --plot rsi.html
  python -m trading_core backtest --strategy funding_arb --strategy FundingRate --from 2025-05-05T12:00 \\
      --to 2025-05-06 --source parquet:data/sample --param funding_rate.threshold=0.0008 --param timeout_m=120
  python -m trading_core backtest --all --from 2026-11-20 --to 2026-11-22 --json all.json     what was recorded
  python -m trading_core backtest --strategy funding_arb --from 2026-11-21T18:00 --to 2026-11-22 \\
      --source jetstream --fidelity tick                                      what the live streams still hold
  python -m trading_core backtest --all --isolation per_strategy --from 2026-11-20 --to 2026-11-22    to compare them

Times are UTC; --to is excluded. Several strategies share one portfolio, or with --isolation per_strategy each has one
of its own of that size and the result is their sum. Parameters and the broker's rules are those of
config.yaml and of strategies/<name>/config.yaml; --param changes them for this run: a parameter of the strategies that
have one of that name, else a rule of the broker for each of them.
"""
LEAST_COVERAGE = 0.01
"""With fewer of the minutes present a span is a mistake: it would mostly be empty equity rows."""
NEARLY_WHOLE = 0.98
"""With so many of its minutes recorded a span is replayed tick by tick, unless told otherwise."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command; `run` takes what they parse to."""
    parser.description = "Run strategies over recorded history with the rules of the live paper broker."
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--strategy", action="append", metavar="NAME", help="class or snake_case name; may be given several times"
    )
    which.add_argument("--all", action="store_true", help="every strategy there is")
    parser.add_argument(
        "--from", dest="from_", required=True, metavar="TIME", help="first minute, UTC: 2025-05-05 or …T12:00"
    )
    parser.add_argument("--to", required=True, metavar="TIME", help="end, UTC, excluded; open positions close there")
    parser.add_argument(
        "--source", default=POSTGRES, metavar=KINDS,
        help="what the platform recorded (default), what its MARKET stream still holds, or a folder with "
        "candles_1m/*_ASSET.parquet and funding/",
    )  # fmt: skip
    parser.add_argument(
        "--fidelity", choices=["auto", "tick", "candle"], default="auto",
        help="what decides exits: recorded marks or the range of candles (auto: ticks if the span was recorded)",
    )  # fmt: skip
    parser.add_argument(
        "--funding", type=Path, metavar="DIR", help="folder with hyperliquid_ASSET.parquet instead of DIR/funding"
    )
    parser.add_argument("--assets", metavar="BTC,ETH", help="only these assets (default: all configured ones)")
    parser.add_argument(
        "--param", action="append", default=[], metavar="KEY=VALUE", help="change a parameter or a rule for this run"
    )
    parser.add_argument(
        "--isolation", choices=get_args(Isolation),
        help="one ledger for all strategies, or one of that size for each (default: broker.isolation of config.yaml)",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the whole report there")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw it: .png a picture, else a page of HTML")
    parser.add_argument("--no-save", action="store_true", help="leave no row in trading_paper.backtest_runs")
    add_run_dir(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0, 2 when an argument, a setting or the data must change, 1 when a strategy failed."""
    complain = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        with _database(args):
            result = _run(args, complain)
            files = _write(args, result)
            saved = None if args.no_save else _save(load().database.url, result)
    except (ConfigError, StrategyFailed) as error:
        complain.print(f"backtest: {error}", markup=False)
        return 2 if isinstance(error, ConfigError) else 1
    print_table(result["summary"], files)
    if saved is not None:
        complain.print(saved, style="dim", markup=False)
    return 0


def _database(args: argparse.Namespace) -> AbstractContextManager[None]:
    """Leads `database.url` and `nats.url` to the platform of this folder.

    Its servers are started only if the history lies there.
    """
    runs = args.run_dir
    read = args.source in (POSTGRES, JETSTREAM)
    if not runs.is_dir() or (args.no_save and not read):
        return nullcontext()
    from trading_core.supervise.attach import newest_database

    return newest_database(runs, start=read, nats=args.source == JETSTREAM)


def _run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    from_ms, to_ms = (-(-moment(text, option) // MINUTE_MS) * MINUTE_MS for text, option in _bounds(args))
    if from_ms >= to_ms:
        raise ConfigError(
            f"--from {args.from_} is not before --to {args.to}: the span is empty, in full minutes. Swap or move them."
        )
    _writable("--json", args.json)
    _writable("--plot", args.plot)
    if args.plot is not None:
        plot.require_matplotlib()
    names = None if args.all else [name.strip() for given in args.strategy for name in given.split(",")]
    settings, strategies = choose(names, args.param)
    rules = rule_book(settings.broker, {loaded.name: loaded.rules for loaded in strategies}, DEFAULT_SZ_DECIMALS)
    assets = _assets(args.assets, strategies, rules)
    source = source_of(args.source, settings, args.funding)
    warm_up = max((loaded.instance.history for loaded in strategies), default=HISTORY)
    needed = {EXCHANGE, *(exchange for loaded in strategies for exchange in loaded.exchanges)}
    exchanges = tuple(exchange for exchange in source.exchanges if exchange in needed)
    wanted = Wanted(tuple(assets), from_ms, to_ms, warm_up, exchanges)
    isolation = args.isolation or settings.broker.isolation
    fidelity, remarks = _fidelity(args, source, wanted)
    with _progress(console) as progress:
        if fidelity == "tick":
            done = _run_ticks(source, wanted, strategies, rules, settings.snapshot, progress, isolation)
            done.source = source.name
        else:
            history = _history(args, source, wanted)
            span = (from_ms, to_ms)
            done = run_backtest(history, strategies, rules, settings.snapshot, *span, progress, isolation=isolation)
    done.remarks = (*remarks, *source.remarks(wanted, fidelity), *_without_books(done, source))
    said = report if args.json is not None or args.plot is not None else brief
    return said(done, settings.metrics.annualisation_days)


def _without_books(done: Run, source: Source) -> tuple[str, ...]:
    """What a reader must know where strategies would fill by the book of a coin and the history has none."""
    names = [one.name for one in done.strategies if done.rules.rules_for(one.name, EXCHANGE).fill_model == "book"]
    if not names or (done.fidelity == "tick" and source.has_books):
        return ()
    return (
        f"This history has no order books: {', '.join(names)} filled by the fixed model instead of fill_model: book.",
    )


def _run_ticks(
    source: Source,
    wanted: Wanted,
    strategies: Sequence[LoadedStrategy],
    rules: RuleBook,
    limits: SnapshotConfig,
    progress: Report | None,
    isolation: Isolation,
) -> Run:
    from uvloop import new_event_loop

    given = (source.market(wanted), source.name, strategies, wanted.assets, rules, limits, wanted.from_ms, wanted.to_ms)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(run_ticks(*given, progress, exchanges=wanted.exchanges, isolation=isolation))


def _bounds(args: argparse.Namespace) -> tuple[tuple[str, str], tuple[str, str]]:
    return (args.from_, "--from"), (args.to, "--to")


def _fidelity(args: argparse.Namespace, source: Source, wanted: Wanted) -> tuple[Fidelity, tuple[str, ...]]:
    """Ticks when the span was recorded nearly whole, unless the person decides; and why it is not ticks.

    ConfigError that says what exists when ticks are asked for and next to none lie in the span.
    """
    if args.fidelity == "candle":
        return "candle", ()
    coverage = source.live_minutes(wanted).coverage
    if args.fidelity == "auto":
        if coverage >= NEARLY_WHOLE:
            return "tick", ()
        if not coverage:
            return "candle", ()
        return "candle", (
            f"Ticks were recorded in {coverage:.1%} of the minutes: --fidelity tick runs on them, --fidelity auto "
            f"takes candles below {NEARLY_WHOLE:.0%}.",
        )
    if coverage < LEAST_COVERAGE:
        raise ConfigError(
            f"--fidelity tick: {source.name} recorded {coverage:.2%} of the minutes of {', '.join(wanted.assets)} from "
            f"{args.from_} to {args.to}; it has ticks of {shown(source.tick_spans(wanted))}. Move the span or take "
            "--fidelity candle."
        )
    return "tick", ()


def _write(args: argparse.Namespace, result: dict[str, Any]) -> list[Path]:
    """The files asked for."""
    try:
        if args.json is not None:
            args.json.write_bytes(msgspec.json.encode(result))
        if args.plot is not None:
            plot.write_plot(result, args.plot)
    except OSError as error:
        raise ConfigError(f"{error.filename}: cannot be written: {error.strerror}. Name another file.") from error
    return [file for file in (args.json, args.plot) if file is not None]


def _save(url: str, result: Mapping[str, Any]) -> str:
    """What became of the row in the database: a run is worth showing also where there is none."""
    try:
        return f"Saved as backtest run {asyncio.run(postgres.save_run(url, result))}."
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return f"Not saved in a database: {where(url)}: {one_line(error)} (--no-save: do not try)"


def _writable(option: str, file: Path | None) -> None:
    if file is None:
        return
    if file.is_dir():
        raise ConfigError(f"{option} {file}: that is a folder. Name a file in it.")
    if not file.absolute().parent.is_dir():
        raise ConfigError(f"{option} {file}: the folder {file.absolute().parent} does not exist. Create it first.")


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


def _history(args: argparse.Namespace, source: Source, wanted: Wanted) -> History:
    """ConfigError that says what exists when next to nothing of it lies in the span."""
    history, spans = source.history(wanted)
    minutes = len(wanted.assets) * ((wanted.to_ms - wanted.from_ms) // MINUTE_MS)
    missing = sum(gap.to_ms - gap.from_ms for gap in history.gaps(wanted.from_ms, wanted.to_ms)) // MINUTE_MS
    if minutes - missing < LEAST_COVERAGE * minutes:
        found = "no candles" if missing >= minutes else f"candles of only {1 - missing / minutes:.2%} of the minutes"
        raise ConfigError(
            f"{history.source} has {found} of {', '.join(wanted.assets)} from {args.from_} to {args.to}; it has "
            f"{shown(spans)}. Move the span."
        )
    return history


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f} minutes/s" if task.speed else "")


@contextmanager
def _progress(console: Console) -> Iterator[Report | None]:
    """A bar on a terminal, nothing elsewhere."""
    if not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("backtest"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), _Rate(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("backtest", total=None)
        yield lambda minutes, total: bar.update(task, completed=minutes, total=total)
