"""`python -m trading_core explain`: why a position was opened, what filled it, and where its P&L comes from."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import msgspec
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from trading_core.config import load
from trading_core.db import pool
from trading_core.errors import ConfigError
from trading_core.explain.read import newest_positions, recorded_position
from trading_core.explain.story import Recorded, as_json, chain
from trading_core.run_dir import add_run_dir

EXAMPLES = """examples:
  python -m trading_core explain 12                 position number 12, from the tick to its P&L
  python -m trading_core explain 12 --raw           and every market message behind it, as it was on the stream
  python -m trading_core explain po:default:s:rsi_mean_reversion:hl:SOL:1792981200000
  python -m trading_core explain --last 5           the five that were opened last
  python -m trading_core explain 12 --json why.json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "Shows the chain behind a position: tick, snapshot, signal, checks, order, fill, exit, P&L."
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("position", nargs="?", metavar="POSITION", help="its number, or its event id po:…")
    parser.add_argument("--last", type=int, metavar="N", help="the N positions that were opened last")
    parser.add_argument("--raw", action="store_true", help="print the market messages as well")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the chain with all raw messages")
    add_run_dir(parser)


def run(args: argparse.Namespace) -> int:
    if (args.position is None) == (args.last is None):
        raise ConfigError("explain: name one position (its number or event id), or --last N.")
    if args.last is not None and args.last < 1:
        raise ConfigError(f"explain: --last {args.last} is not 1 or more.")
    found = asyncio.run(_read(args))
    if args.json is not None:
        try:
            args.json.write_bytes(msgspec.json.format(msgspec.json.encode([as_json(one) for one in found]), indent=1))
        except OSError as error:
            raise ConfigError(f"--json {args.json}: cannot be written: {error.strerror}. Name another file.") from error
    console = Console(highlight=False)
    for recorded in found:
        console.print(_tree(recorded, raw=args.raw))
    return 0


async def _read(args: argparse.Namespace) -> list[Recorded]:
    db = await pool.reach(load().database.url, role_name="explain")
    try:
        wanted = [args.position] if args.last is None else await newest_positions(db, args.last)
        if not wanted:
            raise ConfigError("no position was opened yet. Start the platform with make demo or make run.")
        return [await recorded_position(db, one) for one in wanted]
    finally:
        await db.close()


def _tree(recorded: Recorded, *, raw: bool) -> Tree:
    state = recorded.state
    ended = "open" if state.realised_pnl is None else f"closed by {state.exit_reason}, {state.realised_pnl:+f} USD"
    title = f"Position {recorded.number}: {state.strategy} {state.direction} {state.asset}, {ended}"
    tree = Tree(Text(title, "bold"), guide_style="dim")
    for step in chain(recorded):
        branch = tree.add(Text(step.title, "bold"))
        for line in step.lines:
            branch.add(Text(line))
        for id in step.ids:
            leaf = branch.add(Text(id, "dim", overflow="fold"))
            if raw and id in recorded.raw:
                leaf.add(Text(recorded.raw[id], overflow="fold"))
    return tree
