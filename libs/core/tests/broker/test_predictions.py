"""Positions in prediction markets, in terms of the token that is held, with numbers worked out by hand."""

from decimal import Decimal
from typing import Any

import pytest
from broker_builders import Desk, a_rule_book, at
from prediction_builders import BIDS, MARKET, a_bet, a_book, a_poll, a_result

from trading_core.broker.events import EquityMark, Fill, FundingOwed, PositionState
from trading_core.broker.inputs import ClosePosition, DayChange, FundingHour, MarkToMarket, Timeouts
from trading_core.broker.terms import Terms
from trading_core.money import exactly

HELD: dict[str, dict[str, Any]] = {"alpha": {"stop_loss": None, "take_profit": None, "timeout_m": None}}
FIXED = {"polymarket": {"fill_model": "fixed"}}
PAYOUTS = [("SHORT", "1", "0"), ("SHORT", "0", "1"), ("LONG", "0.5", "0.5")]


def a_desk(strategies: dict[str, dict[str, Any]] | None = None, **broker: Any) -> Desk:
    """A market whose terms and book are known."""
    desk = Desk(a_rule_book(HELD if strategies is None else strategies, **broker))
    desk.apply(a_poll(), a_book())
    return desk


def fills_of(desk: Desk) -> list[tuple[str, Decimal, Decimal, Decimal]]:
    return [(fill.side, fill.price, fill.quantity, fill.fee) for fill in desk.all(Fill)]


def test_long_buys_the_yes_token_from_the_asks() -> None:
    desk = a_desk()
    assert desk.decide(a_bet("LONG")).decision == "opened"
    # A stake of 200: 50 at 0.22 cost 11; 189 / 0.23 = 821.739… at the next level.
    # Fees: 50 x 0.07 x 0.22 x 0.78 = 0.6006; 821.73 x 0.07 x 0.23 x 0.77 = 10.18698681, five places.
    assert fills_of(desk) == [
        ("BUY", Decimal("0.22"), Decimal(50), Decimal("0.600600")),
        ("BUY", Decimal("0.23"), Decimal("821.73"), Decimal("10.186990")),
    ]
    position = desk.last(PositionState)
    assert (position.instrument, position.direction, position.entry_ref) == (MARKET, "LONG", Decimal("0.22"))
    # 11 + 188.9979
    assert position.entry_notional == Decimal("199.9979")


def test_short_buys_the_no_token_where_somebody_bids_for_yes() -> None:
    desk = a_desk()
    desk.apply(a_bet("SHORT"))
    # NO costs 1 - 0.20 = 0.80: 100 cost 80; 120 / 0.81 = 148.148… at the next level.
    assert [(side, price, quantity) for side, price, quantity, _ in fills_of(desk)] == [
        ("BUY", Decimal("0.80"), Decimal(100)),
        ("BUY", Decimal("0.81"), Decimal("148.14")),
    ]
    assert desk.book.depths[f"polymarket:{MARKET}"].taken_bids == {"0.20": 100, "0.19": Decimal("148.14")}
    with exactly():
        # 248.14 NO at 1 - 0.21 = 0.79 are worth 196.0306.
        assert desk.book.equity_and_exposure()[1] == Decimal("196.0306")
        position = desk.last(PositionState)
        assert desk.book.equity() == 10_000 + Decimal("196.0306") - position.entry_notional - position.fees


def test_a_long_and_a_short_take_from_the_same_book() -> None:
    desk = a_desk({"beta": {"stop_loss": None}} | HELD)
    desk.apply(a_bet("SHORT"))
    desk.apply(ClosePosition(desk.last(PositionState).position_id, at(0)))
    # What bought NO at 0.80 and 0.81 has emptied the bids; NO is sold to the asks: 1 - 0.22 and 1 - 0.23.
    assert [price for _, price, _, _ in fills_of(desk)[2:]] == [Decimal("0.78"), Decimal("0.77")]
    desk.apply(a_bet("LONG", strategy="beta"))
    # 50 at 0.22 and 198.14 at 0.23 are gone, so all comes from what is left of the second level.
    assert fills_of(desk)[4][:2] == ("BUY", Decimal("0.23"))


@pytest.mark.parametrize(
    ("direction", "price", "tick", "expected"),
    [
        ("LONG", 0.21, "0.01", "0.23"),  # best ask 0.22 x 1.005 = 0.2211, up to the tick
        ("LONG", 0.21, "0.001", "0.222"),
        ("LONG", 0.25, "0.01", "0.26"),  # the signal's price is worse: 0.25125
        ("SHORT", 0.21, "0.01", "0.81"),  # NO: best ask 0.80 x 1.005 = 0.804
        ("SHORT", 0.15, "0.01", "0.86"),  # the signal's price is worse: NO at 0.85425
        ("SHORT", 0.002, "0.01", "0.99"),  # never above 1 - tick
    ],
)
def test_without_a_book_model_the_best_ask_is_made_worse(
    direction: str, price: float, tick: str, expected: str
) -> None:
    desk = Desk(a_rule_book(HELD, exchanges=FIXED))
    desk.apply(a_poll(tick_size=tick), a_book(tick_size=tick), a_bet(direction, price=price))
    assert desk.last(Fill).price == Decimal(expected)


