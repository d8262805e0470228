"""`python -m collector_pm`."""

from collector_pm.service import start
from trading_core.runtime import main

if __name__ == "__main__":
    raise SystemExit(main("collector-pm", start))
