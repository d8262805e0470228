"""Strategies for tests of the check: clean ones in twenty ways, and ones that peek or are impure."""

from __future__ import annotations

from textwrap import indent

HEAD = """
from trading_core.strategy import Direction, MarketSnapshot, MissingInput, Signal, Strategy, StrategyParams, register
"""
CLASS = """

@register
class Planted(Strategy):
    \"\"\"Made for a test.\"\"\"

    name = "planted"
    history = 300

    {inside}

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
{closes}
{rule}

    def say(self, snapshot, up, **inputs):
        return self.signal(snapshot, Direction.LONG if up else Direction.SHORT, 0.7, **inputs)
"""


_CLOSES = 'closes = snapshot.closes("1m", 20)'


def source(rule: str, before: str = "", inside: str = "", closes: str = _CLOSES) -> str:
    """A strategy's file. `rule` ends `evaluate`; `before` stands above the class, `inside` in it."""
    first, rest = (indent(text.strip("\n"), " " * 8) for text in (closes, rule))
    return HEAD + before + CLASS.format(closes=first, rule=rest, inside=inside or "interval = '1m'")


_UP = "return self.say(snapshot, closes[-1] > {})"

CLEAN = {
    "mean": source(_UP.format("closes.mean()")),
    "copy": source("own = closes.copy()\nown[-1] = own[0]\n" + _UP.format("own.mean()")),
    "sorted": source(_UP.format("sorted(closes.tolist())[10]")),
    "talib": source(_UP.format("talib.SMA(closes, 10)[-1]"), "import talib\n"),
    "imported late": source("import talib.abstract\n" + _UP.format("talib.EMA(closes, 5)[-1]"), "import talib\n"),
    "statistics": source(_UP.format("statistics.median(closes.tolist())"), "import statistics\n"),
    "decimal": source(
        "mean = sum(Decimal(repr(c)) for c in closes.tolist()) / 20\n"
        "return self.say(snapshot, Decimal(repr(float(closes[-1]))) > mean, mean=mean)",
        "from decimal import Decimal\n",
    ),
    "lru_cache": source(
        _UP.format("closes @ weights(20)"),
        "import functools\nimport numpy as np\n\n\n@functools.lru_cache\ndef weights(n):\n"
        "    w = np.arange(1.0, n + 1)\n    return w / w.sum()\n",
    ),
    "cache of values": source(
        "key = tuple(closes.tolist())\nif key not in SUMS:\n    SUMS[key] = sum(key)\n" + _UP.format("SUMS[key] / 20"),
        "SUMS = {}\n",
    ),
    "prepared": source(
        _UP.format("closes @ self.weights"),
        "import numpy as np\n",
        "def prepare(self):\n        self.weights = np.full(20, 0.05)",
    ),
    "seeded": source(
        "noise = np.random.default_rng(snapshot.ts).normal()\nreturn self.say(snapshot, noise > 0)",
        "import numpy as np\n",
    ),
    "hour of day": source(
        "hour = datetime.fromtimestamp(snapshot.ts / 1000, UTC).hour\nreturn self.say(snapshot, hour < 12)",
        "from datetime import UTC, datetime\n",
    ),
    "own reason": source(
        "if closes.max() == closes.min():\n    raise MissingInput('flat')\n" + _UP.format("closes[0]")
    ),
    "wider": source("hours = snapshot.closes('1h', 4)\n" + _UP.format("hours.mean()")),
    "funding": source("return self.say(snapshot, snapshot.funding_rate_1h() < 0)"),
    "open interest": source(
        "sample = snapshot.open_interest_sample(24, 5)\nreturn self.say(snapshot, sample[-1] > sample.mean())"
    ),
    "whole candles": source(
        "candles = snapshot.candles('5m', 10)\n"
        "return self.say(snapshot, candles.close[-1] > candles.open[0], volume=candles.volume.sum())"
    ),
    "rarely": source("return self.say(snapshot, True) if closes[-1] > 1.01 * closes[0] else None"),
    "nested": source(
        "trend = Trend(float(closes[0]), float(closes[-1]))\nreturn self.say(snapshot, trend.up, slope=trend.slope)",
        "from dataclasses import dataclass\n\n\n@dataclass\nclass Trend:\n    first: float\n    last: float\n\n"
        "    @property\n    def up(self):\n        return self.last > self.first\n\n"
        "    @property\n    def slope(self):\n        return self.last / self.first - 1\n",
    ),
    "views of views": source("half = closes[10:]\nreturn self.say(snapshot, half.mean() > closes[:10].mean())"),
}

