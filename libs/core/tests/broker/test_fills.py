"""Ticks, size steps, slippage and fees, with numbers worked out by hand."""

from decimal import Decimal

import pytest
from broker_builders import Desk, a_mark, a_rule_book, a_signal
from hypothesis import given
from hypothesis import strategies as st

from trading_core.broker.events import Fill, PositionState
from trading_core.broker.fills import affordable, fixed_price, perp_tick
from trading_core.broker.terms import Terms
from trading_core.money import exactly

RULES = a_rule_book().rules_for("alpha", "hyperliquid")
"""The defaults: five basis points of slippage, the venue's own tick."""


def perp(size_decimals: int) -> Terms:
    return Terms(size_decimals, None, None, Decimal("0.0005"))


@pytest.mark.parametrize(
    ("price", "size_decimals", "tick"),
    [
        ("1807", 4, "0.1"),  # five significant digits
        ("999", 4, "0.01"),
        ("99.9", 4, "0.01"),  # 6 - 4 places are the most
        ("104321.5", 5, "1"),  # six digits before the point: still a step of 1
        ("99999.9", 5, "1"),
        ("3.2", 2, "0.0001"),
        ("0.05", 2, "0.0001"),
        ("0.05", 0, "0.000001"),
    ],
)
def test_the_tick_has_five_significant_digits_within_the_venues_places(
    price: str, size_decimals: int, tick: str
) -> None:
    assert perp_tick(Decimal(price), size_decimals) == Decimal(tick)


def test_slippage_and_tick_always_go_against_the_trader() -> None:
    with exactly():
        # 2500 x 1.0005 = 2501.25, up to 2501.3; 2500 x 0.9995 = 2498.75, down to 2498.7.
        assert fixed_price(RULES, perp(4), "BUY", Decimal(2500)) == Decimal("2501.3")
        assert fixed_price(RULES, perp(4), "SELL", Decimal(2500)) == Decimal("2498.7")


def test_a_price_on_the_tick_is_not_moved() -> None:
    with exactly():
        assert fixed_price(RULES, perp(4), "BUY", Decimal(2000)) == Decimal(2001)


def test_the_quantity_is_rounded_down_to_the_size_step() -> None:
    with exactly():
        # 200 / 2501.3 = 0.07995842…
        assert affordable(Decimal(200), Decimal("2501.3"), 4) == Decimal("0.0799")
        assert affordable(Decimal(200), Decimal(0), 4) == 0
        assert affordable(Decimal(-1), Decimal(100), 4) == 0


def test_an_exact_multiple_of_the_step_is_kept_whole() -> None:
    with exactly():
        assert affordable(Decimal("0.3"), Decimal(3), 1) == Decimal("0.1")


def test_an_entry_pays_slippage_and_the_taker_fee() -> None:
    desk = Desk()
    desk.apply(a_mark(2500.0, asset="ETH"))
    desk.apply(a_signal("LONG", price=2500.0, asset="ETH"))
    fill, position = desk.last(Fill), desk.last(PositionState)
    assert (fill.side, fill.price, fill.quantity) == ("BUY", Decimal("2501.3"), Decimal("0.0799"))
    # 0.0799 x 2501.3 x 0.0005 = 0.099926935, half even to six places.
    assert fill.fee == Decimal("0.099927")
    # 0.0799 x 1.3
    assert position.slippage_cost == Decimal("0.103870")
    assert position.entry_notional == Decimal("199.85387")


def test_an_entry_fills_at_the_worse_of_signal_price_and_mark() -> None:
    desk = Desk()
    desk.apply(a_mark(2500.0, asset="ETH"), a_signal("LONG", price=2490.0, asset="ETH", strategy="a"))
    assert desk.last(Fill).reference_price == 2500
    desk.apply(a_signal("LONG", price=2510.0, asset="ETH", strategy="b"))
    assert desk.last(Fill).reference_price == 2510
    desk.apply(a_signal("SHORT", price=2510.0, asset="ETH", strategy="c"))
    assert desk.last(Fill).reference_price == 2500


def test_a_slippage_of_everything_leaves_nothing_to_sell_for() -> None:
    desk = Desk(a_rule_book(exchanges={"hyperliquid": {"slippage": "1"}}))
    desk.apply(a_mark(2500.0, asset="ETH"))
    assert desk.decide(a_signal("SHORT", price=2500.0, asset="ETH")).reason == "too_small"


@given(st.decimals("0.001", "200000", places=6), st.integers(0, 5), st.sampled_from(["BUY", "SELL"]))
def test_a_fill_lies_on_the_tick_and_within_one_of_the_slipped_price(price: Decimal, places: int, side: str) -> None:
    with exactly():
        slip = Decimal("0.0005")
        slipped = price * (1 + slip if side == "BUY" else 1 - slip)
        filled = fixed_price(RULES, perp(places), "BUY" if side == "BUY" else "SELL", price)
        tick = perp_tick(slipped, places)
        assert filled % tick == 0
        worse = filled - slipped if side == "BUY" else slipped - filled
        assert 0 <= worse < tick
