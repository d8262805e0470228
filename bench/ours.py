"""`python -m bench.ours SECTION`: our rows beside those of other engines, for the comparison's `--ours`."""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from bench import harness, r1
from bench.ours_ingest import ingest
from trading_core import logging as trading_logging
from trading_core.backtest.engine import Run
from trading_core.backtest.report import summary
from trading_core.errors import TradingError
from trading_core.market.series import Candles

ASSETS = ("BTC", "ETH", "SOL")
CASES = (("rsi", 1), ("rsi", 3), ("boll", 1), ("sma", 1))
SWEEP_BARS = 131_400
SWEEP_WITHIN_USD = 1.0
"""The reference works out levels in binary floats, which rounds a level halfway between two ticks to either of them.
We take the even one. It makes three of 135,854 exits a tick worse than there, every other trade is the same."""
EXAMPLES = """\
examples:
  BENCH_DATA=bars BENCH_OUT=out python -m bench.ours backtest    rsi, boll, sma, and the whole command
  BENCH_DATA=bars BENCH_OUT=out python -m bench.ours sweep       200 parameter sets
  BENCH_OUT=out python -m bench.ours ingest                      Hyperliquid trades, parsed and stored
A section that we have no case for is left out without a word. More in bench/README.md.
"""


class Set(NamedTuple):
    """One parameter set of the sweep."""

    window: int
    lower: float
    stop_loss: str
    take_profit: str


GRID = [
    Set(*chosen)
    for chosen in itertools.product(
        (7, 10, 14, 21, 28), (20.0, 25.0, 30.0, 35.0), ("0.01", "0.02"), ("0.02", "0.03", "0.04", "0.05", "0.06")
    )
]


def backtest() -> None:
    """Bars a second of one run, summary included, from bars in memory; then the command from start to report."""
    for name, count in CASES:
        bars = r1.read_bars(harness.folder("BENCH_DATA"), ASSETS[:count])
        given = r1.case(name)
        days = given.settings.metrics.annualisation_days
        took, (trades, pnl) = harness.timed(partial(_summed_up, given, bars, days))
        case = f"{name}_{count}a"
        harness.check("backtest", case, trades, pnl)
        # Warm-up bars are loaded, not traded: only the others count.
        minutes = sum(len(columns.open_time_ms) - r1.WARM_UP_BARS - 1 for columns in bars.values())
        harness.emit(
            "backtest", harness.OURS, case, "bars/s", [minutes / seconds for seconds in took.seconds], trades=trades,
            pnl=pnl, bars=minutes // count, busy=round(took.busy, 2), rss_mb=round(harness.peak_mb()),
        )  # fmt: skip
    # A process of its own: what a child is said to have used at most is never less than what its parent had.
    subprocess.run([sys.executable, "-m", "bench.whole_command"], check=True)


def sweep() -> None:
    """Parameter sets times bars a second, all cores, every set a whole backtest."""
    bars = r1.read_bars(harness.folder("BENCH_DATA"), ASSETS[:1], SWEEP_BARS)
    workers = os.cpu_count() or 1
    took, totals = harness.timed(partial(_swept, bars, workers))
    trades, pnl = sum(count for count, _ in totals), round(sum(gain for _, gain in totals), 2)
    harness.check("sweep", "rsi_200", trades, pnl, SWEEP_WITHIN_USD)
    harness.emit(
        "sweep", harness.OURS, "rsi_200", "combo-bars/s",
        [SWEEP_BARS * len(GRID) / seconds for seconds in took.seconds], trades=trades, pnl=pnl, combos=len(GRID),
        bars=SWEEP_BARS, note=f"{workers} processes",
    )  # fmt: skip


SECTIONS: dict[str, Callable[[], None]] = {"backtest": backtest, "sweep": sweep, "ingest": ingest}


def _summed_up(given: r1.Case, bars: Mapping[str, Candles], days: int) -> tuple[int, float]:
    done = r1.run(given, bars)
    summary(done, days)
    return _rounded(done)


def _rounded(done: Run) -> tuple[int, float]:
    trades, pnl = r1.total(done)
    return trades, round(float(pnl), 2)


_bars: Mapping[str, Candles] = {}
"""The bars of the sweep in a worker; inherited, not sent."""


def _swept(bars: Mapping[str, Candles], workers: int) -> list[tuple[int, float]]:
    global _bars
    _bars = bars
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        return pool.map(_one, GRID, chunksize=5)


def _one(chosen: Set) -> tuple[int, float]:
    given = r1.case(
        "rsi",
        {"window": chosen.window, "lower": chosen.lower, "upper": 100 - chosen.lower},
        {"stop_loss": chosen.stop_loss, "take_profit": chosen.take_profit},
    )
    return _rounded(r1.run(given, _bars))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        "python -m bench.ours", description="Our rows for the comparison with other engines.", epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("section", help=f"one of the comparison's; ours are {', '.join(SECTIONS)}")
    section = SECTIONS.get(parser.parse_args(argv).section)
    trading_logging.configure("bench", "error")
    try:
        if section is not None:
            section()
    except TradingError as error:
        print(f"bench.ours: {error}", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        return error.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
