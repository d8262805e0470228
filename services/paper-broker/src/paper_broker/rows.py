"""The core's events as statements: one INSERT or UPDATE per event, every value a parameter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from trading_core.broker.events import (
    CommandApplied,
    Decision,
    EquityMark,
    Event,
    Fill,
    FundingPayment,
    PositionState,
    StrategyPaused,
    StrategyResumed,
)
from trading_core.control.requests import Answer, Request
from trading_core.db.times import utc
from trading_core.ledger import rows
from trading_core.ledger.entries import LedgerEntry


@dataclass(frozen=True)
class Statement:
    """SQL with its parameters. `rows` is how many rows it must touch, where that is an invariant.

    `writes`: a row that more than one statement of a transaction may write (see `together`). `returning`: the column
    whose values are wanted; otherwise the number of rows is.
    """

    sql: str
    values: tuple[Any, ...]
    rows: int | None = None
    writes: str | None = None
    returning: str | None = None


def insert(table: str, values: dict[str, Any]) -> Statement:
    """INSERT of one row; table and columns are spelled in our modules, never taken from data."""
    columns = ", ".join(values)
    marks = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    return Statement(f"INSERT INTO trading_paper.{table} ({columns}) VALUES ({marks})", tuple(values.values()))  # noqa: S608


def statements(event: Event, portfolio_id: int) -> Iterator[Statement]:
    """What `event` writes besides its outbox row."""
    owner = {"portfolio_id": portfolio_id}
    match event:
        case Decision():
            yield insert("decisions", owner | rows.decision_row(event))
            place = (event.strategy, event.exchange, event.instrument, event.signal_ts_ms)
            yield Statement(_INBOX, (portfolio_id, *place, event.signal_id), rows=1)
            if event.acted_on:
                yield Statement(_ACTED, (event.signal_id,), rows=1)
        case PositionState(version=1):
            yield _opened(event, portfolio_id)
        case PositionState():
            yield _changed(event)
        case Fill():
            yield insert("fills", owner | rows.fill_row(event))
        case FundingPayment():
            yield insert("funding_payments", owner | rows.funding_row(event))
        case EquityMark():
            yield insert("mark_to_market", owner | rows.equity_row(event))
        case StrategyPaused():
            reason = event.reason or event.cause
            yield Statement(_STATUS, (event.strategy, "paused", reason), writes=event.strategy)
        case StrategyResumed(still_paused=False):
            yield Statement(_STATUS, (event.strategy, "active", None), writes=event.strategy)
        case _:
            pass  # orders, owed funding and day starts live in the outbox and in EXEC only


def ledger_statements(entries: Sequence[LedgerEntry], portfolio_id: int, valued_from_ms: int) -> Iterator[Statement]:
    """The entries of one transaction; they come after the rows that they name."""
    if not entries:
        return
    lines = [(entry.event_id, number, line) for entry in entries for number, line in enumerate(entry.lines, start=1)]
    yield Statement(
        _ENTRIES,
        (
            portfolio_id, utc(valued_from_ms), [entry.event_id for entry in entries],
            [utc(entry.ts_ms) for entry in entries], [entry.kind for entry in entries],
            [entry.cause_id for entry in entries], [entry.position_id for entry in entries],
        ),
        rows=len(entries),
    )  # fmt: skip
    yield Statement(
        _LINES,
        (
            [entry_id for entry_id, _, _ in lines], [number for _, number, _ in lines],
            [line.account for _, _, line in lines], [line.amount for _, _, line in lines],
            [line.quantity for _, _, line in lines],
        ),
        rows=len(lines),
    )  # fmt: skip


def command_statement(applied: CommandApplied, request: Request, answer: Answer, portfolio_id: int) -> Statement:
    """What was asked and answered, beside who and why."""
    texts = rows.asked_and_answered(request, answer)
    return insert("commands", {"portfolio_id": portfolio_id, **rows.command_row(applied), **texts})


_STATUS = "UPDATE trading_paper.strategies SET status = $2, status_reason = $3, updated_at = now() WHERE name = $1"
# By its key: after an outage the inbox holds thousands, and an id alone would be looked for in all of them.
_INBOX = """
UPDATE trading_paper.signal_inbox SET state = 'applied'
WHERE portfolio_id = $1 AND strategy = $2 AND exchange = $3 AND instrument = $4 AND eval_ms = $5 AND event_id = $6
"""
_ACTED = "UPDATE trading_signals.signals SET acted_on = TRUE WHERE event_id = $1"
_ENTRIES = """
INSERT INTO trading_paper.ledger_entries (portfolio_id, valued_from, event_id, ts, kind, cause_id, position_id)
SELECT $1, $2, * FROM unnest($3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[])
"""
_LINES = """
INSERT INTO trading_paper.ledger_lines (entry_id, number, account, amount, quantity)
SELECT * FROM unnest($1::text[], $2::smallint[], $3::text[], $4::numeric[], $5::numeric[])
"""
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
        writes=event.position_id,
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
        writes=event.position_id,
    )  # fmt: skip
