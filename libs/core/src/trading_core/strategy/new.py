"""`python -m trading_core new-strategy`: a folder under `strategies/` to start from."""

from __future__ import annotations

import argparse
import ast
import difflib
import keyword
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from trading_core.config import load
from trading_core.errors import ConfigError
from trading_core.model import INTERVALS_MS
from trading_core.strategy.template import snake_case, strategy_files

EXAMPLES = """\
examples:
  python -m trading_core new-strategy --name VWAPReversion --assets BTC,ETH,SOL --interval 5m
  python -m trading_core new-strategy --name BuyDips --enable          every asset, each minute, traded at once

It writes strategies/<name>/ with a rule that works and tests that pass; replace both by your own.
"""
_CLASS_NAME = re.compile(r"^[A-Z][A-Za-z0-9]*$")
LONGEST = 40
"""Characters of a folder's name; subjects, ids and columns of the page hold it."""
_TAKEN = frozenset(
    {"Annotated", "Direction", "MarketSnapshot", "Meta", "MissingInput", "Params", "Signal", "Strategy"}
    | {"StrategyParams"}
)
"""Names that the file itself needs."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command; `run` takes what they parse to."""
    parser.description = "Write a new strategy: class, defaults and tests, ready to run."
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--name", required=True, metavar="CLASS", help="name of the class, as VWAPReversion")
    parser.add_argument("--assets", metavar="BTC,ETH", help="what it looks at (default: every configured asset)")
    parser.add_argument("--interval", default="1m", help=f"how often: {', '.join(INTERVALS_MS)} (default 1m)")
    parser.add_argument("--enable", action="store_true", help="trade it on paper from the next start of the platform")


def run(args: argparse.Namespace) -> int:
    """Exit code 0. ConfigError when a name cannot be used; nothing is written then."""
    settings = load()
    directory = Path(settings.runner.strategies_dir)
    _check_name(args.name)
    _check_free(args.name, directory)
    assets = _assets(args.assets, settings.assets)
    if args.interval not in INTERVALS_MS:
        raise ConfigError(f"--interval {args.interval!r} is not known. Write one of {', '.join(INTERVALS_MS)}.")
    enabled = args.enable or _wants_it(args.name)
    folder = directory / snake_case(args.name)
    _write(folder, strategy_files(args.name, assets, args.interval, enabled=enabled))
    _explain(folder, args.name, enabled)
    return 0


def _check_name(name: str) -> None:
    if not _CLASS_NAME.match(name) or keyword.iskeyword(name):
        raise ConfigError(
            f"--name {name!r} is no name of a class. Write letters and digits, a capital first, as VWAPReversion."
        )
    if len(snake_case(name)) > LONGEST:
        raise ConfigError(f"--name {name}: {snake_case(name)} has more than {LONGEST} characters. Shorten it.")
    if name in _TAKEN:
        raise ConfigError(f"--name {name}: the platform's own code has that name. Choose another.")


def _check_free(name: str, directory: Path) -> None:
    if not directory.is_dir():
        raise ConfigError(f"runner.strategies_dir: {directory} is no folder. Name the one that holds the strategies.")
    folder = directory / snake_case(name)
    if folder.exists():
        raise ConfigError(f"--name {name}: {folder} exists already. Choose another name or remove the folder.")
    for file in sorted(directory.glob("*/strategy.py")):
        if name in _classes(file):
            raise ConfigError(f"--name {name}: {file} has a class of that name already. Choose another.")


def _classes(file: Path) -> set[str]:
    """Classes of a strategy's file, also of one that cannot be imported; none of one that cannot be parsed."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return set()
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


def _assets(given: str | None, configured: Sequence[str]) -> tuple[str, ...]:
    wanted = [part.strip() for part in given.split(",") if part.strip()] if given is not None else []
    if given is not None and not wanted:
        raise ConfigError("--assets names none. Write them like BTC,ETH or leave the option out.")
    for asset in wanted:
        if asset not in configured:
            near = difflib.get_close_matches(asset.upper(), configured, n=1)
            hint = f" Did you mean {near[0]}?" if near else " Add it to `assets:` in config.yaml first."
            raise ConfigError(f"--assets {asset}: the platform has {', '.join(configured)}.{hint}")
    return tuple(dict.fromkeys(wanted))


def _wants_it(name: str) -> bool:
    """Asks, where somebody can answer."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    answer = input(f"Trade {name} on paper from the next start on (enabled: true)? [y/N] ")
    return answer.strip().lower() in ("y", "yes")


def _write(folder: Path, files: dict[str, str]) -> None:
    try:
        for path, content in files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written: {error.strerror}. Make it writable first.") from error


def _explain(folder: Path, name: str, enabled: bool) -> None:
    print(f"{folder}/ written.")
    print(f"  its tests    python -m pytest {folder}")
    print(f"  look-ahead   python -m trading_core check-strategy {name}")
    print(f"  on history   python -m trading_core backtest --strategy {name} --from 2025-05-05 --to 2025-06-02 \\")
    print("                   --source parquet:data/sample")
    traded = "it trades from the next start on: make demo" if enabled else f"set enabled: true in {folder}/config.yaml"
    print(f"  on paper     {traded}")
