"""Day limits and pauses."""

from decimal import Decimal

from broker_builders import Desk, a_mark, a_rule_book, a_signal, at

from trading_core.broker.events import DayStarted, Decision, StrategyPaused, StrategyResumed
from trading_core.broker.inputs import DayChange, Mark, PauseByPerson

MIDNIGHT = 24 * 60


def a_losing_desk(minute: float = 0, **broker: str) -> Desk:
    """Has lost 4.283347 USD by one stop at `minute` + 1; the default limit of this desk is 4 USD a day."""
    desk = Desk(a_rule_book(None, **{"max_daily_loss": "0.0004", "cooldown_s": "0", **broker}))
    desk.open_long(minute=minute)
    desk.apply(a_mark(78_439.2, minute + 1))
    assert desk.closed()[-1].realised_pnl == Decimal("-4.283347")
    return desk


def test_a_days_loss_pauses_the_strategy_until_midnight() -> None:
    desk = a_losing_desk()
    paused = desk.last(StrategyPaused)
    assert (paused.strategy, paused.cause, paused.until_ms) == ("alpha", "max_daily_loss", at(MIDNIGHT))
    desk.apply(a_mark(80_000.0, 5))
    assert desk.decide(a_signal(minute=5)).reason == "paused"
    assert desk.decide(a_signal(minute=5, strategy="beta")).decision == "opened"


def test_the_limit_itself_is_too_much() -> None:
    # 0.0004283347 x 10000 = 4.283347, exactly what was lost.
    assert a_losing_desk(max_daily_loss="0.0004283347").all(StrategyPaused)
    assert not a_losing_desk(max_daily_loss="0.0004283348").all(StrategyPaused)


def test_the_new_day_ends_the_pause_and_starts_from_its_own_equity() -> None:
    desk = a_losing_desk()
    started, resumed = desk.apply(DayChange(at(MIDNIGHT)))
    assert isinstance(started, DayStarted)
    assert started.equity == Decimal("9995.716653")
    assert isinstance(resumed, StrategyResumed)
    assert not resumed.still_paused
    desk.apply(a_mark(80_000.0, MIDNIGHT))
    assert desk.decide(a_signal(minute=MIDNIGHT)).decision == "opened"


def test_the_days_basis_holds_open_positions_at_their_marks() -> None:
    desk = Desk()
    desk.open_long(minute=MIDNIGHT - 10)
    desk.apply(a_mark(81_000.0, MIDNIGHT - 1), DayChange(at(MIDNIGHT)))
    # 0.00249 x 960 less the entry's fee of 0.099650.
    assert desk.book.day_start_equity == Decimal("10002.290750")


def test_a_day_begins_once() -> None:
    desk = Desk()
    assert len(desk.apply(DayChange(at(0)))) == 1
    assert desk.apply(DayChange(at(0))) == []


def test_the_first_day_starts_with_the_initial_capital() -> None:
    assert Desk().book.day_start_equity == 10_000


def test_open_positions_keep_their_exits_during_a_pause() -> None:
    desk = Desk()
    desk.open_long()
    desk.apply(PauseByPerson("alpha", True, at(1), "a look at the data"))
    desk.apply(a_mark(70_000.0, 2))
    assert desk.closed()[0].exit_reason == "stop_loss"


def test_the_close_of_a_reversal_may_itself_cause_the_pause() -> None:
    # A close at the entry's mark loses fees and slippage, about 0.4 USD; a limit of 0.1 USD is crossed by that.
    desk = Desk(a_rule_book(max_daily_loss="0.00001"))
    desk.open_long()
    decision = desk.decide(a_signal("SHORT", 1))
    assert (decision.decision, decision.reason) == ("rejected", "paused")
    assert decision.closed_position is not None
    kinds = [type(event).__name__ for event in desk.events[-5:]]
    assert kinds == ["Order", "PositionState", "Fill", "StrategyPaused", "Decision"]


def test_a_loss_of_yesterday_found_late_does_not_touch_todays_limit() -> None:
    desk = Desk(a_rule_book(max_daily_loss="0.0004", cooldown_s="0"))
    desk.open_long(minute=MIDNIGHT - 10)
    desk.apply(DayChange(at(MIDNIGHT)))
    late = Mark("hyperliquid", "BTC", "BTC", 78_000.0, "x:late", at(MIDNIGHT) - 100, at(MIDNIGHT) + 400)
    desk.apply(late)
    assert desk.closed()[0].exit_ms == at(MIDNIGHT) - 100
    assert not desk.all(StrategyPaused)


def test_a_pause_by_a_person_ends_only_by_a_person() -> None:
    desk = Desk()
    desk.apply(PauseByPerson("alpha", True, at(0)), DayChange(at(MIDNIGHT)), a_mark(80_000.0, MIDNIGHT))
    assert desk.decide(a_signal(minute=MIDNIGHT)).reason == "paused"
    assert desk.apply(PauseByPerson("alpha", True, at(MIDNIGHT))) == []
    desk.apply(PauseByPerson("alpha", False, at(MIDNIGHT)))
    assert desk.decide(a_signal(minute=MIDNIGHT + 1)).decision == "opened"
    assert desk.apply(PauseByPerson("alpha", False, at(MIDNIGHT))) == []


def test_a_pause_by_a_person_outlasts_that_of_the_day() -> None:
    desk = a_losing_desk()
    desk.apply(PauseByPerson("alpha", True, at(3)), DayChange(at(MIDNIGHT)), a_mark(80_000.0, MIDNIGHT))
    assert desk.last(StrategyResumed).still_paused
    assert desk.decide(a_signal(minute=MIDNIGHT)).reason == "paused"
    assert desk.last(Decision).acted_on is False
