"""FundingRate on settled rates around its threshold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_core.config import Settings, SnapshotConfig
from trading_core.errors import ConfigError
from trading_core.market.samples import T0, a_candle, a_ctx, a_funding, hour
from trading_core.market.state import MarketState
from trading_core.messages import MarketData, SignalMessage
from trading_core.model import MINUTE_MS
from trading_core.strategy.evaluate import evaluate
from trading_core.strategy.registry import LoadedStrategy, load_strategy

FOLDER = Path(__file__).parents[1]


def the_strategy(**params: Any) -> LoadedStrategy:
    return load_strategy(FOLDER, Settings.model_validate({"strategies": {"funding_rate": {"params": params}}}))


def at(ts: int, *messages: MarketData, **params: Any) -> SignalMessage:
    """The evaluation at `ts` after these messages and a candle and a mark of 100 that belong to it."""
    state = MarketState("BTC")
    for message in (*messages, a_candle(ts - MINUTE_MS), a_ctx(ts)):
        state.apply(message)
    return evaluate(the_strategy(**params), state, ts, SnapshotConfig())


def of_rate(rate_1h: float, **params: Any) -> SignalMessage:
    return at(T0 + MINUTE_MS, a_funding(T0, rate_1h), **params)


def test_when_longs_pay_very_much_it_is_short() -> None:
    message = of_rate(0.00018)
    assert (message.direction, message.entry_price) == ("SHORT", "100.0")
    assert message.metadata["funding_rate_8h"] == "0.00144"
    assert message.confidence == pytest.approx(0.6, rel=1e-12)


def test_when_shorts_pay_very_much_it_is_long() -> None:
    message = of_rate(-0.00018)
    assert message.direction == "LONG"
    assert message.confidence == pytest.approx(0.6, rel=1e-12)


@pytest.mark.parametrize(("rate", "direction"), [(0.00015, "SHORT"), (-0.00015, "LONG")])
def test_the_threshold_itself_is_a_signal(rate: float, direction: str) -> None:
    message = of_rate(rate)
    assert (message.direction, message.confidence) == (direction, 0.5)


@pytest.mark.parametrize("rate", [0.00014999999999, -0.00014999999999, 0.0000125, 0.0])
def test_the_smallest_step_before_the_threshold_is_none(rate: float) -> None:
    assert of_rate(rate).reason == "no_signal"


def test_from_twice_the_threshold_on_confidence_is_one() -> None:
    assert of_rate(0.0003).confidence == 1.0
    assert of_rate(0.01).confidence == 1.0


def test_the_rate_is_quoted_over_the_hours_asked_for() -> None:
    assert of_rate(0.0001, basis_hours=11).reason == "no_signal"
    assert of_rate(0.0001, basis_hours=12).direction == "SHORT"


def test_without_a_settled_rate_there_is_no_funding() -> None:
    assert at(hour(1)).reason == "no_funding"
    assert at(hour(1), a_ctx(hour(1) - 5, funding_estimate_1h="0.01")).reason == "no_funding"


def test_without_the_candle_of_the_minute_it_is_not_asked() -> None:
    state = MarketState("BTC")
    for message in (a_funding(T0, 0.001), a_candle(T0 - MINUTE_MS), a_ctx(T0 + MINUTE_MS)):
        state.apply(message)
    assert evaluate(the_strategy(), state, T0 + MINUTE_MS, SnapshotConfig()).reason == "no_candle"


def test_a_rate_serves_for_two_hours_after_its_hour() -> None:
    noon = a_funding(hour(12), 0.001)
    assert at(hour(14), noon).direction == "SHORT"
    assert at(hour(14) + MINUTE_MS, noon).reason == "no_funding"


@given(rate=st.floats(-0.01, 0.01), threshold=st.floats(1e-6, 0.01))
def test_the_signal_is_odd_in_the_rate(rate: float, threshold: float) -> None:
    up, down = of_rate(rate, threshold=threshold), of_rate(-rate, threshold=threshold)
    assert {up.direction, down.direction} in ({"PASS"}, {"LONG", "SHORT"})
    assert up.confidence == down.confidence
    assert up.confidence is None or 0.5 - 1e-12 <= up.confidence <= 1.0


def test_the_config_file_states_the_defaults_of_the_class() -> None:
    loaded = the_strategy()
    assert loaded.params == {"threshold": 0.0012, "basis_hours": 8}
    assert loaded.instance.params == type(loaded.instance).Params()
    assert (loaded.interval, loaded.enabled, loaded.rules.given()) == ("1m", False, {})


@pytest.mark.parametrize("params", [{"threshold": 0}, {"threshold": -0.1}, {"basis_hours": 0}, {"treshold": 1}])
def test_parameters_that_cannot_be_meant_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"strategies\.funding_rate\.params"):
        the_strategy(**params)


def test_the_docstring_has_its_four_parts() -> None:
    for part in ("## Thesis", "## Expected edge", "## Data requirements", "## Risk characteristics"):
        assert part in the_strategy().docs
