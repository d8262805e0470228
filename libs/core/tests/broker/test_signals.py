"""Every signal gets exactly one decision; the first check that fails names the reason."""

from decimal import Decimal

import pytest
from broker_builders import SECOND_MS, Desk, a_mark, a_rule_book, a_signal, at

from trading_core.broker.book import dump
from trading_core.broker.events import Decision, Fill, PositionState
from trading_core.broker.inputs import PauseByPerson


def test_a_good_signal_opens_a_position_with_its_levels() -> None:
    desk = Desk()
    position = desk.open_long(80_000.0, minute=3)
    decision = desk.last(Decision)
    assert (decision.decision, decision.reason, decision.acted_on) == ("opened", None, True)
    assert decision.position_id == position.position_id
    # 80000 x 1.0005 = 80040; stop 80040 x 0.98, target 80040 x 1.04, deadline an hour later.
    assert (position.entry_price, position.stop_price) == (Decimal(80_040), Decimal("78439.2"))
    assert position.target_price == Decimal("83241.6")
    assert position.deadline_ms == at(63)
    assert position.entry_ms == at(3)


def test_a_decision_holds_what_it_was_made_of() -> None:
    desk = Desk()
    desk.open_long(80_000.0, minute=3)
    decision = desk.last(Decision)
    assert (decision.mark_price, decision.mark_ms) == (Decimal(80_000), at(3))
    assert decision.mark_event_id == a_mark(80_000.0, 3).event_id
    assert (decision.equity, decision.exposure_usd, decision.stake) == (Decimal(10_000), Decimal(0), Decimal(200))
    assert decision.rules.slippage == Decimal("0.0005")
    assert decision.place.visible_ms == at(3)


def test_a_signal_is_stale_only_past_its_age() -> None:
    desk = Desk()
    desk.apply(a_mark(80_000.0, 0.5))
    on_the_edge = a_signal(minute=0, applied_ms=at(0) + 30 * SECOND_MS)
    late = a_signal(minute=0, strategy="beta", applied_ms=at(0) + 30 * SECOND_MS + 1)
    assert desk.decide(on_the_edge).decision == "opened"
    decision = desk.decide(late)
    assert (decision.reason, decision.age_ms, decision.late) == ("stale", 30 * SECOND_MS + 1, True)


def test_a_late_entry_bears_the_time_at_which_it_is_applied() -> None:
    desk = Desk()
    desk.apply(a_mark(80_000.0, 0))
    desk.apply(a_signal(minute=0, applied_ms=at(0) + 7 * SECOND_MS))
    position = desk.last(PositionState)
    assert (position.entry_ms, position.late) == (at(0) + 7 * SECOND_MS, True)


def test_without_a_mark_there_is_no_price() -> None:
    decision = Desk().decide(a_signal())
    assert (decision.decision, decision.reason, decision.mark_price) == ("rejected", "no_price", None)


def test_a_mark_may_be_exactly_as_old_as_allowed() -> None:
    desk = Desk()
    desk.apply(a_mark(80_000.0, 0))
    assert desk.decide(a_signal(minute=1)).decision == "opened"
    desk.apply(a_mark(80_000.0, 1, asset="ETH", event_id="a"))
    assert desk.decide(a_signal(minute=2.001, asset="ETH")).reason == "no_price"


def test_low_confidence_is_refused_and_the_bound_itself_passes() -> None:
    desk = Desk()
    desk.apply(a_mark(80_000.0))
    assert desk.decide(a_signal(confidence=0.4999)).reason == "low_confidence"
    assert desk.decide(a_signal(confidence=0.5, strategy="beta")).decision == "opened"


@pytest.mark.parametrize("bad", ["stale", "no_price", "low_confidence"])
def test_a_bad_signal_does_not_even_close_the_opposite_position(bad: str) -> None:
    desk = Desk()
    desk.open_long()
    before = dump(desk.book)
    match bad:
        case "stale":
            given = a_signal("SHORT", minute=0, applied_ms=at(0) + 31 * SECOND_MS)
        case "no_price":
            given = a_signal("SHORT", minute=2)
        case _:
            given = a_signal("SHORT", minute=1, confidence=0.1)
    [decision] = desk.apply(given)
    assert isinstance(decision, Decision)
    assert (decision.reason, decision.acted_on) == (bad, False)
    assert dump(desk.book) == before


