"""MomentumBreakout on hourly closes whose band was worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from trading_core.config import Settings, SnapshotConfig
from trading_core.errors import ConfigError
from trading_core.market.samples import T0, a_state, end_of
from trading_core.market.state import MarketState
from trading_core.messages import SignalMessage
from trading_core.model import HOUR_MS, MINUTE_MS
from trading_core.strategy.evaluate import evaluate
from trading_core.strategy.registry import LoadedStrategy, load_strategy

FOLDER = Path(__file__).parents[1]
LIMITS = SnapshotConfig()
# Four hours at 98, 102, 98, 102: mean 100, population sigma 2, so the band of two sigma is 96 to 104.
HOURS = [98.0, 102.0, 98.0, 102.0]
SMALL = {"bb_period": 4, "volume_window": 4}


def the_strategy(**params: Any) -> LoadedStrategy:
    return load_strategy(FOLDER, Settings.model_validate({"strategies": {"momentum_breakout": {"params": params}}}))


def after(hours: list[float], *minutes: tuple[float, float]) -> MarketState:
    """BTC after these hours with a volume of 1 a minute, then minutes of (close, volume)."""
    state = a_state(hours, "1h")
    for close, volume in minutes:
        state.apply_row(end_of(state), close, close, close, close, volume)
    return state


def said(state: MarketState, ts: int | None = None, **params: Any) -> SignalMessage:
    return evaluate(the_strategy(**{**SMALL, **params}), state, end_of(state) if ts is None else ts, LIMITS)


def test_above_the_band_on_high_volume_it_is_long() -> None:
    message = said(after(HOURS, (105.0, 9.0)))
    assert (message.direction, message.entry_price) == ("LONG", "105.0")
    assert message.metadata["upper"] == pytest.approx(104.0, rel=1e-9)
    assert message.metadata["mean_volume"] == 3.0
    assert message.confidence == pytest.approx(0.5 + 1 / 8, rel=1e-9)


def test_below_the_band_on_high_volume_it_is_short() -> None:
    message = said(after(HOURS, (94.0, 9.0)))
    assert message.direction == "SHORT"
    assert message.metadata["lower"] == pytest.approx(96.0, rel=1e-9)
    assert message.confidence == pytest.approx(0.5 + 2 / 8, rel=1e-9)


def test_two_sigma_beyond_the_band_confidence_is_one() -> None:
    assert said(after(HOURS, (109.0, 9.0))).confidence == 1.0


def test_inside_the_band_there_is_no_signal() -> None:
    assert said(after(HOURS, (103.0, 9.0))).reason == "no_signal"


def test_the_band_itself_is_no_signal() -> None:
    upper = said(after(HOURS, (105.0, 9.0))).metadata["upper"]
    assert said(after(HOURS, (upper, 9.0))).reason == "no_signal"
    assert said(after(HOURS, (math.nextafter(upper, 200.0), 9.0))).direction == "LONG"


def test_the_last_minute_s_volume_counts_in_its_own_mean_and_reaching_the_factor_is_enough() -> None:
    # Three minutes of 1 and the last of 3: mean 1.5, twice that is 3.
    assert said(after(HOURS, (105.0, 3.0))).direction == "LONG"
    assert said(after(HOURS, (105.0, 2.999))).reason == "no_signal"
    assert said(after(HOURS, (105.0, 2.999)), volume_factor=1.9).direction == "LONG"


def test_a_wider_band_needs_a_larger_move() -> None:
    assert said(after(HOURS, (105.0, 9.0)), bb_sigma=3.0).reason == "no_signal"
    assert said(after(HOURS, (107.0, 9.0)), bb_sigma=3.0).direction == "LONG"


def test_only_complete_hours_make_the_band() -> None:
    climbing = [(102.0 + number, 9.0 + number) for number in range(30)]
    assert said(after(HOURS, *climbing), volume_factor=0).metadata["upper"] == pytest.approx(104.0, rel=1e-9)


def test_both_windows_have_to_fill() -> None:
    assert said(after(HOURS[:3], (105.0, 9.0))).reason == "warming_up"
    assert said(after(HOURS, (105.0, 9.0)), volume_window=242).reason == "warming_up"
    assert said(after(HOURS, (105.0, 9.0)), volume_window=241).direction == "LONG"


def test_it_warms_up_over_twenty_hours() -> None:
    closes = [100.0 + number % 3 for number in range(20)]
    for count, reason in ((19, "warming_up"), (20, "no_signal")):
        state = a_state(closes[:count], "1h")
        assert evaluate(the_strategy(), state, end_of(state), LIMITS).reason == reason


def test_an_hour_that_closed_more_than_two_hours_ago_is_no_basis() -> None:
    for later, reason in ((2 * HOUR_MS, "no_signal"), (2 * HOUR_MS + MINUTE_MS, "stale_bars")):
        state = a_state(HOURS, "1h")
        ts = end_of(state) + later
        state.apply_row(ts - MINUTE_MS, 100.0, 100.0, 100.0, 100.0, 1.0)
        assert said(state, ts).reason == reason


def test_without_any_movement_there_is_no_band() -> None:
    assert said(after([100.0] * 4, (105.0, 9.0))).reason == "flat"


def test_without_any_volume_there_is_no_mean() -> None:
    assert said(after(HOURS, *[(105.0, 0.0)] * 4)).reason == "no_volume"


def test_the_reasons_come_in_their_order() -> None:
    quiet = [(100.0, 0.0)] * 4
    assert said(after([100.0] * 4, *quiet)).reason == "flat"
    assert said(after([100.0] * 3, *quiet)).reason == "warming_up"
    flat_and_stale = a_state([100.0] * 4, "1h")
    ts = end_of(flat_and_stale) + 3 * HOUR_MS
    flat_and_stale.apply_row(ts - MINUTE_MS, 100.0, 100.0, 100.0, 100.0, 0.0)
    assert said(flat_and_stale, ts).reason == "stale_bars"


def test_without_the_candle_of_the_minute_it_is_not_asked() -> None:
    state = after(HOURS, (105.0, 9.0))
    assert said(state, end_of(state) + MINUTE_MS).reason == "no_candle"


@given(
    hours=st.lists(st.integers(9_000, 11_000), min_size=20, max_size=20),
    close=st.integers(8_000, 12_000),
    volume=st.integers(0, 10),
)
def test_direction_and_confidence_follow_the_definition(hours: list[int], close: int, volume: int) -> None:
    mean = sum(hours) / 20
    sigma = math.sqrt(sum((value - mean) ** 2 for value in hours) / 20)
    beyond = abs(close - mean) - 2 * sigma
    assume(sigma > 0.01 and abs(beyond) > 1e-3)
    state = after([float(value) for value in hours], (float(close), float(volume)))
    message = evaluate(the_strategy(), state, end_of(state), LIMITS)
    fires = beyond > 0 and volume >= 2 * (59 + volume) / 60
    assert message.direction == ("PASS" if not fires else "LONG" if close > mean else "SHORT")
    if fires:
        assert message.confidence == pytest.approx(min(1.0, 0.5 + beyond / (4 * sigma)), rel=1e-6)


def test_the_look_back_grows_with_the_windows() -> None:
    closes = [100.0 + number % 3 for number in range(100)]
    loaded = the_strategy(bb_period=100)
    state = a_state(closes, "1h", start_ms=T0, history=loaded.instance.history)
    assert evaluate(loaded, state, end_of(state), LIMITS).reason == "no_signal"
    assert the_strategy().instance.history == 5_000


def test_the_config_file_states_the_defaults_of_the_class() -> None:
    loaded = the_strategy()
    assert loaded.params == {"bb_period": 20, "bb_sigma": 2.0, "volume_factor": 2.0, "volume_window": 60}
    assert loaded.instance.params == type(loaded.instance).Params()
    assert (loaded.interval, loaded.enabled, loaded.rules.given()) == ("1m", False, {})


@pytest.mark.parametrize(
    "params",
    [{"bb_period": 1}, {"bb_sigma": 0}, {"volume_factor": -1}, {"volume_window": 0}, {"bb_perod": 20}],
)
def test_parameters_that_cannot_be_meant_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"strategies\.momentum_breakout\.params"):
        the_strategy(**params)


def test_the_docstring_has_its_four_parts() -> None:
    for part in ("## Thesis", "## Expected edge", "## Data requirements", "## Risk characteristics"):
        assert part in the_strategy().docs
