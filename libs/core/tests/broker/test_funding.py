"""Hourly funding: who pays, what is owed, and what a late rate still books."""

from decimal import Decimal

from broker_builders import Desk, a_mark, a_rate, a_rule_book, a_signal, at

from trading_core.broker.events import FundingOwed, FundingPayment, PositionState
from trading_core.broker.evolve import OWED_KEPT_MS
from trading_core.broker.inputs import DayChange, FundingHour, Timeouts
from trading_core.model import HOUR_MS


def test_a_long_pays_and_a_short_receives_when_the_rate_is_above_zero() -> None:
    desk = Desk()
    desk.open_long(minute=30, strategy="alpha")
    desk.apply(a_signal("SHORT", 30, strategy="beta"), a_mark(81_000.0, 60))
    desk.apply(a_rate("0.0001", 60, minute=60), FundingHour(at(60)))
    # 0.00249 x 81000 x 0.0001 = 0.020169 and 0.00250 x 81000 x 0.0001 = 0.02025.
    amounts = {payment.strategy: payment.amount for payment in desk.all(FundingPayment)}
    assert amounts == {"alpha": Decimal("-0.020169"), "beta": Decimal("0.020250")}
    assert [position.funding_pnl for position in desk.book.positions.values()] == list(amounts.values())


def test_a_negative_rate_turns_it_round() -> None:
    desk = Desk()
    desk.open_long(minute=30)
    desk.apply(a_mark(80_000.0, 60), a_rate("-0.0001", 60, minute=60), FundingHour(at(60)))
    assert desk.last(FundingPayment).amount == Decimal("0.019920")


def test_a_position_of_the_hour_itself_does_not_pay() -> None:
    desk = Desk()
    desk.open_long(minute=60)
    assert desk.apply(a_rate("0.0001", 60, minute=60), FundingHour(at(60))) == []


def test_a_position_that_times_out_at_the_hour_pays_first() -> None:
    desk = Desk()
    desk.open_long(minute=0)
    desk.apply(a_mark(80_000.0, 60), a_rate("0.0001", 60, minute=60), FundingHour(at(60)), Timeouts(at(60)))
    [row] = desk.closed()
    assert row.funding_pnl == Decimal("-0.019920")
    assert row.realised_pnl == row.gross_pnl - row.fees + row.funding_pnl  # type: ignore[operator]


def test_without_the_rate_the_hour_is_owed_at_its_quantity_and_mark() -> None:
    desk = Desk()
    desk.open_long(minute=30)
    [owed] = desk.apply(a_mark(81_000.0, 60), FundingHour(at(60)))
    assert isinstance(owed, FundingOwed)
    assert (owed.quantity, owed.mark_price, owed.hour_ms) == (Decimal("0.00249"), Decimal(81_000), at(60))
    # Nothing is charged yet: 0.00249 x (81000 - 80040) less the entry's fee.
    assert desk.book.equity() == Decimal(10_000) + Decimal("2.390400") - Decimal("0.099650")


def test_a_late_rate_books_what_was_stored_at_the_hour() -> None:
    desk = Desk()
    desk.open_long(minute=30)
    desk.apply(a_mark(81_000.0, 60), FundingHour(at(60)), a_mark(79_000.0, 61))
    payment, row = desk.apply(a_rate("0.0001", 60, minute=61.5))
    assert isinstance(payment, FundingPayment)
    assert (payment.amount, payment.hour_ms, payment.ts_ms, payment.late) == (
        Decimal("-0.020169"), at(60), at(61.5), True,
    )  # fmt: skip
    assert isinstance(row, PositionState)
    assert (row.status, row.funding_pnl) == ("OPEN", Decimal("-0.020169"))
    assert desk.book.owed == {}


