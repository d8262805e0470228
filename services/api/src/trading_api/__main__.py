import sys

from trading_api.service import start
from trading_core.runtime import main

if __name__ == "__main__":
    sys.exit(main("api", start, needs_bus=False))
