"""The arguments of `optimise`, and what is wrong with them before anything is read."""

from __future__ import annotations

import argparse
from pathlib import Path

from trading_core.backtest import postgres as recorded
from trading_core.backtest.plot import require_matplotlib
from trading_core.errors import ConfigError
from trading_core.optimise.figures import METRICS
from trading_core.optimise.heat_map import axes_of
from trading_core.optimise.space import Axis, Space
from trading_core.run_dir import add_run_dir

EXAMPLES = """\
examples:
  python -m trading_core optimise --strategy FundingRate --param threshold=0.0004:0.0012:0.0001 \\
      --param timeout_m=30:120:15 --metric sharpe --source parquet:data/sample --plot funding.png
  python -m trading_core optimise --strategy RSIMeanReversion --param period=7:28:7 --param oversold=15:30:5 \\
      --param overbought=70:85:5 --param take_profit=0.01,0.02,null --search tpe --trials 60
  python -m trading_core optimise --strategy MomentumBreakout --param bb_sigma=1.5:3:0.25 --folds 4 --anchored \\
      --from 2025-05-05 --to 2025-06-02 --source parquet:data/sample --json momentum.json

A parameter is written from:to:step (both ends included), a,b,c or one value. It is one of the strategy, else a rule of
the broker for it. The first 70 % of the span choose, the last 30 % judge, starting flat. The same command goes on where
an earlier run of it was stopped.
"""
MOST = 10_000
"""More sets than this are a mistake unless a person says otherwise."""
TRIALS = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command; `run` takes what they parse to."""
    parser.description = "Search the parameters of a strategy, and say what the best of many tries is worth."
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--strategy", required=True, metavar="NAME", help="class or snake_case name")
    parser.add_argument(
        "--param", action="append", required=True, metavar="NAME=VALUES", help="from:to:step, a,b,c or one value"
    )
    parser.add_argument("--metric", choices=list(METRICS), default="sharpe", help="what to choose by (default: sharpe)")
    parser.add_argument("--search", choices=["grid", "random", "tpe"], default="grid", help="default: grid, every set")
    parser.add_argument("--trials", type=int, metavar="N", help=f"tries of random and tpe (default: {TRIALS})")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of random and tpe (default: 0)")
    parser.add_argument("--folds", type=int, default=1, metavar="N", help="choose and judge N times (default: 1)")
    window = parser.add_mutually_exclusive_group()
    window.add_argument("--rolling", dest="window", action="store_const", const="rolling", help="windows of one length")
    window.add_argument(
        "--anchored", dest="window", action="store_const", const="anchored", help="windows from the first day on"
    )
    parser.add_argument("--from", dest="from_", metavar="TIME", help="first minute, UTC (default: all there is)")
    parser.add_argument("--to", metavar="TIME", help="end, UTC, excluded (default: all there is)")
    parser.add_argument(
        "--source", default=recorded.SOURCE, metavar="postgres|parquet:DIR",
        help="what the platform recorded (default), or a folder with candles_1m/*_ASSET.parquet and funding/",
    )  # fmt: skip
    parser.add_argument("--assets", metavar="BTC,ETH", help="only these assets (default: all the strategy looks at)")
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: one for each processor)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every set in and out of sample there")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw a heat map, PNG")
    parser.add_argument("--axes", metavar="A,B", help="the two parameters of the heat map (default: the longest)")
    parser.add_argument("--no-save", action="store_true", help="keep nothing; such a search cannot be taken up again")
    parser.add_argument("--yes", action="store_true", help=f"run also more than {MOST:,} sets")
    add_run_dir(parser)
    parser.set_defaults(window="rolling")


def trials_of(args: argparse.Namespace, space: Space) -> int:
    """How many tries there will be. ConfigError for none, for more than a person can mean, and for bad numbers."""
    for option, value in (("--trials", args.trials), ("--folds", args.folds), ("--workers", args.workers)):
        if value is not None and value < 1:
            raise ConfigError(f"{option} {value} must be 1 or more.")
    if args.seed < 0:
        raise ConfigError(f"--seed {args.seed} must be 0 or more.")
    if args.search == "grid" and args.trials is not None:
        raise ConfigError("--trials goes with --search random or tpe; a grid tries every set.")
    if space.size >= 2**63:
        raise ConfigError(f"{space.size:,} sets are more than can be numbered. Take wider steps.")
    trials = space.size if args.search == "grid" else args.trials or TRIALS
    if args.search == "random":
        trials = min(trials, space.size)
    if trials > MOST and not args.yes:
        other = "wider steps, --search random --trials N" if args.search == "grid" else "fewer --trials"
        raise ConfigError(f"that is {trials:,} sets, more than {MOST:,}. Take {other}, or say --yes to run them all.")
    return int(trials)


def picture_of(args: argparse.Namespace, space: Space) -> tuple[Axis, Axis | None] | None:
    """The axes of the heat map. ConfigError for what would otherwise fail only after hours."""
    for option, file in (("--json", args.json), ("--plot", args.plot)):
        if file is not None and file.is_dir():
            raise ConfigError(f"{option} {file}: that is a folder. Name a file in it.")
        if file is not None and not file.absolute().parent.is_dir():
            raise ConfigError(f"{option} {file}: the folder {file.absolute().parent} does not exist. Create it first.")
    wanted = [name.strip() for name in args.axes.split(",")] if args.axes else None
    if args.plot is None:
        if wanted:
            raise ConfigError(f"--axes {args.axes} goes with --plot FILE.")
        return None
    if args.plot.suffix.lower() != ".png":
        raise ConfigError(f"--plot {args.plot}: a heat map is a PNG. Name a file that ends in .png.")
    require_matplotlib()
    return axes_of(space, wanted)
