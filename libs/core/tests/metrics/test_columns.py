"""Curves in columns give the very floats that their rows of Decimals give."""

from decimal import Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trading_core.metrics.columns import column_metrics
from trading_core.metrics.curve import curve_metrics
from trading_core.model import HOUR_MS, MINUTE_MS
from trading_core.money import exactly

DAY0 = 1_750_032_000_000
AMOUNTS = st.lists(st.integers(-9_999_000_000, 10**12) | st.integers(-3, 3), max_size=60)
CAPITALS = st.sampled_from([Decimal(10_000), Decimal("10000.0000001"), Decimal("9999.123456")])


@given(AMOUNTS, CAPITALS, st.sampled_from([MINUTE_MS, HOUR_MS, 7 * HOUR_MS]), st.integers(0, 3_000))
def test_columns_and_rows_agree_to_the_last_bit(amounts: list[int], capital: Decimal, step: int, first: int) -> None:
    times = [DAY0 + first * MINUTE_MS + step * number for number in range(len(amounts))]
    with exactly():
        rows = [(ts, capital + Decimal(amount).scaleb(-6)) for ts, amount in zip(times, amounts, strict=True)]
    columns = column_metrics(np.array(times, np.int64), np.array(amounts, np.int64), capital, 252)
    assert columns == curve_metrics(rows, capital, 252)


def test_the_deepest_fall_is_found_among_falls_that_floats_cannot_tell_apart() -> None:
    # 1/3 of the capital lost, then, from a peak three millionths higher, a millionth more.
    amounts = np.array([0, -3_333_333_333, 3, -3_333_333_332], np.int64)
    found = column_metrics(DAY0 + MINUTE_MS * np.arange(4), amounts, Decimal(10_000), 252).max_drawdown
    with exactly():
        assert found == float(Decimal(3_333_333_335) / Decimal(10_000_000_003))