def test_an_old_book_leads_to_fixed_fills() -> None:
    desk = a_desk()
    desk.apply(a_bet("LONG", 10.001 / 60))
    assert desk.last(Fill).price == Decimal("0.23")
    assert desk.last(Fill).book_event_id is None


def test_the_tick_is_the_markets_at_the_time_of_the_fill() -> None:
    desk = Desk(a_rule_book(HELD, exchanges=FIXED))
    desk.apply(a_poll(), a_book(), a_bet())
    desk.apply(a_book((("0.962", "10"),), (("0.964", "10"),), 1, tick_size="0.001"))
    desk.apply(ClosePosition(desk.last(PositionState).position_id, at(1)))
    # Sold at the best bid: 0.962 x 0.995 = 0.95719, down to the new tick.
    assert desk.last(Fill).price == Decimal("0.957")


def test_the_fee_is_rounded_to_five_places_half_even() -> None:
    schedule = Terms(2, None, None, None, Decimal("0.07"), Decimal(1), is_token=True)
    with exactly():
        assert schedule.fee(Decimal(100), Decimal("0.5")) == Decimal("1.75")
        # 0.07 x 0.5 x 0.5 x 0.01 = 0.000175, half to the even 0.00018; x 0.03 = 0.000525, to 0.00052.
        assert schedule.fee(Decimal("0.01"), Decimal("0.5")) == Decimal("0.000180")
        assert schedule.fee(Decimal("0.03"), Decimal("0.5")) == Decimal("0.000520")
        squared = Terms(2, None, None, None, Decimal("0.25"), Decimal(2), is_token=True)
        # 100 x 0.25 x 0.25^2
        assert squared.fee(Decimal(100), Decimal("0.5")) == Decimal("1.5625")


def test_a_market_without_a_schedule_takes_no_fee_and_a_configured_fraction_replaces_one() -> None:
    desk = Desk(a_rule_book(HELD))
    desk.apply(a_poll(fee_rate=None, fee_exponent=None), a_book(), a_bet())
    assert desk.last(PositionState).fees == 0
    desk = Desk(a_rule_book(HELD, exchanges={"polymarket": {"taker_fee": "0.01"}}))
    desk.apply(a_poll(), a_book(), a_bet())
    # 11 x 0.01 + 188.9979 x 0.01
    assert desk.last(PositionState).fees == Decimal("1.999979")


@pytest.mark.parametrize(("min_size", "opens"), [(None, True), ("5", True), ("5.01", False)])
def test_the_smallest_order_is_the_markets_own(min_size: str | None, opens: bool) -> None:
    desk = Desk(a_rule_book(HELD))
    desk.apply(a_poll(min_size=min_size), a_book(BIDS, (("0.22", "5"),)))
    assert (desk.decide(a_bet()).reason != "too_small") == opens


def test_fewer_than_five_tokens_are_too_small_where_the_market_does_not_say() -> None:
    desk = Desk(a_rule_book(HELD))
    desk.apply(a_poll(), a_book(BIDS, (("0.22", "4.99"),)))
    assert desk.decide(a_bet()).reason == "too_small"


def test_stop_and_target_are_those_of_the_token_held() -> None:
    desk = a_desk({"alpha": {"stop_loss": "0.1", "take_profit": "0.1"}})
    desk.apply(a_bet("SHORT"))
    position = desk.last(PositionState)
    assert position.stop_price is not None
    assert position.target_price is not None
    assert position.stop_price < position.entry_price < position.target_price
    # NO falls as YES rises: mid 0.29, NO at 0.71; the stop lies at 0.9 x 0.80597… = 0.725…
    desk.apply(a_book((("0.28", "100"),), (("0.30", "1000"),), 1))
    [closed] = desk.closed()
    assert closed.exit_reason == "stop_loss"
    # Sold at NO's best bid, 1 - 0.30.
    assert (closed.exit_ref, closed.exit_price) == (Decimal("0.70"), Decimal("0.70"))
    # 248.14 x 0.70 - (80 + 119.9934), no sign.
    assert closed.gross_pnl == Decimal("-26.295400")
    # From NO's best bid before that, 1 - 0.22 = 0.78, further than 5 %.
    assert closed.suspect


def test_the_result_pays_without_slippage_or_fee_and_is_never_suspect() -> None:
    desk = a_desk()
    desk.apply(a_bet("LONG"))
    fees = desk.last(PositionState).fees
    desk.apply(a_result("1"))
    fill, [closed] = desk.last(Fill), desk.closed()
    assert (fill.side, fill.purpose, fill.price, fill.fee) == ("SELL", "resolved", Decimal(1), Decimal(0))
    assert fill.mark_event_id == f"r:pm:{MARKET}"
    # 871.73 - 199.9979
    assert closed.gross_pnl == Decimal("671.732100")
    assert closed.realised_pnl == Decimal("671.732100") - fees
    assert (closed.exit_ms, closed.suspect, closed.late) == (at(16), False, False)
    assert desk.decide(a_bet("LONG", 16)).reason == "no_price"


