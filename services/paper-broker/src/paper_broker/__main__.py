"""`python -m paper_broker`: decides signals and keeps the paper ledger of one portfolio."""

import sys

from paper_broker.service import run
from trading_core import runtime

if __name__ == "__main__":
    sys.exit(runtime.main("paper-broker", run))
