"""The ledger's rows of one span from Postgres, keyed as the recomputation keys them."""

from __future__ import annotations

import asyncpg

from trading_core import ids
from trading_core.audit.recompute import Recomputed, Row, Table
from trading_core.db.times import millis, utc
from trading_core.model import MINUTE_MS
from trading_core.parity.recording import Span

# Those that were recomputed, and those of the time of the span that were not: neither may be missing.
_ROWS = """
SELECT * FROM trading_paper.{table} r WHERE portfolio_id = $1 AND event_id = ANY($2)
UNION ALL
SELECT * FROM trading_paper.{table} r WHERE portfolio_id = $1 AND {time} > $3 AND {time} <= $4
    AND event_id <> ALL($2) {known}
"""
# An announced event of another span keeps its event time: one that was announced at all is judged there.
_UNANNOUNCED = "AND NOT EXISTS (SELECT FROM trading_ops.exec_events e WHERE e.event_id = r.{id})"
_UNOPENED = "AND NOT EXISTS (SELECT FROM trading_ops.exec_events e WHERE e.event_id = 'ps:' || r.event_id || ':1')"
_TIMES = {
    "decisions": ("ts", "event_id"), "fills": ("ts", "event_id"), "funding_payments": ("booked_ts", "event_id"),
    "commands": ("ts", "event_id"), "ledger_entries": ("ts", "cause_id"),
}  # fmt: skip
_MARKS = "SELECT * FROM trading_paper.mark_to_market WHERE portfolio_id = $1 AND ts > $2 AND ts <= $3"
_LINES = "SELECT * FROM trading_paper.ledger_lines WHERE entry_id = ANY($1) ORDER BY entry_id, number"


async def ledger_rows(db: asyncpg.Connection, span: Span, expected: Recomputed) -> dict[str, Table]:
    """By table and key, with the lines of an entry beside its own columns."""
    bounds = (utc(span.first_ms - MINUTE_MS), utc(span.last_ms))
    found: dict[str, Table] = {}
    for table, (time, id) in _TIMES.items():
        sql = _ROWS.format(table=table, time=time, known=_UNANNOUNCED.format(id=id))
        rows = await db.fetch(sql, span.portfolio_id, list(expected.tables[table]), *bounds)
        found[table] = {row["event_id"]: dict(row) for row in rows}
    sql = _ROWS.format(table="positions", time="entry_ts", known=_UNOPENED)
    rows = await db.fetch(sql, span.portfolio_id, list(expected.tables["positions"]), *bounds)
    found["positions"] = {row["event_id"]: dict(row) for row in rows}
    marks = await db.fetch(_MARKS, span.portfolio_id, *bounds)
    found["mark_to_market"] = {ids.equity(span.portfolio, millis(row["ts"])): dict(row) for row in marks}
    entries = found["ledger_entries"]
    for row in entries.values():
        row["lines"] = []
    for line in await db.fetch(_LINES, list(entries)):
        _lines_of(entries[line["entry_id"]]).append((line["account"], line["amount"], line["quantity"]))
    return found


def _lines_of(entry: Row) -> list[object]:
    lines: list[object] = entry["lines"]
    return lines