@pytest.mark.parametrize(("direction", "yes_payout", "paid"), PAYOUTS)
def test_the_token_held_is_paid(direction: str, yes_payout: str, paid: str) -> None:
    desk = a_desk()
    desk.apply(a_bet(direction), a_result(yes_payout))
    assert desk.last(Fill).price == Decimal(paid)


def test_a_result_that_names_a_time_before_the_entry_is_paid_at_the_entry() -> None:
    desk = a_desk()
    desk.apply(a_poll(2), a_book(minute=2), a_bet("LONG", 2), a_result("0", 1, seen=3))
    [closed] = desk.closed()
    assert (closed.exit_ms, closed.late) == (at(2), True)


def test_a_result_is_paid_once() -> None:
    desk = a_desk()
    desk.apply(a_bet("LONG"), a_result("1"), a_result("1"))
    assert len(desk.closed()) == 1


def test_the_opposite_signal_reverses_and_finds_what_its_own_close_left() -> None:
    desk = a_desk()
    deep = (("0.20", "100"), ("0.19", "2000"))
    desk.apply(a_bet("LONG"), a_book(bids=deep, minute=1))
    assert desk.decide(a_bet("SHORT", 1)).decision == "reversed"
    # 871.73 YES are sold: 100 at 0.20, 771.73 at 0.19. Then NO is bought from the rest of that level, 1 - 0.19.
    assert [(price, quantity) for _, price, quantity, _ in fills_of(desk)[2:4]] == [
        (Decimal("0.20"), Decimal(100)),
        (Decimal("0.19"), Decimal("771.73")),
    ]
    assert [price for _, price, _, _ in fills_of(desk)[4:]] == [Decimal("0.81")]


def test_a_poll_that_finds_the_same_prices_says_that_book_and_mark_stand() -> None:
    desk = a_desk()
    desk.apply(a_poll(1))
    # Without the poll the mark would be 61 s old.
    assert desk.decide(a_bet("LONG", 61 / 60)).decision == "opened"
    assert desk.last(Fill).book_event_id is not None
    assert desk.last(Fill).mark_event_id == a_poll(1).event_id


def test_a_poll_that_finds_other_prices_says_nothing_about_the_book() -> None:
    desk = a_desk()
    desk.apply(a_poll(1, bid="0.30", ask="0.31"))
    assert desk.decide(a_bet("LONG", 61 / 60)).reason == "no_price"


def test_a_one_sided_book_is_no_mark() -> None:
    desk = Desk(a_rule_book(HELD))
    desk.apply(a_poll(), a_book(bids=()))
    assert desk.decide(a_bet()).reason == "no_price"
    desk.apply(a_book(minute=0.1), a_book(bids=(), minute=0.2))
    assert desk.book.marks[f"polymarket:{MARKET}"].event_time_ms == at(0.1)


def test_a_market_of_unknown_terms_is_not_traded() -> None:
    desk = Desk(a_rule_book(HELD))
    desk.apply(a_book())
    assert desk.decide(a_bet()).reason == "no_price"


def test_what_is_known_of_an_ended_market_goes_once_nothing_is_held_there() -> None:
    desk = a_desk()
    desk.apply(a_bet(), a_book(minute=15), MarkToMarket(at(16)))
    assert desk.book.terms
    desk.apply(a_result("1", 16.5), MarkToMarket(at(17)), a_poll(17.5))
    assert (desk.book.terms, desk.book.marks, desk.book.depths) == ({}, {}, {})


def test_no_funding_is_paid_on_tokens() -> None:
    desk = a_desk()
    desk.apply(a_bet(), FundingHour(at(60)))
    assert not desk.all(FundingOwed)


def test_a_timeout_waits_for_the_next_mark_and_sells_at_the_best_bid() -> None:
    desk = a_desk({"alpha": {"stop_loss": None, "take_profit": None, "timeout_m": 5}})
    desk.apply(a_bet(), Timeouts(at(5)))
    assert not desk.closed()
    desk.apply(a_book(minute=6), Timeouts(at(6)))
    [closed] = desk.closed()
    assert (closed.exit_reason, closed.exit_ref, closed.exit_ms) == ("timeout", Decimal("0.20"), at(6))


def test_the_shares_add_up_with_coins_and_tokens_together() -> None:
    desk = a_desk()
    desk.open_long(strategy="beta")
    desk.apply(DayChange(at(0)), a_bet("SHORT"), MarkToMarket(at(1)))
    row = desk.last(EquityMark)
    assert row.open_positions == 2
    assert sum(row.strategies.values()) == row.total_equity - 10_000
    assert sum(row.assets.values()) == row.total_equity - 10_000


def test_exposure_counts_tokens_at_their_own_mark() -> None:
    desk = a_desk(HELD | {"beta": {"max_exposure": "0.0395"}})
    desk.apply(a_bet("SHORT"))
    # 196.0306 held + 199.8… asked for, of 9,98x x 0.0395 = 394.…
    decision = desk.decide(a_bet("LONG", strategy="beta"))
    assert decision.exposure_usd == Decimal("196.0306")
    assert decision.reason == "max_exposure"