CLEAN_BETS = {
    "a probability": source(
        "market = snapshot.nearest_market(60)\nprobability = market.probability()\n"
        "up = probability < Decimal('0.5')\n"
        "return self.signal_on(market, snapshot, Direction.LONG if up else Direction.SHORT, 0.6)",
        "from decimal import Decimal\n",
        "exchanges = ('polymarket',)",
        closes="",
    ),
}
PEEKING_BETS = {
    "a market it saw before": (
        source(
            "market = snapshot.nearest_market(60)\nSEEN[market.market, snapshot.ts] = market.probability()\n"
            "later = SEEN.get((market.market, snapshot.ts + 60_000), market.probability())\n"
            "up = later > market.probability()\n"
            "return self.signal_on(market, snapshot, Direction.LONG if up else Direction.SHORT, 0.6)",
            "SEEN = {}\n",
            "exchanges = ('polymarket',)",
            closes="",
        ),
        "it remembers",
    ),
}

_NEXT = "closes.base[(closes.ctypes.data - closes.base.ctypes.data) // 8 + len(closes)]"

PEEKS = {
    "the base of a view": (source(f"return self.say(snapshot, {_NEXT} > closes[-1])"), "future"),
    "a number behind a view": (
        source(
            "ahead = np.lib.stride_tricks.as_strided(closes, (21,))[-1]\nreturn self.say(snapshot, ahead > closes[-1])",
            "import numpy as np\n",
        ),
        "future",
    ),
    "the frames of its callers": (
        source(
            "frame = sys._getframe()\nwhile frame and 'future' not in frame.f_locals:\n    frame = frame.f_back\n"
            "states = frame.f_locals['future'] if frame else None\n"
            "if states is None:\n    return None\n"
            "series = states[snapshot.asset]._of('hyperliquid').minutes\n"
            "row = series.row_of(snapshot.ts)\n"
            "return self.say(snapshot, row < len(series) and series._close[row] > closes[-1])",
            "import sys\n",
        ),
        "future",
    ),
    "what it saw before": (
        source(
            "SEEN[snapshot.asset, snapshot.ts] = closes[-1]\n"
            "ahead = SEEN.get((snapshot.asset, snapshot.ts + 60_000), closes[-1])\n"
            "return self.say(snapshot, ahead > closes[-1])",
            "SEEN = {}\n",
        ),
        "it remembers",
    ),
    "what another asset saw": (
        source(
            "seen = SEEN.setdefault(snapshot.ts, closes[-1])\nreturn self.say(snapshot, seen > 9_000)", "SEEN = {}\n"
        ),
        "says something else",
    ),
    "a counter": (
        source(
            "self.calls = getattr(self, 'calls', 0) + 1\nreturn self.say(snapshot, self.calls % 7 == 0)",
        ),
        "it remembers",
    ),
    "a file": (
        source(
            "path = pathlib.Path(__file__).parent / 'tomorrow.csv'\n"
            "ahead = [float(line) for line in path.read_text().split()]\n"
            "return self.say(snapshot, ahead[snapshot.ts // 60_000 % 3] > 1)",
            "import pathlib\n",
        ),
        "reads or writes a file",
    ),
    "a file read once": (
        source(
            "return self.say(snapshot, AHEAD[snapshot.ts // 60_000 % 3] > 1)",
            "import pathlib\nAHEAD = [float(line) for line in "
            "(pathlib.Path(__file__).parent / 'tomorrow.csv').read_text().split()]\n",
        ),
        "reads or writes a file",
    ),
    "a table": (
        source(
            "def ahead():\n    import polars\n    return polars.read_csv('tomorrow.csv')\nreturn None",
        ),
        "loads a table: read_csv",
    ),
    "a view that it changes": (
        source(
            "base = closes.base\nbase[(closes.ctypes.data - base.ctypes.data) // 8 + 5] *= 1.001\n"
            + _UP.format("closes.mean()"),
        ),
        "it changes the candles",
    ),
    "the clock": (source("return self.say(snapshot, time.time() > 0)", "import time\n"), "reads the clock: time"),
    "today": (
        source("return self.say(snapshot, datetime.now().year > 0)", "from datetime import datetime\n"),
        "reads the clock: now",
    ),
    "chance": (source("return self.say(snapshot, random.random() > 0.5)", "import random\n"), "depends on chance"),
    "chance of numpy": (
        source("return self.say(snapshot, np.random.normal() > 0)", "import numpy as np\n"),
        "two fresh imports",
    ),
    "an exception": (source("return 1 / (closes[-1] - closes[-1]) if closes.size > 30 else {}[1]"), "KeyError"),
}
