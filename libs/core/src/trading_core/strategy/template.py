"""The files of a new strategy, as text: a plain rule that works, a test that passes, and what to replace."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

_WIDTH = 100
"""Room for a value on the line of a class attribute."""


def snake_case(class_name: str) -> str:
    """`vwap_reversion` of `VWAPReversion`: a run of capitals is one word."""
    return _WORDS.sub("_", class_name).lower()


def strategy_files(class_name: str, assets: Sequence[str], interval: str, *, enabled: bool) -> dict[str, str]:
    """Content by path inside the strategy's folder. The caller has checked the names.

    assets: those it looks at; empty: every configured one.
    """
    looks_at = f"\n    assets = {_tuple(assets)}" if assets else ""
    words = {
        "class": class_name, "name": snake_case(class_name), "interval": interval, "assets": looks_at,
        "enabled": str(enabled).lower(),
    }  # fmt: skip
    sources = {
        "__init__.py": _INIT,
        "strategy.py": _STRATEGY,
        "config.yaml": _CONFIG,
        "tests/test_strategy.py": _TEST,
    }
    return {path: _filled(source, words) for path, source in sources.items()}


def _tuple(names: Sequence[str]) -> str:
    """Python's text for it, as the formatter would write it."""
    quoted = [f'"{name}"' for name in names]
    if len(quoted) == 1:
        return f"({quoted[0]},)"
    line = f"({', '.join(quoted)})"
    return line if len(line) <= _WIDTH else "(\n" + "".join(f"        {name},\n" for name in quoted) + "    )"


def _filled(source: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        source = source.replace(f"«{word}»", value)
    return source


_INIT = '''"""Bets that a price far from its recent mean comes back."""
'''

_STRATEGY = '''"""«class»: replace this line and the rule below by your own."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from trading_core.strategy import Direction, MarketSnapshot, MissingInput, Signal, Strategy, StrategyParams, register


@register
class «class»(Strategy):
    """
    ## Thesis
    Why should this work, and who is on the other side? As generated: a price that has left the volume-weighted mean of
    its last candles comes back to it.

    ## Expected edge
    How much, and where it was measured. As generated: unproven. A round trip costs about 20 bps in fees and slippage.

    ## Data requirements
    What it looks at and how much of it. As generated: the last `lookback` closed candles of «interval».

    ## Risk characteristics
    When it loses. As generated: it trades against the move, so a trend costs it one stop after the other.
    """

    name = "«name»"«assets»
    interval = "«interval»"

    class Params(StrategyParams, frozen=True):
        lookback: Annotated[int, Meta(ge=2)] = 20
        distance: Annotated[float, Meta(gt=0, lt=1)] = 0.005

    params: Params

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        """LONG below, SHORT above the mean by more than `distance`, a fraction; twice that far is certain."""
        candles = snapshot.candles(self.interval, self.params.lookback)
        volume = float(candles.volume.sum())
        if volume == 0:
            raise MissingInput("no_volume")
        mean = float(candles.close @ candles.volume) / volume
        away = float(candles.close[-1]) / mean - 1
        if abs(away) <= self.params.distance:
            return None
        direction = Direction.SHORT if away > 0 else Direction.LONG
        return self.signal(snapshot, direction, min(1.0, 0.5 * abs(away) / self.params.distance), mean=mean, away=away)
'''

_CONFIG = """# Defaults of this strategy; `strategies.«name»` of the platform's config.yaml wins over them.
enabled: «enabled»
interval: «interval»
params:
  lookback: 20      # candles of the mean
  distance: 0.005   # how far from it the price must be, a fraction
rules: {}           # those of `broker:` in the platform's config.yaml, for this strategy only
"""

_TEST = '''"""«class» on candles that one can check by hand."""

from __future__ import annotations

from pathlib import Path

from trading_core.config import Settings, SnapshotConfig
from trading_core.market.samples import a_state, end_of
from trading_core.messages import SignalMessage
from trading_core.strategy.evaluate import evaluate
from trading_core.strategy.registry import LoadedStrategy, load_strategy

FOLDER = Path(__file__).parents[1]


def the_strategy() -> LoadedStrategy:
    """Over four candles, further away than 1 %."""
    params = {"lookback": 4, "distance": 0.01}
    # Without assets of its own the configured ones count, whatever they are where this test runs.
    return load_strategy(FOLDER, Settings.model_validate({"strategies": {FOLDER.name: {"params": params}}}))


def of_closes(closes: list[float]) -> SignalMessage:
    """The evaluation after these closes of «interval», the same volume in each."""
    state = a_state(closes, "«interval»")
    return evaluate(the_strategy(), state, end_of(state), SnapshotConfig())


def test_far_above_the_mean_it_is_short() -> None:
    # The mean is 101; 104 lies 2.97 % above it, more than twice 1 %.
    message = of_closes([100.0, 100.0, 100.0, 104.0])
    assert (message.direction, message.confidence, message.entry_price) == ("SHORT", 1.0, "104.0")
    assert message.metadata["mean"] == 101.0


def test_far_below_the_mean_it_is_long() -> None:
    assert of_closes([100.0, 100.0, 100.0, 96.0]).direction == "LONG"


def test_near_the_mean_there_is_no_signal() -> None:
    assert of_closes([100.0, 100.0, 100.0, 100.5]).reason == "no_signal"


def test_with_too_few_candles_it_waits() -> None:
    assert of_closes([100.0, 100.0, 104.0]).reason == "warming_up"


def test_the_docstring_has_its_four_parts() -> None:
    for part in ("## Thesis", "## Expected edge", "## Data requirements", "## Risk characteristics"):
        assert part in the_strategy().docs
'''
