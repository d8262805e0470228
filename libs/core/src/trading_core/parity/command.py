"""`python -m trading_core parity`: does the recorded run come out again, byte for byte?"""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, rule_book
from trading_core.config import Settings, load
from trading_core.db import pool
from trading_core.db.times import utc
from trading_core.errors import ConfigError
from trading_core.model import MINUTE_MS
from trading_core.parity.recording import Span, market_messages, outputs, recorded_span
from trading_core.parity.replay import Replay, Report
from trading_core.strategy.registry import load_strategies

SHOWN = 10
EXAMPLES = """examples:
  python -m trading_core parity                              the whole recorded run
  python -m trading_core parity --to 2026-11-20T12:00        up to one moment
  python -m trading_core parity --json parity.json           every difference, for a program"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Feeds the recorded streams through the live code again, in the recorded order, and compares signals, "
        "decisions, fills and ledger byte for byte. Exit code 0: identical. 1: differences. 2: nothing to compare."
    )
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--from", dest="from_", type=_moment, metavar="TIME", help="report from here on (UTC)")
    parser.add_argument("--to", type=_moment, metavar="TIME", help="replay up to here (UTC)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write counts and differences")


def run(args: argparse.Namespace) -> int:
    report = asyncio.run(_replay(load(), args.from_, args.to))
    if args.json is not None:
        args.json.write_text(json.dumps(_as_json(report), indent=1) + "\n")
    _print(report, Console())
    return 1 if report.differences else 0


async def _replay(settings: Settings, from_ms: int | None, to_ms: int | None) -> Report:
    loaded = load_strategies(Path(settings.runner.strategies_dir), settings)
    enabled = [strategy for strategy in loaded if strategy.enabled]
    exchanges = sorted({name for strategy in enabled for name in strategy.exchanges})
    rules = rule_book(settings.broker, {s.name: s.rules for s in enabled}, DEFAULT_SZ_DECIMALS)
    db = await pool.connect(settings.database.url, role_name="parity")
    try:
        whole = await recorded_span(db, settings.broker.portfolio, exchanges)
        last_ms = min(whole.last_ms, to_ms) // MINUTE_MS * MINUTE_MS if to_ms is not None else whole.last_ms
        if last_ms < whole.first_ms or (from_ms is not None and from_ms > last_ms):
            raise ConfigError(f"nothing was recorded in that span; there is {_shown(whole)}.")
        span = Span(whole.portfolio, whole.portfolio_id, whole.first_ms, last_ms)
        replay = Replay(span, await outputs(db, span), enabled, settings.assets, exchanges, rules, settings.snapshot)
        columns = (
            TextColumn("replaying"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("minutes"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("", total=(span.last_ms - span.first_ms) // MINUTE_MS + 1)
            report = await replay.run(market_messages(db, exchanges, last_ms), lambda _: bar.advance(task))
    finally:
        await db.close()
    if from_ms is not None:
        report.differences = [d for d in report.differences if d.ts >= from_ms]
    return report


def _moment(text: str) -> int:
    """UTC milliseconds of an ISO date or time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no ISO date or time such as 2026-11-20T12:00") from None
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)


def _shown(span: Span) -> str:
    return f"{utc(span.first_ms):%Y-%m-%d %H:%M} to {utc(span.last_ms):%Y-%m-%d %H:%M} UTC"


def _as_json(report: Report) -> dict[str, object]:
    return {
        "portfolio": report.span.portfolio,
        "first_ms": report.span.first_ms,
        "last_ms": report.span.last_ms,
        "compared": dict(report.compared),
        "differences": [asdict(difference) for difference in report.differences],
    }


def _print(report: Report, console: Console) -> None:
    console.print(f"portfolio {report.span.portfolio}, {_shown(report.span)}, recorded order")
    for kind, count in report.compared.items():
        differing = sum(difference.kind == kind for difference in report.differences)
        console.print(f"  {kind:14} {count:>9,} compared  {differing:>6,} different")
    for difference in report.differences[:SHOWN]:
        console.print(f"\n{difference.kind} {difference.id} at {utc(difference.ts):%Y-%m-%d %H:%M}", style="bold")
        console.print(f"  live:   {difference.live}", markup=False)
        console.print(f"  replay: {difference.replay}", markup=False)
    if len(report.differences) > SHOWN:
        console.print(f"\n… and {len(report.differences) - SHOWN:,} more; --json FILE has them all")
    if report.differences:
        console.print(f"\nNOT identical: {len(report.differences):,} differences", style="bold red")
    else:
        console.print(
            "identical: every signal, decision, fill and ledger row came out again byte for byte", style="bold green"
        )
