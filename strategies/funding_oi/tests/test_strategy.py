"""FundingOI on settled rates and hourly open interest made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_core.config import Settings, SnapshotConfig
from trading_core.errors import ConfigError
from trading_core.market.samples import a_candle, a_ctx, a_funding, hour
from trading_core.market.state import MarketState
from trading_core.messages import CtxMessage, MarketData, SignalMessage
from trading_core.model import HOUR_MS, MINUTE_MS
from trading_core.strategy.evaluate import evaluate
from trading_core.strategy.registry import LoadedStrategy, load_strategy

FOLDER = Path(__file__).parents[1]
NOW = hour(200) + 30 * MINUTE_MS
HIGH = 0.0002
"""An hourly rate beyond the default threshold of 0.0015 over eight hours."""


def the_strategy(**params: Any) -> LoadedStrategy:
    return load_strategy(FOLDER, Settings.model_validate({"strategies": {"funding_oi": {"params": params}}}))


def interest(time_ms: int, value: float, **changes: Any) -> CtxMessage:
    """A poll that brings an open interest."""
    return a_ctx(time_ms, open_interest=repr(value), polled=True, **changes)


def said(*messages: MarketData, ts: int = NOW, rate: float | None = HIGH, **params: Any) -> SignalMessage:
    """The evaluation at `ts` after these messages, a rate of the hour before, a candle and a mark of 100."""
    state = MarketState("BTC")
    settled = () if rate is None else (a_funding((ts - 1) // HOUR_MS * HOUR_MS, rate),)
    for message in (*messages, *settled, a_candle(ts - MINUTE_MS), a_ctx(ts)):
        state.apply(message)
    return evaluate(the_strategy(**params), state, ts, SnapshotConfig())


def hourly(values: Sequence[float], current: float, ts: int = NOW) -> list[CtxMessage]:
    """One value five minutes before each full hour up to `ts`, the last of `values` the newest, and one just now."""
    newest = (ts - 1) // HOUR_MS * HOUR_MS
    first = newest - (len(values) - 1) * HOUR_MS
    polls = [interest(first + n * HOUR_MS - 5 * MINUTE_MS, value) for n, value in enumerate(values)]
    return [*polls, interest(ts - 1_000, current)]


def test_extreme_funding_with_high_open_interest_is_bet_against() -> None:
    message = said(*hourly(range(1, 31), 40.0))
    assert (message.direction, message.entry_price) == ("SHORT", "100.0")
    assert message.confidence == pytest.approx(0.5 * 0.0016 / 0.0015, rel=1e-12)
    assert message.metadata["funding_rate_8h"] == "0.0016"
    assert (message.metadata["open_interest"], message.metadata["snapshots"]) == (40.0, 31)


def test_when_shorts_pay_it_is_long() -> None:
    assert said(*hourly(range(1, 31), 40.0), rate=-HIGH).direction == "LONG"


def test_with_ordinary_open_interest_there_is_no_signal() -> None:
    assert said(*hourly(range(1, 31), 20.0)).reason == "no_signal"


def test_the_percentile_itself_is_high_enough() -> None:
    # 0 to 19 and 16 once more: 21 values, the 85 % point is the 18th of them in order, 16. A lower current value moves
    # nothing above it, so the 18th is still 16.
    assert said(*hourly(range(20), 16.0), min_snapshots=21).direction == "SHORT"
    assert said(*hourly(range(20), 15.9), min_snapshots=21).reason == "no_signal"


def test_the_percentile_is_interpolated_in_a_straight_line() -> None:
    # 10, 20, 30 and the current 25: the 60 % point lies 0.8 of the way from 20 to 25.
    message = said(*hourly([10.0, 20.0, 30.0], 25.0), min_snapshots=4, oi_pct=60)
    assert message.metadata["open_interest_level"] == pytest.approx(24.0, rel=1e-12)


@pytest.mark.parametrize(("rate", "direction"), [(0.0001875, "SHORT"), (-0.0001875, "LONG")])
def test_the_threshold_itself_is_a_signal(rate: float, direction: str) -> None:
    message = said(*hourly(range(30), 40.0), rate=rate)
    assert (message.direction, message.confidence) == (direction, 0.5)


@pytest.mark.parametrize("rate", [0.00018749999999, -0.00018749999999, 0.0])
def test_up_to_the_threshold_there_is_no_signal(rate: float) -> None:
    assert said(*hourly(range(30), 40.0), rate=rate).reason == "no_signal"


def test_it_wants_a_day_of_hours() -> None:
    assert said(*hourly(range(22), 40.0)).reason == "warming_up"
    assert said(*hourly(range(23), 40.0)).direction == "SHORT"


def test_the_current_value_is_at_most_an_hour_old() -> None:
    polls = hourly(range(30), 40.0)[:-1]
    assert said(*polls, interest(NOW - HOUR_MS + 1, 40.0)).direction == "SHORT"
    assert said(*polls[:-1], interest(NOW - HOUR_MS, 40.0)).reason == "no_oi"


def test_the_value_of_an_hour_is_the_last_one_up_to_it() -> None:
    top = hour(199)
    found = said(
        interest(top - HOUR_MS, 1.0), interest(top - HOUR_MS + 1, 2.0), interest(top, 3.0), interest(top + 1, 4.0),
        interest(NOW - 1_000, 5.0), min_snapshots=1, oi_window_h=2, oi_pct=0,
    )  # fmt: skip
    # Hours 199 and 200 lie inside the window: 3 at 199 (2 came before it), 4 up to 200, and the current 5.
    assert (found.metadata["snapshots"], found.metadata["open_interest_level"]) == (3, 3.0)


def test_hours_at_the_edge_of_the_window_are_left_out() -> None:
    def snapshots(ts: int) -> int:
        polls = [interest(hour(n), float(n)) for n in range(190, 200)]
        message = said(*polls, interest(ts, 500.0), ts=ts, min_snapshots=1, oi_window_h=3)
        return int(message.metadata["snapshots"])

    # At a full hour neither the hour three hours back nor T itself is one of the sample.
    assert snapshots(hour(200)) == 2 + 1
    assert snapshots(hour(200) - MINUTE_MS) == 3 + 1


def test_hours_without_a_value_are_left_out() -> None:
    polls = [interest(hour(n), float(n)) for n in (150, 170, 198)]
    assert said(*polls, interest(NOW, 500.0), min_snapshots=4).direction == "SHORT"
    assert said(*polls, interest(NOW, 500.0), min_snapshots=5).reason == "warming_up"


def test_values_older_than_the_window_do_not_count() -> None:
    old = [interest(hour(n), 1_000.0) for n in range(10)]
    assert said(*old, *hourly(range(23), 40.0)).direction == "SHORT"


def test_contexts_of_the_socket_count_like_polls() -> None:
    polls = [a_ctx(poll.event_time_ms, open_interest=poll.open_interest) for poll in hourly(range(30), 40.0)]
    assert said(*polls).direction == "SHORT"


def test_the_reasons_come_in_their_order() -> None:
    assert said(rate=None).reason == "no_funding"
    assert said().reason == "no_oi"
    assert said(interest(NOW - 1_000, 40.0)).reason == "warming_up"
    assert said(interest(NOW - 1_000, 40.0), rate=0.0).reason == "warming_up"


@given(values=st.lists(st.floats(1.0, 1e6), min_size=23, max_size=60), current=st.floats(1.0, 1e6))
def test_it_fires_when_enough_of_the_sample_lies_at_or_below(values: list[float], current: float) -> None:
    sample = sorted([*values, current])
    place = 0.85 * (len(sample) - 1)
    below, above = sample[int(place)], sample[min(int(place) + 1, len(sample) - 1)]
    level = below + (above - below) * (place - int(place))
    message = said(*hourly(values, current))
    if abs(current - level) > 1e-6 * level:
        assert message.direction == ("SHORT" if current > level else "PASS")


def test_the_config_file_states_the_defaults_of_the_class() -> None:
    loaded = the_strategy()
    assert loaded.params == {
        "funding": 0.0015, "oi_pct": 85.0, "oi_window_h": 168, "min_snapshots": 24, "basis_hours": 8
    }  # fmt: skip
    assert loaded.instance.params == type(loaded.instance).Params()
    assert (loaded.interval, loaded.enabled, loaded.rules.given()) == ("1m", False, {})


@pytest.mark.parametrize(
    "params",
    [
        {"funding": 0}, {"oi_pct": 101}, {"oi_window_h": 0}, {"oi_window_h": 1_001}, {"min_snapshots": 0},
        {"min_snapshots": 169}, {"basis_hours": 0}, {"threshold": 0.1},
    ],
)  # fmt: skip
def test_parameters_that_cannot_be_meant_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"strategies\.funding_oi\.params"):
        the_strategy(**params)


def test_the_docstring_has_its_four_parts() -> None:
    for part in ("## Thesis", "## Expected edge", "## Data requirements", "## Risk characteristics"):
        assert part in the_strategy().docs