def test_the_opposite_signal_reverses() -> None:
    desk = Desk()
    first = desk.open_long()
    desk.apply(a_mark(80_000.0, 5))
    decision = desk.decide(a_signal("SHORT", 5))
    assert (decision.decision, decision.closed_position) == ("reversed", first.position_id)
    [closed] = desk.closed()
    assert (closed.exit_reason, closed.exit_ms) == ("signal", at(5))
    [opened] = desk.book.positions.values()
    assert opened.direction == "SHORT"


def test_a_reversal_ignores_the_cooldown_of_its_own_losing_close() -> None:
    desk = Desk()
    desk.open_long()
    assert desk.decide(a_signal("SHORT", 1)).decision == "reversed"
    assert desk.closed()[0].realised_pnl is not None
    assert desk.closed()[0].realised_pnl < 0  # type: ignore[operator]


def test_a_close_stands_when_the_new_direction_is_refused() -> None:
    desk = Desk()
    first = desk.open_long(strategy="beta")
    desk.rules = a_rule_book({"beta": {"max_exposure": "0.0001"}})  # A stake of 2 % does not fit into that.
    decision = desk.decide(a_signal("SHORT", 1, strategy="beta"))
    assert (decision.decision, decision.reason) == ("rejected", "max_exposure")
    assert (decision.closed_position, decision.acted_on) == (first.position_id, True)
    assert not desk.book.positions


def test_the_same_direction_twice_is_already_open() -> None:
    desk = Desk()
    desk.open_long()
    assert desk.decide(a_signal(minute=1)).reason == "already_open"


def test_after_a_loss_the_asset_rests_for_the_cooldown() -> None:
    desk = Desk()
    desk.open_long()
    desk.apply(a_signal("CLOSE", 1))
    assert desk.closed()[0].realised_pnl < 0  # type: ignore[operator]
    desk.apply(a_mark(80_000.0, 5))
    # 299.999 s after the close, then exactly 300 s.
    assert desk.decide(a_signal(minute=6 - 1 / 60_000)).reason == "cooldown"
    assert desk.decide(a_signal(minute=6)).decision == "opened"


def test_the_cooldown_is_that_of_one_strategy_and_one_asset() -> None:
    desk = Desk()
    desk.open_long()
    desk.apply(a_signal("CLOSE", 1), a_mark(2500.0, 1, asset="ETH"))
    assert desk.decide(a_signal(minute=1, strategy="beta")).decision == "opened"
    assert desk.decide(a_signal(minute=1, asset="ETH", price=2500.0)).decision == "opened"


def test_a_strategy_holds_at_most_its_number_of_positions() -> None:
    desk = Desk(a_rule_book({"alpha": {"max_positions": 1}}))
    desk.open_long()
    desk.apply(a_mark(2500.0, asset="ETH"))
    assert desk.decide(a_signal(asset="ETH", price=2500.0)).reason == "max_positions"
    assert desk.decide(a_signal(asset="ETH", price=2500.0, strategy="beta")).decision == "opened"


def test_exposure_counts_every_strategy_and_both_directions() -> None:
    # Long 0.00249 BTC at a mark of 80000 is 199.2 USD. A fee of 0.099650 and a spread of 0.00249 x 40 leave
    # 9999.80075 of 10000, so the next stake is 199.996015: 399.196015 in all, against 398.99… and 399.99….
    desk = Desk(a_rule_book({"beta": {"max_exposure": "0.0399"}, "gamma": {"max_exposure": "0.0400"}}))
    desk.open_long()
    refused = desk.decide(a_signal("SHORT", strategy="beta"))
    assert (refused.reason, refused.exposure_usd, refused.stake) == (
        "max_exposure",
        Decimal("199.2"),
        Decimal("199.996015"),
    )
    assert desk.decide(a_signal("SHORT", strategy="gamma")).decision == "opened"


def test_exposure_may_be_used_up_exactly() -> None:
    desk = Desk(a_rule_book(max_exposure="0.02"))
    desk.apply(a_mark(80_000.0))
    assert desk.decide(a_signal()).decision == "opened"


