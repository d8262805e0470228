"""All that a live run said in one span, as ledger and recorder keep it."""

from __future__ import annotations

import json
from collections.abc import Iterable

import asyncpg
import msgspec

from trading_core import messages
from trading_core.broker.inputs import Command, Place
from trading_core.db.times import millis, utc
from trading_core.messages import ExecMessage, SignalMessage
from trading_core.model import DAY_MS, MINUTE_MS
from trading_core.parity.recording import Outputs, Span, day_checkpoint

# Strategies are named so that their index serves: rows without a signal are in no other one.
_SIGNALS = """
SELECT payload FROM trading_signals.signals
WHERE strategy IN (SELECT name FROM trading_paper.strategies) AND ts >= $1 AND ts <= $2
"""
_OLDEST_EVALUATION = """
SELECT min(first) FROM trading_paper.strategies s CROSS JOIN LATERAL (
    SELECT ts AS first FROM trading_signals.signals
    WHERE strategy = s.name AND direction IS NULL ORDER BY ts LIMIT 1) kept
"""
# The ledger's valuation ends a minute, and ids of the outbox follow the order of application.
_OUTBOX_ID = """
SELECT outbox_id FROM trading_ops.exec_events
WHERE kind = 'equity' AND portfolio = $1 AND ts <= $2 ORDER BY ts DESC LIMIT 1
"""
_ANNOUNCED = """
SELECT payload FROM trading_ops.exec_events
WHERE portfolio = $1 AND outbox_id > $2 AND outbox_id <= $3 ORDER BY outbox_id
"""
# What was announced in the span, and what stands in the ledger for its time without ever having been announced.
_ROWS = """
SELECT event_id, body FROM trading_paper.{table} r WHERE portfolio_id = $1 AND event_id = ANY($2)
UNION ALL
SELECT event_id, body FROM trading_paper.{table} r WHERE portfolio_id = $1 AND {time} > $3 AND {time} <= $4
    AND NOT EXISTS (SELECT FROM trading_ops.exec_events e WHERE e.event_id = r.event_id)
"""
_NOT_ON_TIME = """
SELECT asked.id, d.event_id IS NULL AS undecided FROM unnest($2::text[]) asked(id)
LEFT JOIN trading_paper.decisions d ON d.portfolio_id = $1 AND d.signal_event_id = asked.id
WHERE d.late OR d.event_id IS NULL
"""

_LAST_DECISIONS = """
SELECT last.body FROM trading_paper.strategies s CROSS JOIN LATERAL (
    SELECT body FROM trading_paper.decisions
    WHERE portfolio_id = $1 AND strategy = s.name AND ts <= $3 ORDER BY ts DESC LIMIT 1) last
WHERE s.name <> ALL ($2)
"""


async def outputs(db: asyncpg.Connection, span: Span) -> Outputs:
    """Everything the run said at the grid points of `span`, and nothing of what it said before or after."""
    found = Outputs()
    await _read_announced(db, span, found)
    await _read_ledger(db, span, found)
    shards_skipped = await _read_skips(db, span, found)
    for message in await _signals(db, _SIGNALS, utc(span.first_ms), utc(span.last_ms)):
        found.signals.setdefault(message.ts, {})[message.id] = message
    first_pass = await db.fetchval(_OLDEST_EVALUATION)
    found.passes_from_ms = 0 if first_pass is None else millis(first_pass)
    await _read_late(db, span, found, shards_skipped)
    await _read_rules(db, span, found)
    if (span.last_ms + MINUTE_MS) % DAY_MS == 0:
        found.ended_with = await day_checkpoint(db, span.portfolio_id, span.last_ms + MINUTE_MS)
    return found


async def _read_announced(db: asyncpg.Connection, span: Span, found: Outputs) -> None:
    before = await db.fetchval(_OUTBOX_ID, span.portfolio, utc(span.first_ms - MINUTE_MS))
    last = await db.fetchval(_OUTBOX_ID, span.portfolio, utc(span.last_ms))
    for row in await db.fetch(_ANNOUNCED, span.portfolio, before or 0, last or 0):
        message = messages.decode(row["payload"])
        assert isinstance(message, ExecMessage)
        if message.kind != "skip":
            found.announced.append(message)


