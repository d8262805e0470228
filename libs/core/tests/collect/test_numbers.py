from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_core.collect.numbers import REMEMBERED, TradeNumbers, check_time, price, size
from trading_core.errors import VenueMessageInvalid


def test_the_time_of_a_live_event_is_near_venue_time() -> None:
    check_time(100_000 + 5_000, 100_000)
    with pytest.raises(VenueMessageInvalid, match="ahead"):
        check_time(100_000 + 5_001, 100_000)
    with pytest.raises(VenueMessageInvalid, match="24 h behind"):
        check_time(0, 86_400_001)


texts = st.text("0123456789.- e", max_size=40) | st.decimals(0, 10**6, places=5).map(str) | st.text(max_size=4)


@given(texts, texts)
def test_numbers_of_a_trade_are_known_only_if_they_are_right(px: str, sz: str) -> None:
    numbers = TradeNumbers()
    right = False
    with contextlib.suppress(VenueMessageInvalid):
        right = price("px", px) > 0 and size("sz", sz) >= 0
    if numbers.learn(px, sz):
        assert right
        assert (numbers.prices, numbers.sizes) == ({px}, {sz})
    else:
        assert not right or len(px) > 15 or len(sz) > 15  # what is right and oddly long is looked at the long way
        assert (numbers.prices, numbers.sizes) == (set(), set())


def test_no_more_numbers_of_trades_are_remembered_than_the_limit() -> None:
    numbers = TradeNumbers()
    for number in range(1, 2 * REMEMBERED):
        assert numbers.learn(str(number), f"0.{number}")
        assert len(numbers.prices) + len(numbers.sizes) <= REMEMBERED + 2