def test_a_late_rate_changes_a_closed_position_and_the_equity_then() -> None:
    desk = Desk()
    desk.open_long(minute=30)
    desk.apply(a_mark(80_000.0, 60), FundingHour(at(60)), a_signal("CLOSE", 60))
    [closed] = desk.closed()
    before = desk.book.equity()
    _, row = desk.apply(a_rate("0.0001", 60, minute=60.5))
    assert isinstance(row, PositionState)
    assert (row.status, row.exit_ms, row.version) == ("CLOSED", closed.exit_ms, closed.version + 1)
    assert row.realised_pnl == closed.realised_pnl + Decimal("-0.019920")  # type: ignore[operator]
    assert desk.book.equity() - before == Decimal("-0.019920")
    assert desk.book.closed_owing == {}


def test_the_day_of_the_booking_counts_for_the_day_limit() -> None:
    desk = Desk()
    desk.open_long(minute=23 * 60 - 30)
    desk.apply(a_mark(80_000.0, 23 * 60), FundingHour(at(23 * 60)), a_signal("CLOSE", 23 * 60))
    desk.apply(DayChange(at(24 * 60)))
    assert desk.book.day_realised == {}
    desk.apply(a_rate("0.0001", 23 * 60, minute=24 * 60 + 1))
    assert desk.book.day_realised == {"alpha": Decimal("-0.019920")}


def test_a_late_rate_may_turn_a_win_into_a_loss_for_the_cooldown() -> None:
    desk = Desk()
    desk.open_long(minute=30)
    # Closed at 80200: 80159 - 80040 = 119 x 0.00249 = 0.29631 less 0.19945 fees, a small win.
    desk.apply(a_mark(80_200.0, 60), FundingHour(at(60)), a_signal("CLOSE", 60, price=80_200.0))
    assert desk.closed()[0].realised_pnl > 0  # type: ignore[operator]
    desk.apply(a_rate("0.001", 60, minute=60.2))
    assert desk.decide(a_signal(minute=61, price=80_200.0)).reason == "cooldown"


def test_of_two_rows_of_one_hour_the_later_is_charged() -> None:
    desk = Desk()
    desk.open_long(minute=30)
    early = a_rate("0.0003", 60, minute=59)
    desk.apply(a_mark(80_000.0, 60), a_rate("0.0001", 60, minute=60), early, FundingHour(at(60)))
    assert desk.last(FundingPayment).rate == Decimal("0.0001")


def test_a_paid_hour_is_not_paid_again() -> None:
    desk = Desk()
    desk.open_long(minute=30)
    desk.apply(a_mark(80_000.0, 60), a_rate("0.0001", 60, minute=60), FundingHour(at(60)))
    assert desk.apply(a_rate("0.0009", 60, minute=61)) == []


def test_a_rate_of_another_asset_settles_nothing() -> None:
    desk = Desk()
    desk.open_long(minute=30)
    desk.apply(a_mark(80_000.0, 60), FundingHour(at(60)))
    assert desk.apply(a_rate("0.0001", 60, asset="ETH")) == []
    assert len(desk.book.owed) == 1


def test_another_interval_is_charged_at_its_own_hours() -> None:
    desk = Desk(a_rule_book(funding_interval_h=8))
    desk.open_long(minute=30)
    assert desk.apply(a_mark(80_000.0, 420), FundingHour(at(420))) == []
    assert len(desk.apply(FundingHour(at(480)))) == 1


def test_a_debt_is_forgotten_once_its_rate_cannot_arrive_any_more() -> None:
    desk = Desk(a_rule_book({"alpha": {"stop_loss": None, "timeout_m": None}}))
    desk.open_long(minute=30)
    hours = OWED_KEPT_MS // HOUR_MS
    desk.apply(*(FundingHour(at(60 * hour)) for hour in range(1, hours + 11)))
    assert len(desk.book.owed) == hours + 1
    assert desk.apply(a_rate("0.0001", 60, minute=60 * hours + 700)) == []


def test_known_rates_do_not_pile_up() -> None:
    desk = Desk()
    desk.apply(*(a_rate("0.0001", 60 * hour) for hour in range(500)))
    assert len(desk.book.funding_rates["hyperliquid:BTC"]) == 49
