"""Signals with an opinion and what the broker decided about each, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from trading_api.queries.conditions import Conditions, Statement

_SIGNALS = """
SELECT s.id, s.event_id, s.ts, s.strategy, s.exchange, s.asset, s.direction, s.confidence, s.entry_price,
       d.decision, d.reason
FROM trading_signals.signals s
LEFT JOIN trading_paper.decisions d ON d.signal_event_id = s.event_id AND d.portfolio_id = ANY($1::integer[])"""


@dataclass(frozen=True)
class SignalFilters:
    """None does not filter. ts in [since, until)."""

    strategy: str | None = None
    asset: str | None = None
    direction: str | None = None
    decision: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def page(
    ledger_ids: Sequence[int], filters: SignalFilters, *, limit: int, after: tuple[datetime, int] | None = None
) -> Statement:
    """`limit` signals older than `after`, a signal's ts and id."""
    conditions = Conditions()
    conditions.values.append(list(ledger_ids))
    conditions.add("s.direction IS NOT NULL")
    for clause, wanted in (
        ("s.strategy = {}", filters.strategy),
        ("s.asset = {}", filters.asset),
        ("s.direction = {}", filters.direction),
        ("d.decision = {}", filters.decision),
        ("s.ts >= {}", filters.since),
        ("s.ts < {}", filters.until),
    ):
        if wanted is not None:
            conditions.add(clause, wanted)
    if after is not None:
        conditions.add("(s.ts, s.id) < ({}, {}::bigint)", *after)
    return conditions.statement(_SIGNALS, f"ORDER BY s.ts DESC, s.id DESC LIMIT {int(limit)}")


def of_events(ledger_ids: Sequence[int], event_ids: Sequence[str]) -> Statement:
    """The signals of these event ids, oldest first."""
    conditions = Conditions()
    conditions.values.append(list(ledger_ids))
    conditions.add("s.event_id = ANY({}::text[])", list(event_ids))
    return conditions.statement(_SIGNALS, "ORDER BY s.ts, s.id")
