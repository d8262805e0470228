"""Stops, targets and timeouts at observed marks, as they happen live."""

from decimal import Decimal

from broker_builders import Desk, a_mark, a_rule_book, a_signal, at, exit_fill

from trading_core.broker.events import PositionState
from trading_core.broker.inputs import CloseAll, ClosePosition, Mark, Timeouts


def closing(desk: Desk, mark: Mark) -> PositionState | None:
    """The row of the position that `mark` closed, if it closed one."""
    rows = [event for event in desk.apply(mark) if isinstance(event, PositionState)]
    return rows[0] if rows else None


def test_touching_the_stop_triggers_it_and_a_tick_above_does_not() -> None:
    desk = Desk()
    desk.open_long()  # entry 80040, stop 78439.2
    assert closing(desk, a_mark(78_439.3, 1)) is None
    row = closing(desk, a_mark(78_439.2, 2))
    assert row is not None
    assert (row.exit_reason, row.exit_ref, row.exit_ms) == ("stop_loss", Decimal("78439.2"), at(2))
    # 78439.2 x 0.9995 = 78399.9804, down to 78399; 0.00249 x (78399 - 80040) = -4.08609.
    assert (row.exit_price, row.gross_pnl) == (Decimal(78_399), Decimal("-4.086090"))
    # Fees: 0.00249 x 80040 x 0.0005 = 0.0996498 and 0.00249 x 78399 x 0.0005 = 0.097606755.
    assert row.fees == Decimal("0.099650") + Decimal("0.097607")
    assert row.realised_pnl == Decimal("-4.283347")
    # 0.00249 x ((80040 - 80000) + (78439.2 - 78399))
    assert row.slippage_cost == Decimal("0.199698")


def test_a_gap_through_the_stop_fills_at_the_gap() -> None:
    desk = Desk()
    desk.open_long()
    row = closing(desk, a_mark(77_000.0, 1))
    assert row is not None
    assert row.exit_ref == 77_000


def test_the_target_fills_at_the_observed_mark() -> None:
    desk = Desk()
    desk.open_long()  # target 83241.6
    row = closing(desk, a_mark(83_241.6, 1))
    assert row is not None
    assert (row.exit_reason, row.exit_ref) == ("take_profit", Decimal("83241.6"))


def test_a_short_is_mirrored() -> None:
    desk = Desk()
    position = desk.open_short()  # entry 79960: stop 81559.2, target 76761.6
    assert (position.stop_price, position.target_price) == (Decimal("81559.2"), Decimal("76761.6"))
    assert closing(desk, a_mark(81_559.1, 1)) is None
    stopped = closing(desk, a_mark(81_559.2, 2))
    assert stopped is not None
    assert stopped.exit_reason == "stop_loss"
    again = Desk()
    again.open_short()
    reached = closing(again, a_mark(76_761.6, 1))
    assert reached is not None
    assert reached.exit_reason == "take_profit"


def test_limits_that_are_null_are_off() -> None:
    desk = Desk(a_rule_book({"alpha": {"stop_loss": None, "take_profit": None, "timeout_m": None}}))
    position = desk.open_long()
    assert (position.stop_price, position.target_price, position.deadline_ms) == (None, None, None)
    assert closing(desk, a_mark(10.0, 1)) is None
    assert closing(desk, a_mark(900_000.0, 2)) is None
    assert not desk.book.timeout_due()
    assert desk.apply(Timeouts(at(5_000))) == []


def test_only_marks_after_the_entry_count() -> None:
    desk = Desk()
    desk.open_long(minute=3)
    # Of the entry's own moment, and it came late: not after the entry.
    same = Mark("hyperliquid", "BTC", "BTC", 50_000.0, "x:late", at(3), at(3) + 900)
    assert desk.apply(same) == []
    assert len(desk.book.positions) == 1


def test_an_older_mark_never_replaces_a_newer_one_nor_triggers_anything() -> None:
    desk = Desk()
    desk.open_long(minute=1)
    desk.apply(a_mark(80_100.0, 5))
    assert desk.apply(a_mark(50_000.0, 4, visible_ms=at(6))) == []
    held = desk.book.mark("hyperliquid", "BTC")
    assert held is not None
    assert held.price == 80_100.0


