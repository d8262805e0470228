"""`python -m collector_hl`."""

from collector_hl.service import start
from trading_core.runtime import main

if __name__ == "__main__":
    raise SystemExit(main("collector-hl", start))
