"""`python -m trading_core check-strategy`: does it look ahead, is it pure, when is it warm, how fast is it?"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from trading_core.backtest.choice import choose
from trading_core.check.report import Findings, check
from trading_core.config import Settings
from trading_core.errors import ConfigError
from trading_core.strategy.registry import LoadedStrategy, load_strategy

EXAMPLES = """\
examples:
  python -m trading_core check-strategy RSIMeanReversion
  python -m trading_core check-strategy funding_rate --param threshold=0.0004      so that it fires more often
  python -m trading_core check-strategy --all

It leads the strategy through a made-up market with the future in reach, cut off, and replaced by another; all must say
the same. Code is executed: check only what you would also run. Exit code 1 when something was found.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command; `run` takes what they parse to."""
    parser.description = "Check a strategy: look-ahead, purity, warm-up, microseconds per evaluation."
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("names", nargs="*", metavar="NAME", help="class or snake_case name")
    parser.add_argument("--all", action="store_true", help="every strategy there is")
    parser.add_argument(
        "--param", action="append", default=[], metavar="KEY=VALUE", help="change a parameter for this check"
    )


def run(args: argparse.Namespace) -> int:
    """Exit code 0, or 1 when a strategy does what it must not. ConfigError when there is no such strategy."""
    if bool(args.names) == args.all:
        raise ConfigError("check-strategy needs the name of a strategy, or --all.")
    settings, strategies = choose(None if args.all else args.names, args.param)
    console = Console(stderr=True, highlight=False)
    clean = True
    for loaded in strategies:
        clean &= _check(loaded, settings, console)
    return 0 if clean else 1


def _check(loaded: LoadedStrategy, settings: Settings, console: Console) -> bool:
    folder = Path(settings.runner.strategies_dir) / loaded.name
    with console.status(loaded.class_name) as status:
        found = check(
            lambda: load_strategy(folder, settings), folder, lambda what: status.update(f"{loaded.class_name}: {what}")
        )
    print("\n".join(_lines(loaded, found)))
    return found.clean


def _lines(loaded: LoadedStrategy, found: Findings) -> list[str]:
    lines = [
        f"{loaded.class_name}: {found.evaluations:,} evaluations of {loaded.interval} over {found.minutes:,} made-up "
        f"minutes of two assets, {found.signals:,} signals"
    ]
    for what, problems in (("look-ahead", found.look_ahead), ("pure", found.impure), ("runs", found.broken)):
        lines += [f"  FAIL  {what:<11} {problem}" for problem in problems] or [f"  ok    {what}"]
    if found.impure and not found.look_ahead:
        lines[1] = "  ?     look-ahead  cannot be told while its answers depend on more than what it is shown"
    warm = found.warm_up_minutes
    lines.append(f"        warm-up     {'never over' if warm is None else f'{warm:,} minutes until its first answer'}")
    lines.append(f"        speed       {found.median_us:,.0f} µs per evaluation, 99 % within {found.p99_us:,.0f} µs")
    if not found.signals:
        passes = ", ".join(f"{reason} {count:,}" for reason, count in sorted(found.reasons.items()))
        lines.append(f"        no signal at all, so only its PASSes were compared ({passes}); see --param")
    return lines
