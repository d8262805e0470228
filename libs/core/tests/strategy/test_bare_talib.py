"""What loading strategies does not load."""

import subprocess
import sys

PROGRAM = """
import sys
import trading_core.strategy
import talib, numpy
assert not {"pandas", "polars"} & sys.modules.keys()
print(float(talib.RSI(numpy.arange(20.0), 14)[-1]))
import polars
"""


def test_strategies_load_without_data_frames_which_stay_importable() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    # Twenty rises and no fall: 100.
    assert (done.returncode, done.stdout) == (0, "100.0\n"), done.stderr
