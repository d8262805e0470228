"""What needs attention about a strategy. Pure."""

from __future__ import annotations

from trading_api.schemas import StrategyRisk, StrategyRow
from trading_api.schemas_compare import Alert
from trading_core.model import INTERVALS_MS, MINUTE_MS

SPARE_MS = 5 * MINUTE_MS
"""Beyond two intervals: an evaluation waits for its watermarks."""


def alerts(
    row: StrategyRow, risk: StrategyRisk | None, reload_error: str | None, event_time_ms: int | None
) -> list[Alert]:
    """Worst first; empty when all is well."""
    found = []
    reasons = {pause.cause: pause.reason for pause in risk.pauses} if risk is not None else {}
    limit_hit = "max_daily_loss" in reasons
    if row.status == "failed":
        raised = (row.status_reason or "It raised").rstrip(".")
        text = f"{raised}. Where it raised it is not evaluated until its file changes: correct it and save."
        found.append(Alert(kind="failed", text=text))
    if limit_hit:
        text = "It lost what it may lose on a day: no entries until the next UTC day."
        found.append(Alert(kind="daily_limit", text=text))
    if "person" in reasons or (row.status == "paused" and not limit_hit):
        because = reasons.get("person") or row.status_reason or "no reason was given"
        found.append(Alert(kind="paused", text=f"Paused, no entries until it is resumed. {because}"))
    if reload_error is not None:
        text = f"Its newest version was refused, the one before goes on: {reload_error}"
        found.append(Alert(kind="not_reloaded", text=text))
    if row.status == "active" and (quiet := silent(row, event_time_ms)):
        found.append(Alert(kind="silent", text=quiet))
    return found


def silent(row: StrategyRow, event_time_ms: int | None) -> str | None:
    """Not evaluated for two intervals of market time and five minutes more; never before there is market time."""
    interval_ms = INTERVALS_MS.get(row.interval)
    if event_time_ms is None or interval_ms is None:
        return None
    if row.last_evaluation_ms is None:
        return "It has not been evaluated yet. Is strategy-runner up, and has it enough candles?"
    minutes = (event_time_ms - row.last_evaluation_ms) // MINUTE_MS
    if event_time_ms - row.last_evaluation_ms <= 2 * interval_ms + SPARE_MS:
        return None
    return f"Not evaluated for {minutes} minutes of market time. See strategy-runner and the open gaps."
