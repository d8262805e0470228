"""What a strategy gets for its questions, and the reason it gets when there is no answer."""

from decimal import Decimal

import pytest

from trading_core.config import SnapshotConfig
from trading_core.market.samples import T0, a_state, end_of, hour
from trading_core.market.snapshot import MarketSnapshot, MissingInput
from trading_core.market.state import MarketState
from trading_core.model import HOUR_MS, MINUTE_MS

LIMITS = SnapshotConfig()


def now(state: MarketState, ts: int | None = None, history: int | None = None) -> MarketSnapshot:
    return state.snapshot("hyperliquid", end_of(state) if ts is None else ts, LIMITS, history)


def with_holes(present: list[int]) -> MarketState:
    state = MarketState("BTC")
    for number in present:
        state.apply_row(T0 + number * MINUTE_MS, 1.0, 1.0, 1.0, float(number), 1.0)
    return state


def test_it_names_its_asset_its_exchange_and_its_grid_point() -> None:
    snapshot = now(a_state([1.0]))
    assert (snapshot.asset, snapshot.exchange, snapshot.ts) == ("BTC", "hyperliquid", T0 + MINUTE_MS)


def test_closes_are_the_last_ones_oldest_first() -> None:
    assert now(a_state([1.0, 2.0, 3.0])).closes("1m", 2).tolist() == [2.0, 3.0]


def test_closes_of_a_wider_interval_are_those_of_its_complete_candles() -> None:
    assert now(a_state([1.0, 2.0], "5m")).closes("5m", 2).tolist() == [1.0, 2.0]


def test_volumes_of_a_wider_interval_are_sums() -> None:
    assert now(a_state([1.0, 2.0], "5m")).volumes("5m", 1).tolist() == [5.0]


def test_a_hole_inside_the_window_is_no_reason_to_wait() -> None:
    assert now(with_holes([0, 1, 5, 6])).closes("1m", 4).tolist() == [0.0, 1.0, 5.0, 6.0]


def test_one_candle_too_few_is_warming_up() -> None:
    with pytest.raises(MissingInput, match="warming_up"):
        now(a_state([1.0, 2.0])).closes("1m", 3)


def test_candles_before_the_look_back_do_not_exist_for_a_strategy() -> None:
    state = a_state([1.0, 2.0, 3.0, 4.0])
    assert now(state, history=3).closes("1m", 3).tolist() == [2.0, 3.0, 4.0]
    with pytest.raises(MissingInput, match="warming_up"):
        now(state, history=3).closes("1m", 4)


def test_a_wider_candle_that_begins_before_the_look_back_does_not_exist_either() -> None:
    state = a_state([1.0, 2.0], "5m")
    assert now(state, history=9).closes("5m", 1).tolist() == [2.0]
    with pytest.raises(MissingInput, match="warming_up"):
        now(state, history=9).closes("5m", 2)


def test_a_candle_closes_at_t_only_if_it_is_complete() -> None:
    whole, holed = with_holes([0, 1, 2, 3, 4]), with_holes([0, 1, 3, 4])
    assert now(whole).closed_at("5m")
    assert now(holed).closed_at("1m")
    assert not now(holed).closed_at("5m")


def test_the_candle_before_does_not_close_at_t() -> None:
    state = a_state([1.0])
    assert not now(state, end_of(state) + MINUTE_MS).closed_at("1m")


def test_without_any_candle_none_closes_at_t() -> None:
    assert not now(MarketState("BTC"), T0).closed_at("1m")


def test_hours_are_stale_when_the_newest_closed_more_than_two_of_them_ago() -> None:
    state = a_state([1.0], "1h")
    now(state, end_of(state) + 2 * HOUR_MS).require_fresh("1h")
    with pytest.raises(MissingInput, match="stale_bars"):
        now(state, end_of(state) + 2 * HOUR_MS + 1).require_fresh("1h")


def test_the_eight_hour_rate_is_the_exact_multiple_of_the_settled_one() -> None:
    state = MarketState("BTC")
    state.apply_funding(hour(0), hour(0) + 11, Decimal("0.0000125"))
    assert str(now(state, hour(1)).funding_rate_8h()) == "0.0001000"
    assert now(state, hour(1)).funding_rate_8h(4) == Decimal("0.00005")


def test_a_rate_is_usable_for_two_hours_after_its_hour_and_not_a_millisecond_longer() -> None:
    state = MarketState("BTC")
    state.apply_funding(hour(0), hour(0) + 11, Decimal("0.0001"))
    assert now(state, hour(2)).funding_rate_1h() == Decimal("0.0001")
    with pytest.raises(MissingInput, match="no_funding"):
        now(state, hour(2) + 1).funding_rate_1h()


def test_the_age_of_the_mark_counts_to_t() -> None:
    state = a_state([1.0])
    assert now(state, end_of(state) + 42).mark_age_ms == 42


def test_a_snapshot_has_no_attribute_to_write_to() -> None:
    with pytest.raises(AttributeError):
        now(a_state([1.0])).anything = 1  # type: ignore[attr-defined]
