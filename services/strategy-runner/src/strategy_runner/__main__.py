"""`python -m strategy_runner`: evaluates the enabled strategies on the event-time grid."""

import sys

from strategy_runner.service import run
from trading_core import runtime

if __name__ == "__main__":
    sys.exit(runtime.main("strategy-runner", run))
