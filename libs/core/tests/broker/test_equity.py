"""Mark-to-market: totals and shares."""

from decimal import Decimal

from broker_builders import Desk, a_mark, a_rate, a_signal, at

from trading_core.broker.events import EquityMark
from trading_core.broker.inputs import FundingHour, MarkToMarket


def test_an_untouched_portfolio_is_worth_its_capital() -> None:
    [row] = Desk().apply(MarkToMarket(at(1)))
    assert isinstance(row, EquityMark)
    assert row.total_equity == 10_000
    assert row.unrealised == row.realised == row.open_costs == row.open_positions == 0
    assert (row.strategies, row.assets) == ({}, {})


def test_a_row_adds_up_and_its_shares_do() -> None:
    desk = Desk()
    desk.open_long(minute=50, strategy="alpha")
    desk.open_short(2_500.0, minute=50, strategy="beta", asset="ETH")
    desk.apply(a_signal("CLOSE", 51, strategy="alpha"), a_signal(minute=51, strategy="gamma"))
    desk.apply(a_mark(80_500.0, 60), a_mark(2_490.0, 60, asset="ETH"))
    desk.apply(a_rate("0.0001", 60, minute=60), FundingHour(at(60)), MarkToMarket(at(60)))
    row = desk.last(EquityMark)
    assert row.open_positions == 2
    # alpha: 0.00249 x (79960 - 80040) less fees of 0.099650 and 0.00249 x 79960 x 0.0005 = 0.0995502.
    assert row.realised == row.strategies["alpha"] == Decimal("-0.199200") - Decimal("0.099650") - Decimal("0.099550")
    # gamma: 0.00249 x (80500 - 80040) less its fee and 0.00249 x 80500 x 0.0001 of funding.
    assert row.strategies["gamma"] == Decimal("1.145400") - Decimal("0.099650") - Decimal("0.020044")
    # beta: 2500 x 0.9995 = 2498.75, down to 2498.7; 0.08 x 8.7 less a fee of 0.099948.
    assert row.strategies["beta"] == row.assets["ETH"] == Decimal("0.696000") - Decimal("0.099948")
    assert row.total_equity == 10_000 + row.realised + row.unrealised + row.open_costs
    assert sum(row.strategies.values()) == sum(row.assets.values()) == row.total_equity - 10_000
    assert row.total_equity == desk.book.equity()


def test_in_a_gap_rows_go_on_with_the_last_marks() -> None:
    desk = Desk()
    desk.open_long()
    first, second = desk.apply(MarkToMarket(at(1)), MarkToMarket(at(2)))
    assert isinstance(first, EquityMark)
    assert isinstance(second, EquityMark)
    assert first.total_equity == second.total_equity


def test_a_row_written_earlier_does_not_change_with_the_book() -> None:
    desk = Desk()
    desk.open_long()
    desk.apply(a_signal("CLOSE", 1))
    [row] = desk.apply(MarkToMarket(at(1)))
    assert isinstance(row, EquityMark)
    before = dict(row.strategies)
    desk.apply(a_mark(80_000.0, 9), a_signal("SHORT", 9), a_signal("CLOSE", 9.5), MarkToMarket(at(10)))
    assert row.strategies == before
