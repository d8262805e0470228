"""`python -m collector_hl`: the service, or with `--backfill` one look at the venue's history."""

from __future__ import annotations

import argparse
import sys

from collector_hl.service import start
from trading_core import logging as trading_logging
from trading_core.errors import ConfigError, TradingError
from trading_core.runtime import main

DAYS_MAX = 90
"""Market messages have partitions for so long at least."""
EXAMPLES = """\
examples:
  python -m collector_hl                 until SIGTERM: live data, gaps, polls
  python -m collector_hl --backfill 3    three days of 1m candles and funding rates, then the end

A backfill may be repeated and may run beside the service. The venue keeps the newest 5,000 1m candles (83 hours) and
every funding rate. What it brings is recorded as backfilled: charts and backtests have it, no strategy acts on it.
"""


def parse(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m collector_hl",
        description="Hyperliquid's public market data into the streams.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--backfill", type=int, metavar="DAYS", help=f"history of so many days, 1 to {DAYS_MAX}")
    arguments = parser.parse_args(words)
    if arguments.backfill is not None and not 1 <= arguments.backfill <= DAYS_MAX:
        parser.error(f"--backfill {arguments.backfill}: must be 1 to {DAYS_MAX} days.")
    return arguments


def backfill(days: int) -> int:
    from collector_hl.backfill import run  # the service needs none of what it imports

    trading_logging.configure("collector-hl", "warning")
    try:
        return run(days)
    except TradingError as error:
        print(f"collector_hl: {error}", file=sys.stderr)
        return 2 if isinstance(error, ConfigError) else 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    arguments = parse()
    raise SystemExit(main("collector-hl", start) if arguments.backfill is None else backfill(arguments.backfill))
