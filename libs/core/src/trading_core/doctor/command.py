"""`python -m trading_core doctor`: is a running installation as it must be, and what is to be done if not?"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from trading_core.config import DatabaseConfig, NatsConfig, Settings, load
from trading_core.doctor import database, findings, streaming
from trading_core.doctor.findings import Finding
from trading_core.errors import ConfigError
from trading_core.run_dir import add_run_dir

EXAMPLES = """\
examples:
  python -m trading_core doctor                the platform that `make demo` or `make run` runs here
  python -m trading_core doctor --json         for programs: a list of check, level, says, advice
  TRADING_DATABASE__URL=… TRADING_NATS__URL=… python -m trading_core doctor       one that runs elsewhere

Checked: servers and their versions, schema, streams and consumers as specified, how far the readers are behind,
clocks, roles, partitions, disk, heartbeats, outbox, the ledger's identities, gaps, and yesterday's coverage.
It changes nothing.
"""
_SIGNS = {
    "ok": "[green]✓[/green]",
    "warning": "[yellow]![/yellow]",
    "failed": "[red]✗[/red]",
    "skipped": "[dim]–[/dim]",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Checks a running installation and says what to do. "
        "Exit code 0: nothing failed (there may be warnings). 1: something failed. 2: there is nothing to check."
    )
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--json", action="store_true", help="a JSON list on stdout instead of lines")
    add_run_dir(parser)


def run(args: argparse.Namespace) -> int:
    """ConfigError when no platform runs here and no address was given."""
    from trading_core.supervise.attach import newest, newest_database

    folder, settings = newest(args.run_dir), load()
    is_elsewhere = settings.database != DatabaseConfig() or settings.nats != NatsConfig()
    if not is_elsewhere and (folder is None or not folder.environment.exists()):
        raise ConfigError(
            f"doctor: no platform runs in {args.run_dir}. Start `make demo` or `make run`, or name one by "
            "TRADING_DATABASE__URL and TRADING_NATS__URL."
        )
    with newest_database(args.run_dir, start=False, role="postgres", nats=True):
        found = asyncio.run(_all(load(), folder.path if folder and not is_elsewhere else None, args.json))
    if args.json:
        print(json.dumps([asdict(finding) for finding in found], indent=1, ensure_ascii=False))
    else:
        counts = {level: sum(finding.level == level for finding in found) for level in _SIGNS}
        print(", ".join(f"{count} {level}" for level, count in counts.items() if count))
    return findings.exit_code(found)


async def _all(settings: Settings, folder: Path | None, is_quiet: bool) -> list[Finding]:
    """Every check, one after the other; each is shown as soon as it is done."""
    console, found = Console(highlight=False, quiet=is_quiet), []
    for part in (database.checks(settings), streaming.checks(settings), _disks(settings, folder)):
        async for finding in part:
            found.append(finding)
            console.print(f"{_SIGNS[finding.level]} {finding.check}: ", end="")
            console.print(finding.says, markup=False, soft_wrap=True)
            if finding.advice:
                console.print(f"    → {finding.advice}", markup=False, soft_wrap=True)
    return found


async def _disks(settings: Settings, folder: Path | None) -> AsyncIterator[Finding]:
    """Those that this machine can see."""
    for path in {path.resolve() for path in (folder, settings.archive.folder) if path is not None and path.exists()}:
        yield findings.of_disk(str(path), shutil.disk_usage(path).free)
