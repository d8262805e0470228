"""`python -m recorder`"""

import sys

from recorder.service import start
from trading_core.runtime import main

if __name__ == "__main__":
    sys.exit(main("recorder", start))
