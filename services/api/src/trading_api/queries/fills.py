"""Fills with the position each belongs to."""

from __future__ import annotations

from collections.abc import Sequence

from trading_api.queries.conditions import Conditions, Statement

_FILLS = """
SELECT f.event_id, f.ts, f.strategy, f.exchange, f.asset, f.side, f.purpose, f.quantity, f.price, f.fee,
       p.direction, p.exit_reason, p.realised_pnl
FROM trading_paper.fills f JOIN trading_paper.positions p ON p.event_id = f.position_id"""


def newest(
    ledger_ids: Sequence[int], *, limit: int, strategy: str | None = None, asset: str | None = None
) -> Statement:
    conditions = _of(ledger_ids)
    for clause, wanted in (("f.strategy = {}", strategy), ("f.asset = {}", asset)):
        if wanted is not None:
            conditions.add(clause, wanted)
    return conditions.statement(_FILLS, f"ORDER BY f.ts DESC, f.event_id DESC LIMIT {int(limit)}")


def of_events(ledger_ids: Sequence[int], event_ids: Sequence[str]) -> Statement:
    """The fills of these event ids, oldest first."""
    conditions = _of(ledger_ids)
    conditions.add("f.event_id = ANY({}::text[])", list(event_ids))
    return conditions.statement(_FILLS, "ORDER BY f.ts, f.event_id")


def _of(ledger_ids: Sequence[int]) -> Conditions:
    found = Conditions()
    found.add("f.portfolio_id = ANY({}::integer[])", list(ledger_ids))
    return found
