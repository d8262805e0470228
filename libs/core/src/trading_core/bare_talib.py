"""TA-Lib without its wrappers for data frames.

Where pandas or polars is installed, `import talib` loads both, two seconds of processor time at every start of a
service, and checks at each call whether it was given one of their columns. Ours are numpy. Importing this module first
leaves TA-Lib as it is where neither is installed; whoever imports pandas or polars afterwards still gets them.
"""

import importlib
import sys

_FRAMES = ("pandas", "polars")

if "talib" not in sys.modules:
    before = {name: sys.modules[name] for name in _FRAMES if name in sys.modules}
    sys.modules.update(dict.fromkeys(_FRAMES))  # type: ignore[arg-type]  # None: an import says "no such module"
    try:
        importlib.import_module("talib")
    finally:
        for name in _FRAMES:
            del sys.modules[name]
        sys.modules.update(before)
