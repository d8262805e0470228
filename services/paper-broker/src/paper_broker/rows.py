"""The core's events as rows: one INSERT or UPDATE per event, every value a parameter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from trading_core.broker.events import (
    Decision,
    EquityMark,
    Event,
    Fill,
    FundingPayment,
    PositionState,
    StrategyPaused,
    StrategyResumed,
)
from trading_core.db.times import utc

_body = msgspec.json.Encoder()


@dataclass(frozen=True)
class Statement:
    """SQL with its parameters. `rows` is how many rows it must touch, where that is an invariant.

    `alone`: of such statements no two may be parts of one (see `together`).
    """

    sql: str
    values: tuple[Any, ...]
    rows: int | None = None
    alone: bool = False


def body(event: Event) -> str:
    """The event as JSON text: what a later reader recomputes it from."""
    return _body.encode(event).decode()


def insert(table: str, values: dict[str, Any]) -> Statement:
    """INSERT of one row; table and columns are spelled in this module, never taken from data."""
    columns = ", ".join(values)
    marks = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    return Statement(f"INSERT INTO trading_paper.{table} ({columns}) VALUES ({marks})", tuple(values.values()))  # noqa: S608


def statements(event: Event, portfolio_id: int) -> Iterator[Statement]:
    """What `event` writes besides its outbox row."""
    match event:
        case Decision():
            yield from _decision(event, portfolio_id)
        case PositionState(version=1):
            yield _opened(event, portfolio_id)
        case PositionState():
            yield _changed(event)
        case Fill():
            yield _fill(event, portfolio_id)
        case FundingPayment():
            yield _funding(event, portfolio_id)
        case EquityMark():
            yield _equity(event, portfolio_id)
        case StrategyPaused():
            reason = event.reason or event.cause
            yield Statement(_STATUS, (event.strategy, "paused", reason))
        case StrategyResumed(still_paused=False):
            yield Statement(_STATUS, (event.strategy, "active", None))
        case _:
            pass  # orders, owed funding and day starts live in the outbox and in EXEC only


_STATUS = "UPDATE trading_paper.strategies SET status = $2, status_reason = $3, updated_at = now() WHERE name = $1"
_INBOX = "UPDATE trading_paper.signal_inbox SET state = 'applied' WHERE portfolio_id = $1 AND event_id = $2"
_ACTED = "UPDATE trading_signals.signals SET acted_on = TRUE WHERE event_id = $1"


def _decision(event: Decision, portfolio_id: int) -> Iterator[Statement]:
    yield insert(
        "decisions",
        {
            "event_id": event.event_id,
            "portfolio_id": portfolio_id,
            "signal_event_id": event.signal_id,
            "ts": utc(event.ts_ms),
            "strategy": event.strategy,
            "asset": event.asset,
            "exchange": event.exchange,
            "instrument": event.instrument,
            "direction": event.direction,
            "decision": event.decision,
            "reason": event.reason,
            "acted_on": event.acted_on,
            "position_id": event.position_id,
            "closed_position": event.closed_position,
            "mark_price": event.mark_price,
            "mark_event_id": event.mark_event_id,
            "mark_ts": None if event.mark_ms is None else utc(event.mark_ms),
            "applied_visible_ms": event.place.visible_ms,
            "applied_rank": event.place.rank,
            "applied_key": event.place.key,
            "late": event.late,
            "body": body(event),
        },
    )
    yield Statement(_INBOX, (portfolio_id, event.signal_id), rows=1)
    if event.acted_on:
        yield Statement(_ACTED, (event.signal_id,), rows=1)


_OPENED = """
INSERT INTO trading_paper.positions (
    portfolio_id, strategy, asset, exchange, instrument, direction, entry_price, entry_ts, quantity, status,
    signal_id, metadata, event_id, version, confidence, stake, entry_ref, stop_price, target_price, deadline_ts,
    fees, funding_pnl, slippage_cost, suspect, late)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, 'OPEN', id, metadata, $10, 1, $11, $12, $13, $14, $15, $16,
    $17, $18, $19, $20, $21
FROM trading_signals.signals WHERE event_id = $22
"""


def _opened(event: PositionState, portfolio_id: int) -> Statement:
    return Statement(
        _OPENED,
        (
            portfolio_id, event.strategy, event.asset, event.exchange, event.instrument, event.direction,
            event.entry_price, utc(event.entry_ms), event.quantity, event.position_id, event.confidence,
            event.stake, event.entry_ref, event.stop_price, event.target_price,
            None if event.deadline_ms is None else utc(event.deadline_ms),
            event.fees, event.funding_pnl, event.slippage_cost, event.suspect, event.late, event.signal_id,
        ),
        rows=1,
        alone=True,
    )  # fmt: skip


_CHANGED = """
UPDATE trading_paper.positions SET version = $2, status = $3, quantity = $4, fees = $5, funding_pnl = $6,
    slippage_cost = $7, suspect = $8, late = $9, exit_price = $10, exit_ref = $11, exit_ts = $12, exit_reason = $13,
    gross_pnl = $14, realised_pnl = $15
WHERE event_id = $1 AND version = $2 - 1
"""


def _changed(event: PositionState) -> Statement:
    return Statement(
        _CHANGED,
        (
            event.position_id, event.version, event.status, event.quantity, event.fees, event.funding_pnl,
            event.slippage_cost, event.suspect, event.late, event.exit_price, event.exit_ref,
            None if event.exit_ms is None else utc(event.exit_ms), event.exit_reason, event.gross_pnl,
            event.realised_pnl,
        ),
        rows=1,
        alone=True,
    )  # fmt: skip


def _fill(event: Fill, portfolio_id: int) -> Statement:
    return insert(
        "fills",
        {
            "event_id": event.event_id,
            "portfolio_id": portfolio_id,
            "order_id": event.order_id,
            "position_id": event.position_id,
            "ts": utc(event.ts_ms),
            "strategy": event.strategy,
            "asset": event.asset,
            "exchange": event.exchange,
            "side": event.side,
            "purpose": event.purpose,
            "quantity": event.quantity,
            "price": event.price,
            "reference_price": event.reference_price,
            "fee": event.fee,
            "mark_event_id": event.mark_event_id,
            "late": event.late,
            "body": body(event),
        },
    )


def _funding(event: FundingPayment, portfolio_id: int) -> Statement:
    return insert(
        "funding_payments",
        {
            "event_id": event.event_id,
            "portfolio_id": portfolio_id,
            "position_id": event.position_id,
            "hour": utc(event.hour_ms),
            "booked_ts": utc(event.ts_ms),
            "rate": event.rate,
            "quantity": event.quantity,
            "mark_price": event.mark_price,
            "amount": event.amount,
            "body": body(event),
        },
    )


def _equity(event: EquityMark, portfolio_id: int) -> Statement:
    breakdown = {
        "strategies": {name: format(amount, "f") for name, amount in event.strategies.items()},
        "assets": {name: format(amount, "f") for name, amount in event.assets.items()},
    }
    return insert(
        "mark_to_market",
        {
            "portfolio_id": portfolio_id,
            "ts": utc(event.ts_ms),
            "total_equity": event.total_equity,
            "unrealised_pnl": event.unrealised,
            "realised_pnl": event.realised,
            "open_costs": event.open_costs,
            "open_positions": event.open_positions,
            "breakdown": json.dumps(breakdown),
        },
    )
