"""What a card says needs attention, for each of what can be wrong."""

from typing import Any

from trading_api.schemas import StrategyPause, StrategyRisk, StrategyRow
from trading_api.strategy_health import alerts

MINUTE_MS = 60_000
LOST = StrategyPause(cause="max_daily_loss", until_ms=86_400_000, reason="It lost what it may lose on a day.")
PERSON = StrategyPause(cause="person", until_ms=None, reason="ann: looks wrong")


def a_row(**changes: Any) -> StrategyRow:
    """Of its many fields those that are asked for here."""
    fields = {"status": "active", "status_reason": None, "interval": "1m", "last_evaluation_ms": 0}
    return StrategyRow.model_construct(**{**fields, **changes})


def paused_by(*pauses: StrategyPause) -> StrategyRisk:
    return StrategyRisk(
        strategy="careful", day_realised="0", day_loss_limit="95", day_used=0.0, open_positions=0, max_positions=3,
        exposure_usd="0", max_exposure="5000", changed_limits=[], pauses=list(pauses),
    )  # fmt: skip


def kinds(row: StrategyRow, risk: StrategyRisk | None, event_time_ms: int = 0) -> list[str]:
    return [alert.kind for alert in alerts(row, risk, None, event_time_ms)]


def test_a_day_limit_alone_is_no_pause_that_a_person_could_end() -> None:
    paused = a_row(status="paused", status_reason="closed -7.27 USD today")
    assert kinds(paused, paused_by(LOST)) == ["daily_limit"]
    assert kinds(paused, paused_by(PERSON)) == ["paused"]
    assert kinds(paused, paused_by(LOST, PERSON)) == ["daily_limit", "paused"]
    assert kinds(paused, None) == ["paused"]
    assert kinds(a_row(), paused_by()) == []


def test_a_pause_names_the_person_and_not_the_loss() -> None:
    row = a_row(status="paused", status_reason="closed -7.27 USD today")
    _, pause = alerts(row, paused_by(LOST, PERSON), None, 0)
    assert pause.text == "Paused, no entries until it is resumed. ann: looks wrong"


def test_a_failure_ends_its_sentence() -> None:
    [failed] = alerts(a_row(status="failed", status_reason="ZeroDivisionError: by zero"), None, None, 0)
    assert failed.text.startswith("ZeroDivisionError: by zero. Where it raised it is not evaluated")


def test_silence_begins_after_two_intervals_and_five_minutes() -> None:
    assert kinds(a_row(), None, 7 * MINUTE_MS) == []
    assert kinds(a_row(), None, 8 * MINUTE_MS) == ["silent"]
