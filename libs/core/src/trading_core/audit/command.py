"""`python -m trading_core audit`: does every number of the ledger follow from the recorded events?"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import asyncpg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from trading_core.audit.findings import Finding, Findings, compare
from trading_core.audit.read import ledger_rows
from trading_core.audit.recompute import Recomputation
from trading_core.config import Settings, load
from trading_core.db import pool
from trading_core.errors import ConfigError, TradingError
from trading_core.moments import moment
from trading_core.parity.check import Checker, every_ledger
from trading_core.parity.outputs import outputs
from trading_core.parity.recording import market_messages
from trading_core.parity.starts import Part, start_of
from trading_core.run_dir import add_run_dir

EXAMPLES = """examples:
  python -m trading_core audit                                     everything that was recorded
  python -m trading_core audit --from 2026-11-20 --to 2026-11-21   one day
  python -m trading_core audit --json audit.json                   every difference, for a program"""
SHOWN = 50
_VIOLATIONS = "SELECT kind, id, expected, found FROM trading_paper.identity_violations WHERE portfolio_id = $1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Recomputes every decision, fill, fee, funding payment, position, mark and ledger entry from the recorded "
        "market data and signals with the pure core, and compares them with each column of the ledger and with the "
        "recorder's copy of EXEC; then asks the ledger's own identities. "
        "Exit code 0: no difference. 1: differences. 2: nothing to audit."
    )
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--from", dest="from_", metavar="TIME", help="from this grid point on (UTC)")
    parser.add_argument("--to", metavar="TIME", help="up to this grid point, excluded (UTC)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write counts and differences")
    add_run_dir(parser)


def run(args: argparse.Namespace) -> int:
    """ConfigError when there is nothing to audit."""
    from_ms = None if args.from_ is None else moment(args.from_, "--from")
    to_ms = None if args.to is None else moment(args.to, "--to")
    if from_ms is not None and to_ms is not None and to_ms <= from_ms:
        raise ConfigError(f"--to {args.to} is not after --from {args.from_}: the span is empty. Swap or move them.")
    try:
        findings = asyncio.run(_audit(load(), from_ms, to_ms))
    except pool.AWAY as error:
        raise TradingError(f"the database went away during the audit: {error}. Try again.") from error
    if args.json is not None:
        _write(args.json, findings)
    console = Console(highlight=False)
    for finding in findings.found[:SHOWN]:
        console.print(str(finding), soft_wrap=True, markup=False)
    if len(findings.found) > SHOWN:
        console.print(f"… and {len(findings.found) - SHOWN} more; --json FILE has them all")
    counts = ", ".join(f"{count:,} {table}" for table, count in sorted(findings.compared.items()))
    console.print(f"{len(findings.found)} differences in {counts}", soft_wrap=True)
    return 1 if findings.found else 0


async def _audit(settings: Settings, from_ms: int | None, to_ms: int | None) -> Findings:
    db = await pool.reach(settings.database.url, role_name="audit")
    try:
        checkers = [Checker(db, settings, ledger) for ledger in every_ledger(settings)]
        parts = [(checker, part) for checker in checkers for part in await checker.parts(from_ms, to_ms)]
        findings = Findings()
        with _progress() as bar:
            task = bar.add_task("", total=sum(part.span.minutes for _, part in parts))
            for checker, part in parts:
                findings.add(await _part(db, checker, part, lambda _: bar.advance(task)))
        for portfolio_id in {part.span.portfolio_id: None for _, part in parts}:
            findings.found += await _broken_identities(db, portfolio_id)
        return findings
    finally:
        await db.close()


async def _part(db: asyncpg.Connection, checker: Checker, part: Part, progress: Callable[[int], None]) -> Findings:
    recorded = await outputs(db, part.span)
    start = await start_of(db, part, (), ())
    exchanges = start.exchanges(checker.exchanges)
    market = market_messages(db, exchanges, part.span.last_ms, start.market_after_ms)
    expected = await Recomputation(part.span, recorded, exchanges, checker.rules, start).run(market, progress)
    return compare(expected, await ledger_rows(db, part.span, expected), recorded.announced)


async def _broken_identities(db: asyncpg.Connection, portfolio_id: int) -> list[Finding]:
    rows = await db.fetch(_VIOLATIONS, portfolio_id)
    return [Finding("identity", row["id"], row["kind"], row["found"], row["expected"]) for row in rows]


def _write(file: Path, findings: Findings) -> None:
    found = {"compared": dict(findings.compared), "differences": [asdict(finding) for finding in findings.found]}
    try:
        file.write_text(json.dumps(found, indent=1) + "\n")
    except OSError as error:
        raise ConfigError(f"--json {file}: cannot be written: {error.strerror}. Name another file.") from error


def _progress() -> Progress:
    columns = (
        TextColumn("recomputing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("minutes"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True), transient=True)