def test_what_is_worth_less_than_the_least_notional_is_too_small() -> None:
    # 10000 x 0.001 = 10 USD buys 0.00012 BTC at 80040: 9.6048 USD.
    desk = Desk(a_rule_book(stake_fraction="0.001"))
    desk.apply(a_mark(80_000.0))
    decision = desk.decide(a_signal())
    assert (decision.reason, decision.stake) == ("too_small", Decimal(10))


def test_a_least_size_is_respected() -> None:
    desk = Desk(a_rule_book(exchanges={"hyperliquid": {"min_notional": None, "min_size": "0.0025"}}))
    desk.apply(a_mark(80_000.0))
    assert desk.decide(a_signal()).reason == "too_small"
    assert desk.decide(a_signal("SHORT", strategy="beta")).decision == "opened"  # 200 / 79960 = 0.00250


def test_an_equity_below_zero_refuses_every_entry() -> None:
    desk = Desk(a_rule_book({"alpha": {"stake_fraction": "1", "max_exposure": "1", "stop_loss": None}}))
    desk.open_short()
    desk.apply(a_mark(200_000.0, 1))
    assert desk.book.equity() < 0
    assert desk.decide(a_signal(minute=1, price=200_000.0, strategy="beta")).reason == "max_exposure"


def test_stop_risk_stakes_what_a_stop_may_cost() -> None:
    # 0.001 x 10000 / 0.02 = 500 USD: stopped out at 2 % it loses a thousandth of equity.
    desk = Desk(a_rule_book(sizing="stop_risk", risk_fraction="0.001"))
    position = desk.open_long()
    assert (position.stake, position.quantity) == (Decimal(500), Decimal("0.00624"))


def test_stop_risk_is_capped_by_the_exposure_left_and_refused_when_there_is_none() -> None:
    desk = Desk(a_rule_book(sizing="stop_risk", risk_fraction="0.002", max_exposure="0.15"))
    first = desk.open_long()
    desk.apply(a_mark(2500.0, asset="ETH"))
    second = desk.decide(a_signal(asset="ETH", price=2500.0))
    assert first.stake == 1000
    # 0.01249 BTC: a fee of 0.499850 and a spread of 0.01249 x 40 leave 9999.00055, of which 0.15 is 1499.8500825.
    # Less 999.2 (0.01249 x 80000) that is 500.6500825, rounded down.
    assert second.stake == Decimal("500.650082")
    desk.rules = a_rule_book(sizing="stop_risk", risk_fraction="0.002", max_exposure="0.05")
    desk.apply(a_mark(150.0, asset="SOL"))
    third = desk.decide(a_signal(asset="SOL", price=150.0))
    assert third.reason == "max_exposure"
    assert third.stake is not None
    assert third.stake <= 0


def test_close_takes_any_direction_and_asks_only_for_age_and_mark() -> None:
    desk = Desk()
    desk.open_short()
    desk.apply(PauseByPerson("alpha", True, at(0)))
    decision = desk.decide(a_signal("CLOSE", 1, confidence=0.0))
    assert (decision.decision, decision.acted_on) == ("closed", True)
    assert desk.decide(a_signal("CLOSE", 1)).reason == "nothing_open"
    assert desk.decide(a_signal("CLOSE", 3)).reason == "no_price"


def test_close_leaves_other_strategies_alone() -> None:
    desk = Desk()
    desk.open_long(strategy="alpha")
    desk.apply(a_signal(strategy="beta"))
    assert desk.decide(a_signal("CLOSE", 1, strategy="beta")).decision == "closed"
    assert [position.strategy for position in desk.book.positions.values()] == ["alpha"]


def test_a_pass_is_never_decided() -> None:
    desk = Desk()
    desk.apply(a_mark(80_000.0))
    with pytest.raises(ValueError, match="never decided"):
        desk.apply(a_signal("PASS"))


def test_the_rows_of_an_opening_can_be_written_in_the_order_of_the_list() -> None:
    desk = Desk()
    desk.apply(a_mark(80_000.0))
    kinds = [type(event).__name__ for event in desk.apply(a_signal())]
    assert kinds == ["Decision", "Order", "PositionState", "Fill"]
    assert desk.last(Fill).position_id == desk.last(PositionState).position_id
