from __future__ import annotations

from collector_hl.refusals import FAST_S, Refusals

CANDLE = ("candle", "SOL")


def cut_twice(refusals: Refusals, acknowledged: int = 5) -> None:
    assert not refusals.closed(0.1, CANDLE, acknowledged)
    assert refusals.closed(0.1, CANDLE, acknowledged)


def test_two_fast_ends_at_the_same_subscription_leave_it_out() -> None:
    refusals = Refusals()
    cut_twice(refusals)
    assert refusals.leave_out(["BTC", "SOL"], listed={"BTC", "SOL"}) == ["candle of SOL"]
    assert not refusals.takes("candle", "SOL")
    assert refusals.takes("candle", "BTC")
    assert refusals.takes("trades", "SOL")


def test_an_asset_that_is_no_longer_listed_is_left_out_whole_until_it_is_listed_again() -> None:
    refusals = Refusals()
    cut_twice(refusals)
    assert refusals.leave_out(["BTC", "SOL"], listed={"BTC"}) == ["SOL"]
    assert not refusals.takes("trades", "SOL")
    assert refusals.listed_again({"BTC"}) == set()
    assert refusals.listed_again({"BTC", "SOL"}) == {"SOL"}
    assert refusals.takes("trades", "SOL")


def test_ends_elsewhere_or_after_a_while_are_no_refusal() -> None:
    refusals = Refusals()
    assert not refusals.closed(0.1, CANDLE, 5)
    assert not refusals.closed(0.1, ("trades", "BTC"), 5)
    assert not refusals.closed(FAST_S + 1, ("trades", "BTC"), 5)
    assert not refusals.closed(0.1, None, 5)
    assert not refusals.closed(0.1, CANDLE, 5)


def test_a_venue_that_acknowledges_nothing_at_all_is_out_of_order_itself() -> None:
    refusals = Refusals()
    cut_twice(refusals, acknowledged=0)
    assert refusals.leave_out(["BTC", "SOL"], listed={"BTC", "SOL"}) == []
    assert refusals.takes(*CANDLE)
