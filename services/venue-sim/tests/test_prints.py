from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from venue_sim import prints


def test_the_extreme_nearer_the_open_is_printed_first() -> None:
    assert prints.prices(100, 103, 99, 102) == (100, 99, 103, 102)
    assert prints.prices(100, 101, 97, 98) == (100, 101, 97, 98)


def test_the_high_comes_first_when_both_extremes_are_equally_near() -> None:
    assert prints.prices(100, 101, 99, 100) == (100, 101, 99, 100)


@given(st.integers(min_value=0, max_value=10**12))
def test_the_sizes_of_the_prints_add_up_to_the_volume(lots: int) -> None:
    parts = prints.sizes(lots)
    assert sum(parts) == lots
    assert min(parts) >= 0


@given(st.integers(min_value=0, max_value=10**12), st.integers(min_value=1, max_value=6))
def test_a_size_is_printed_exactly_and_without_an_exponent(lots: int, decimals: int) -> None:
    text = prints.decimal(lots, decimals)
    assert "e" not in text
    assert "." in text
    assert round(float(text) * 10**decimals) == lots


def test_a_rate_is_printed_without_an_exponent() -> None:
    assert prints.rate(1.25e-05) == "0.0000125"
    assert prints.rate(-2.3502e-06) == "-0.0000023502"
    assert prints.rate(0.0) == "0.0"
    assert math.isclose(float(prints.rate(8.00625e-06)), 8.00625e-06)
