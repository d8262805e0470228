"""`python -m trading_core parity`: does the recorded run come out again, byte for byte?"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, rule_book
from trading_core.config import Settings, load
from trading_core.db import pool
from trading_core.errors import ConfigError
from trading_core.model import MINUTE_MS
from trading_core.parity.ideal import IdealReport, IdealRun
from trading_core.parity.recording import Span, market_messages, outputs, recorded_span
from trading_core.parity.replay import Replay, Report
from trading_core.parity.show import period, show_ideal, show_recorded
from trading_core.strategy.registry import enabled_strategies

EXAMPLES = """examples:
  python -m trading_core parity                              the whole recorded run
  python -m trading_core parity --to 2026-11-20T12:00        up to one moment
  python -m trading_core parity --order ideal                only: what would a backtest have done, and why not live
  python -m trading_core parity --json parity.json           every difference, for a program"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Recorded order: feeds the recorded streams through the live code again, as they were, and compares signals, "
        "decisions, fills and ledger byte for byte. Ideal order: trades the span as a backtest would, nobody late, by "
        "today's strategies and settings, and names the cause of every difference. "
        "Exit code 0: identical, and nothing unexplained. 1: not so. 2: nothing to compare."
    )
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--from", dest="from_", type=_moment, metavar="TIME", help="report from here on (UTC)")
    parser.add_argument("--to", type=_moment, metavar="TIME", help="replay up to here (UTC)")
    parser.add_argument("--order", choices=("recorded", "ideal", "both"), default="both", help="default: both")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write counts and differences")


def run(args: argparse.Namespace) -> int:
    recorded, ideal = asyncio.run(_replay(load(), args))
    if args.json is not None:
        reports = {"recorded": recorded and _as_json(recorded), "ideal": ideal and _as_json(ideal)}
        args.json.write_text(json.dumps(reports, indent=1) + "\n")
    console = Console()
    if recorded is not None:
        show_recorded(recorded, console)
    if ideal is not None:
        show_ideal(ideal, console)
    failed = (recorded is not None and recorded.differences) or (ideal is not None and ideal.unexplained)
    return 1 if failed else 0


async def _replay(settings: Settings, args: argparse.Namespace) -> tuple[Report | None, IdealReport | None]:
    enabled = enabled_strategies(settings)
    exchanges = sorted({name for strategy in enabled for name in strategy.exchanges})
    rules = rule_book(settings.broker, {s.name: s.rules for s in enabled}, DEFAULT_SZ_DECIMALS)
    recorded: Report | None = None
    ideal: IdealReport | None = None
    db = await pool.connect(settings.database.url, role_name="parity")
    try:
        span = await _span(db, settings.broker.portfolio, exchanges, args.from_, args.to)
        given = (enabled, settings.assets, exchanges, rules, settings.snapshot)
        live = await outputs(db, span)
        for order in ("recorded", "ideal"):
            if args.order not in (order, "both"):
                continue
            market = market_messages(db, exchanges, span.last_ms)
            with _progress(f"{order} order", span) as done:
                if order == "recorded":
                    recorded = await Replay(span, live, *given).run(market, done)
                else:
                    ideal = await IdealRun(span, live, *given).run(market, done)
    finally:
        await db.close()
    for report in (recorded, ideal):
        if report is not None and args.from_ is not None:
            report.since(args.from_)
    return recorded, ideal


async def _span(
    db: asyncpg.Connection, portfolio: str, exchanges: list[str], from_ms: int | None, to_ms: int | None
) -> Span:
    whole = await recorded_span(db, portfolio, exchanges)
    last_ms = whole.last_ms if to_ms is None else min(whole.last_ms, to_ms) // MINUTE_MS * MINUTE_MS
    if last_ms < whole.first_ms or (from_ms is not None and from_ms > last_ms):
        raise ConfigError(f"nothing was recorded in that span; there is {period(whole)}.")
    return Span(whole.portfolio, whole.portfolio_id, whole.first_ms, last_ms)


@contextlib.contextmanager
def _progress(what: str, span: Span) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn("minutes"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=(span.last_ms - span.first_ms) // MINUTE_MS + 1)
        yield lambda _: bar.advance(task)


def _moment(text: str) -> int:
    """UTC milliseconds of an ISO date or time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no ISO date or time such as 2026-11-20T12:00") from None
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)


def _as_json(report: Report | IdealReport) -> dict[str, object]:
    return {
        "portfolio": report.span.portfolio,
        "first_ms": report.span.first_ms,
        "last_ms": report.span.last_ms,
        "compared": dict(report.compared),
        "differences": [asdict(difference) for difference in report.differences],
    }