async def _read_ledger(db: asyncpg.Connection, span: Span, found: Outputs) -> None:
    ids = [message.id for message in found.announced]
    bounds = (utc(span.first_ms - MINUTE_MS), utc(span.last_ms))
    tables = (("decisions", "ts"), ("fills", "ts"), ("funding_payments", "booked_ts"))
    for (table, time), rows in zip(tables, (found.decisions, found.fills, found.funding), strict=True):
        for row in await db.fetch(_ROWS.format(table=table, time=time), span.portfolio_id, ids, *bounds):
            rows[row["event_id"]] = row["body"]
    for row in await db.fetch(
        "SELECT * FROM trading_paper.mark_to_market WHERE portfolio_id = $1 AND ts > $2 AND ts <= $3",
        span.portfolio_id,
        *bounds,
    ):
        found.equity[millis(row["ts"])] = row
    positions = list({m.body["position_id"] for m in found.announced if m.kind == "position"})
    for row in await db.fetch("SELECT * FROM trading_paper.positions WHERE event_id = ANY($1)", positions):
        found.positions[row["event_id"]] = row


async def _read_skips(db: asyncpg.Connection, span: Span, found: Outputs) -> set[tuple[int, str]]:
    """Those of exchanges go to `found`; which shards were skipped at which grid point."""
    shards = set()
    for row in await db.fetch(
        "SELECT ts, who, watermark_ms FROM trading_paper.skips WHERE portfolio_id = $1 AND ts >= $2 AND ts <= $3",
        span.portfolio_id,
        utc(span.first_ms),
        utc(span.last_ms),
    ):
        ts = millis(row["ts"])
        if row["watermark_ms"] is None:
            shards.add((ts, row["who"]))
        else:
            found.skips.setdefault(ts, {})[row["who"]] = row["watermark_ms"]
    return shards


async def _read_late(db: asyncpg.Connection, span: Span, found: Outputs, shards_skipped: set[tuple[int, str]]) -> None:
    """Signals applied late in the span, in their order, and those of the span that were so later or not yet."""
    applied = [message for message in found.announced if _was_inserted(message)]
    ids = [message.body["signal_id"] for message in applied if message.kind == "decision"]
    late = {
        message.id: message
        for message in await _signals(db, "SELECT payload FROM trading_signals.signals WHERE event_id = ANY($1)", ids)
    }
    for message in applied:
        inserted = _command(message) if message.kind == "command" else late.get(message.body["signal_id"])
        if inserted is not None:
            found.late.setdefault(Place(**message.body["place"]), []).append(inserted)
    tradable = {s.id: s for point in found.signals.values() for s in point.values() if s.direction != "PASS"}
    found.late_ids = set(ids)
    for row in await db.fetch(_NOT_ON_TIME, span.portfolio_id, list(tradable)):
        signal = tradable[row["id"]]
        if not row["undecided"] or (signal.ts, f"{signal.grid}/{signal.asset}") in shards_skipped:
            found.late_ids.add(signal.id)


def _was_inserted(message: ExecMessage) -> bool:
    """Whether it tells of something that has no place of its own in the streams."""
    return message.kind == "command" or (message.kind == "decision" and message.body["late"])


def _command(message: ExecMessage) -> Command:
    return msgspec.convert({**message.body, "type": "command"}, Command)


async def _read_rules(db: asyncpg.Connection, span: Span, found: Outputs) -> None:
    """Those of the decisions of the span; of a strategy that made none, those of its last one before."""
    bodies = [message.body for message in found.announced if message.kind == "decision"]
    strategies = {body["strategy"] for body in bodies}
    for row in await db.fetch(_LAST_DECISIONS, span.portfolio_id, list(strategies), utc(span.last_ms)):
        bodies.append(json.loads(row["body"]))
    for body in bodies:
        rules = (body["strategy"], body["exchange"], body["rules"])
        if rules not in found.rules:
            found.rules.append(rules)


async def _signals(db: asyncpg.Connection, sql: str, *values: object) -> Iterable[SignalMessage]:
    for_all = [messages.decode(row["payload"]) for row in await db.fetch(sql, *values)]
    return [message for message in for_all if isinstance(message, SignalMessage)]
