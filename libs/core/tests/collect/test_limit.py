from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trading_core.collect.limit import MINUTE_S, Weights


def test_a_budget_may_be_spent_at_once_and_comes_back_after_a_minute() -> None:
    weights = Weights(100)
    weights.spend(60, 0.0)
    weights.spend(40, 10.0)
    # 60 come back at 60 s, the 40 at 70 s.
    assert weights.wait_s(1, 10.0) == 50.0
    assert weights.wait_s(61, 10.0) == 60.0
    assert weights.wait_s(60, 60.0) == 0.0


def test_more_than_a_whole_budget_waits_for_a_whole_one() -> None:
    weights = Weights(100)
    assert weights.wait_s(500, 0.0) == 0.0
    weights.spend(500, 0.0)
    assert weights.wait_s(1, 0.0) == MINUTE_S


def test_a_pause_holds_back_everything() -> None:
    weights = Weights(100)
    weights.pause(5.0)
    weights.pause(3.0)
    assert weights.wait_s(1, 1.0) == 4.0


@given(st.lists(st.tuples(st.integers(1, 60), st.floats(0, 30)), max_size=80))
def test_no_minute_ever_holds_more_than_the_budget(requests: list[tuple[int, float]]) -> None:
    weights, now_s, spent = Weights(100), 0.0, []
    for weight, later_s in requests:
        now_s += later_s
        while (wait_s := weights.wait_s(weight, now_s)) > 0:
            now_s += wait_s
        weights.spend(weight, now_s)
        spent.append((now_s, weight))
    for end_s, _ in spent:
        # A microsecond less than a minute: sums of floats are not exact to the last digit.
        assert sum(weight for at_s, weight in spent if end_s - MINUTE_S + 1e-6 < at_s <= end_s) <= 100
