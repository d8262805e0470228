"""The core's events as rows of `trading_paper`: column by column, what the broker writes and the audit expects."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from trading_core.broker.events import CommandApplied, Decision, EquityMark, Event, Fill, FundingPayment, PositionState
from trading_core.control.requests import Answer, Request
from trading_core.db.times import utc
from trading_core.ledger.entries import LedgerEntry

Row = dict[str, Any]
_body = msgspec.json.Encoder()


def body(event: Event) -> str:
    """The event as JSON text: what a later reader recomputes it from."""
    return _body.encode(event).decode()


def decision_row(event: Decision) -> Row:
    return {
        "event_id": event.event_id,
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
    }


def fill_row(event: Fill) -> Row:
    return {
        "event_id": event.event_id,
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
    }


def funding_row(event: FundingPayment) -> Row:
    return {
        "event_id": event.event_id,
        "position_id": event.position_id,
        "hour": utc(event.hour_ms),
        "booked_ts": utc(event.ts_ms),
        "rate": event.rate,
        "quantity": event.quantity,
        "mark_price": event.mark_price,
        "amount": event.amount,
        "body": body(event),
    }


def command_row(event: CommandApplied) -> Row:
    return {
        "event_id": event.event_id,
        "request_id": event.request_id,
        "ts": utc(event.ts_ms),
        "verb": event.verb,
        "who": event.who,
        "why": event.why,
        "body": body(event),
    }


def asked_and_answered(request: Request, answer: Answer) -> Row:
    """What the row of a command has beside `command_row`."""
    return {"request": msgspec.json.encode(request).decode(), "answer": msgspec.json.encode(answer).decode()}


def entry_row(entry: LedgerEntry, valued_from_ms: int) -> Row:
    """Its own columns, and `lines`: account, amount and quantity of each."""
    return {
        "event_id": entry.event_id,
        "ts": utc(entry.ts_ms),
        "valued_from": utc(valued_from_ms),
        "kind": entry.kind,
        "cause_id": entry.cause_id,
        "position_id": entry.position_id,
        "lines": [(line.account, line.amount, line.quantity) for line in entry.lines],
    }


def equity_row(event: EquityMark) -> Row:
    breakdown = {
        "strategies": {name: format(amount, "f") for name, amount in event.strategies.items()},
        "assets": {name: format(amount, "f") for name, amount in event.assets.items()},
    }
    return {
        "ts": utc(event.ts_ms),
        "total_equity": event.total_equity,
        "unrealised_pnl": event.unrealised,
        "realised_pnl": event.realised,
        "open_costs": event.open_costs,
        "open_positions": event.open_positions,
        "breakdown": json.dumps(breakdown),
    }


def position_row(event: PositionState) -> Row:
    """All but the columns that the signal's own row gives: `signal_id` and `metadata`."""
    return {
        "event_id": event.position_id,
        "version": event.version,
        "strategy": event.strategy,
        "asset": event.asset,
        "exchange": event.exchange,
        "instrument": event.instrument,
        "direction": event.direction,
        "status": event.status,
        "confidence": event.confidence,
        "quantity": event.quantity,
        "stake": event.stake,
        "entry_ts": utc(event.entry_ms),
        "entry_ref": event.entry_ref,
        "entry_price": event.entry_price,
        "stop_price": event.stop_price,
        "target_price": event.target_price,
        "deadline_ts": None if event.deadline_ms is None else utc(event.deadline_ms),
        "fees": event.fees,
        "funding_pnl": event.funding_pnl,
        "slippage_cost": event.slippage_cost,
        "suspect": event.suspect,
        "late": event.late,
        "exit_ts": None if event.exit_ms is None else utc(event.exit_ms),
        "exit_ref": event.exit_ref,
        "exit_price": event.exit_price,
        "exit_reason": event.exit_reason,
        "gross_pnl": event.gross_pnl,
        "realised_pnl": event.realised_pnl,
    }
