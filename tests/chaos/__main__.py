"""`make chaos`: the fault table against the real processes, with what was measured and what must hold."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from chaos import changes, loads, network, outages, processes, storage, strategies, venue
from chaos.document import document
from chaos.platform import QUICK_SPEED, SPEED
from chaos.results import read, updated, write
from chaos.run import Context
from chaos.table import Found, counts, measured, read_bounds
from repository import ROOT
from trading_core import logging as trading_logging

DOCUMENT = ROOT / "docs" / "reliability.md"
EXAMPLES = """examples:
  make chaos                            every row, and docs/reliability.md written anew
  make chaos ROWS=R4,R7                 these rows anew; the others stand as they came out last
  make chaos ROWS=R6 CHAOS="--scale 0.2"    an outage of two minutes instead of ten; the row says so and is not green
  make chaos-quick                      the rows of processes, each fault once; nothing is written
  make chaos ROWS=R9 KEEP=/tmp/logs     the logs of every process are kept there"""
GROUPS: Mapping[str, tuple[Sequence[str], Callable[[Context], Awaitable[None]]]] = {
    "processes": (processes.ROWS, processes.run),
    "outages": (outages.ROWS, outages.run),
    "storage": (storage.ROWS, storage.run),
    "venue": (venue.ROWS, venue.run),
    "changes": (changes.ROWS, changes.run),
    "loads": (loads.ROWS, loads.run),
    "strategies": (strategies.ROWS, strategies.run),
    "network": (network.ROWS, network.run),
}
COLOURS = {"holds": "green", "FAILS": "bold red", "partly": "yellow", "not run": "dim"}


def main() -> int:
    parser = argparse.ArgumentParser(
        "make chaos", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="each fault of processes once; without --rows nothing else (2 minutes)"
    )
    parser.add_argument("--rows", default="", metavar="R1,R2", help="default: all")
    parser.add_argument("--write", action="store_true", help="docs/reliability.md too, though it is a quick run")
    parser.add_argument("--scale", type=float, default=1.0, help="of the length of the long outages; default: 1")
    parser.add_argument("--seed", type=int, default=1, help="of the moments at which something dies; default: 1")
    parser.add_argument("--speed", type=float, help=f"of venue time; default: {SPEED:.0f}, quick {QUICK_SPEED:.0f}")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep every log there")
    args = parser.parse_args()
    args.speed = args.speed or (QUICK_SPEED if args.quick else SPEED)
    bounds = read_bounds()
    asked = {name.strip() for name in args.rows.split(",") if name.strip()}
    if unknown := asked - set(bounds.rows):
        print(f"--rows: there is no {', '.join(sorted(unknown))}. Rows are {', '.join(bounds.rows)}.", file=sys.stderr)
        return 2
    trading_logging.configure("chaos", "error")
    found = {name: Found(row) for name, row in bounds.rows.items()}
    factor = bounds.quick_time_factor if args.quick else 1.0
    began_s = time.monotonic()
    ran = asyncio.run(_run(found, args, asked))
    shown = [found[name] for name in bounds.rows if name in ran]
    for one in shown if args.speed != SPEED else ():
        one.leave_out(f"{args.speed / SPEED:g} × the usual", "load")
    _show(shown, factor, time.monotonic() - began_s)
    if args.write or not args.quick:
        results = updated(read(), shown)
        write(results)
        DOCUMENT.write_text(document(bounds.rows, results))
    return 1 if any(one.verdict(factor) == "FAILS" for one in shown) else 0


async def _run(found: Mapping[str, Found], args: argparse.Namespace, asked: set[str]) -> set[str]:
    """The rows that were tried. A group that breaks down fails its rows and not the others."""
    ran: set[str] = set()
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("")

        def step(what: str) -> None:
            bar.update(task, description=what)
            if not console.is_terminal:
                print(f"» {what}", file=sys.stderr, flush=True)

        for name, (rows, group) in GROUPS.items():
            wanted = asked & set(rows) if asked else set(rows) if not args.quick or name == "processes" else set()
            if not wanted:
                continue
            ran |= wanted
            keep = args.keep and args.keep / name
            context = Context(found, wanted, args.quick, args.seed, args.speed, step, keep, args.scale)
            try:
                await group(context)
            except Exception as error:
                traceback.print_exc()
                for row in wanted:
                    found[row].break_down(f"the run broke down: {' '.join(str(error).split())[:200]}")
    return ran


def _show(found: Sequence[Found], factor: float, took_s: float) -> None:
    table = Table("row", "fault", "measured (bound)", "", "what was done", show_lines=True)
    for one in found:
        verdict = one.verdict(factor)
        notes = [*one.said, *(f"{figure} not measured: {why}" for figure, why in one.left_out.items())]
        colour = COLOURS[verdict]
        figures = "\n".join(measured(one, factor))
        table.add_row(one.row.name, one.row.fault, figures, f"[{colour}]{verdict}[/]", "\n".join(notes))
    width = None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", "160"))
    console = Console(width=width)
    console.print(table)
    total = ", ".join(f"{count} {verdict}" for verdict, count in counts(found, factor).items())
    console.print(f"{total}; {took_s:.0f} s" + (f"; wall time may be {factor:.0f} × the bound" if factor != 1 else ""))


if __name__ == "__main__":
    sys.exit(main())
