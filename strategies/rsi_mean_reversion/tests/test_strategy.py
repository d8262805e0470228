"""RSIMeanReversion on closes whose RSI was worked out by hand."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_core.config import Settings, SnapshotConfig
from trading_core.errors import ConfigError
from trading_core.market.samples import T0, a_state, end_of
from trading_core.messages import SignalMessage
from trading_core.model import MINUTE_MS
from trading_core.strategy.evaluate import evaluate
from trading_core.strategy.registry import LoadedStrategy, load_strategy

FOLDER = Path(__file__).parents[1]
LIMITS = SnapshotConfig()
# Two up by 1, then down by a quarter. Wilder's averages of gains and losses over two: (1, 0), then (0.5, 0.125).
# RSI = 100 × 0.5 / (0.5 + 0.125) = 80.
RSI_80 = [100.0, 101.0, 102.0, 101.75]
RSI_20 = [102.0, 101.0, 100.0, 100.25]
RSI_50 = [100.0, 101.0, 102.0, 101.0]


def the_strategy(**params: Any) -> LoadedStrategy:
    return load_strategy(FOLDER, Settings.model_validate({"strategies": {"rsi_mean_reversion": {"params": params}}}))


def of_closes(closes: list[float], **params: Any) -> SignalMessage:
    """The evaluation after these 5m closes, RSI of two candles over four closes unless told otherwise."""
    state = a_state(closes, "5m")
    return evaluate(the_strategy(**{"period": 2, "lookback": 4, **params}), state, end_of(state), LIMITS)


def test_a_price_that_rose_too_fast_is_sold() -> None:
    message = of_closes(RSI_80)
    assert (message.direction, message.entry_price) == ("SHORT", "101.75")
    assert message.metadata["rsi"] == pytest.approx(80.0, rel=1e-12)
    assert message.confidence == pytest.approx(0.5 + 0.5 * 5 / 25, rel=1e-12)


def test_a_price_that_fell_too_fast_is_bought() -> None:
    message = of_closes(RSI_20)
    assert message.direction == "LONG"
    assert message.metadata["rsi"] == pytest.approx(20.0, rel=1e-12)
    assert message.confidence == pytest.approx(0.5 + 0.5 * 5 / 25, rel=1e-12)


@pytest.mark.parametrize(("closes", "direction"), [([1.0, 2.0, 3.0, 4.0], "SHORT"), ([4.0, 3.0, 2.0, 1.0], "LONG")])
def test_at_the_ends_of_the_scale_confidence_is_one(closes: list[float], direction: str) -> None:
    message = of_closes(closes)
    assert (message.direction, message.confidence) == (direction, 1.0)


def test_in_between_there_is_no_signal() -> None:
    assert of_closes(RSI_50).reason == "no_signal"


def test_the_bounds_themselves_are_no_signal() -> None:
    assert of_closes(RSI_80, overbought=80).reason == "no_signal"
    assert of_closes(RSI_20, oversold=20).reason == "no_signal"


def test_without_any_movement_there_is_no_rsi() -> None:
    assert of_closes([100.0] * 4).reason == "flat"


def test_only_the_last_closes_of_the_look_back_count() -> None:
    before, after = of_closes([1.0, 500.0, 3.0, *RSI_80]), of_closes(RSI_80)
    assert before.metadata["rsi"] == after.metadata["rsi"]


def test_it_warms_up_over_250_closes_which_is_20_hours_and_50_minutes() -> None:
    closes = [100.0 + number % 3 for number in range(250)]
    for count, reason in ((249, "warming_up"), (250, "no_signal")):
        state = a_state(closes[:count], "5m")
        assert evaluate(the_strategy(), state, end_of(state), LIMITS).reason == reason
    assert (end_of(a_state(closes, "5m")) - T0) / MINUTE_MS == 20 * 60 + 50


def test_between_five_minute_marks_it_is_not_evaluated() -> None:
    state = a_state([100.0] * 6, "1m")
    with pytest.raises(ValueError, match="multiples of 5m"):
        evaluate(the_strategy(), state, end_of(state), LIMITS)


def wilder(closes: list[float], period: int) -> float:
    """The relative strength index as J. W. Wilder defined it in 1978, last value, closes oldest first."""
    changes = [after - before for before, after in pairwise(closes)]
    gain = sum(max(change, 0.0) for change in changes[:period]) / period
    loss = sum(max(-change, 0.0) for change in changes[:period]) / period
    for change in changes[period:]:
        gain = (gain * (period - 1) + max(change, 0.0)) / period
        loss = (loss * (period - 1) + max(-change, 0.0)) / period
    return 100 * gain / (gain + loss)


@given(st.lists(st.integers(900, 1_100), min_size=250, max_size=250).filter(lambda closes: len(set(closes)) > 1))
def test_direction_and_confidence_follow_wilder_s_rsi(closes: list[int]) -> None:
    rsi = wilder([float(close) for close in closes], 14)
    state = a_state([float(close) for close in closes], "5m")
    message = evaluate(the_strategy(overbought=55, oversold=45), state, end_of(state), LIMITS)
    if abs(rsi - 55) > 1e-6 and abs(rsi - 45) > 1e-6:
        assert message.direction == ("SHORT" if rsi > 55 else "LONG" if rsi < 45 else "PASS")
    if message.direction != "PASS":
        assert message.metadata["rsi"] == pytest.approx(rsi, rel=1e-9)
        assert message.confidence is not None
        assert 0.5 < message.confidence <= 1.0


def test_the_config_file_states_the_defaults_of_the_class() -> None:
    loaded = the_strategy()
    assert loaded.params == {"period": 14, "overbought": 75.0, "oversold": 25.0, "lookback": 250}
    assert loaded.instance.params == type(loaded.instance).Params()
    assert (loaded.interval, loaded.interval) == (type(loaded.instance).interval, "5m")
    assert loaded.rules.given() == {}


@pytest.mark.parametrize(
    "params",
    [{"overbought": 20}, {"oversold": 0}, {"overbought": 100}, {"period": 1}, {"lookback": 14}, {"perod": 14}],
)
def test_parameters_that_cannot_be_meant_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"strategies\.rsi_mean_reversion\.params"):
        the_strategy(**params)


def test_the_docstring_has_its_four_parts() -> None:
    for part in ("## Thesis", "## Expected edge", "## Data requirements", "## Risk characteristics"):
        assert part in the_strategy().docs