def test_the_same_mark_twice_is_one_mark() -> None:
    desk = Desk()
    desk.apply(a_mark(80_000.0, 1), a_mark(80_100.0, 2), a_mark(80_100.0, 2))
    held = desk.book.mark("hyperliquid", "BTC")
    assert held is not None
    assert held.before == 80_000.0


def test_a_timeout_waits_for_the_first_mark_from_the_deadline_on() -> None:
    desk = Desk()
    desk.open_long(minute=0)  # deadline at minute 60
    desk.apply(a_mark(80_200.0, 59.9))
    assert not desk.book.timeout_due()
    assert desk.apply(Timeouts(at(60))) == []
    desk.apply(a_mark(80_300.0, 67))
    assert desk.book.timeout_due()
    row = next(event for event in desk.apply(Timeouts(at(67))) if isinstance(event, PositionState))
    assert (row.exit_reason, row.exit_ref, row.exit_ms) == ("timeout", Decimal(80_300), at(67))


def test_changed_rules_do_not_move_the_levels_of_an_open_position() -> None:
    desk = Desk()
    desk.open_long()
    desk.rules = a_rule_book({"alpha": {"stop_loss": "0.5", "timeout_m": 1}})
    desk.apply(a_mark(80_000.0, 2))
    assert not desk.book.timeout_due()
    assert closing(desk, a_mark(78_000.0, 3)) is not None


def test_positions_on_one_instrument_close_in_order_of_opening() -> None:
    desk = Desk()
    desk.open_long(strategy="zeta")
    desk.apply(a_signal(strategy="alpha"))
    desk.apply(a_mark(70_000.0, 1))
    assert [row.strategy for row in desk.closed()] == ["zeta", "alpha"]


def test_a_mark_of_one_instrument_leaves_the_others_alone() -> None:
    desk = Desk()
    desk.open_long()
    assert desk.apply(a_mark(1.0, 1, asset="ETH")) == []


def test_a_fill_on_a_late_mark_says_so() -> None:
    desk = Desk()
    desk.open_long()
    events = desk.apply(a_mark(70_000.0, 1, visible_ms=at(1) + 1))
    fill = exit_fill(events)
    assert (fill.late, fill.ts_ms) == (True, at(1))
    assert desk.closed()[0].late


def test_a_person_and_the_end_of_a_run_close_at_the_held_mark() -> None:
    desk = Desk()
    first = desk.open_long(strategy="alpha")
    desk.apply(a_signal(strategy="beta"), a_mark(80_500.0, 4))
    row = next(e for e in desk.apply(ClosePosition(first.position_id, at(5))) if isinstance(e, PositionState))
    assert (row.exit_reason, row.exit_ref, row.exit_ms) == ("manual", Decimal(80_500), at(5))
    assert desk.apply(ClosePosition(first.position_id, at(5))) == []
    desk.apply(CloseAll(at(6)))
    assert [closed.strategy for closed in desk.closed()] == ["alpha", "beta"]
    assert not desk.book.positions


def test_a_fill_far_from_the_mark_before_it_is_suspect() -> None:
    # 5 % of 80000 is 4000: the one fills at 75862, the other at 76961.
    far, near = Desk(), Desk()
    for desk in (far, near):
        desk.open_long()
    far.apply(a_mark(75_900.0, 1))
    near.apply(a_mark(77_000.0, 1))
    assert far.closed()[0].suspect
    assert not near.closed()[0].suspect


def test_a_loss_of_more_than_half_the_stake_is_suspect() -> None:
    desk = Desk(a_rule_book({"alpha": {"stop_loss": None, "timeout_m": None}}))
    desk.open_long()
    for minute in range(1, 15):
        desk.apply(a_mark(80_000.0 * 0.95**minute, minute))
    desk.apply(a_signal("CLOSE", 14, price=80_000.0 * 0.95**14))
    [row] = desk.closed()
    assert row.realised_pnl is not None
    assert row.realised_pnl < -100
    assert row.suspect


def test_an_own_exit_has_one_order_id_whatever_its_reason() -> None:
    desk = Desk()
    position = desk.open_long()
    fill = exit_fill(desk.apply(a_mark(70_000.0, 1)))
    assert fill.order_id == f"o:{position.position_id}:exit"
    assert fill.event_id == f"fl:o:{position.position_id}:exit:1"
