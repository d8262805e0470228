"""What Postgres has of a span, by id, and what it says about itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
import msgspec

from recorder.audit import Figures, Span
from trading_core.db.times import millis, utc
from trading_core.db.watermarks import newest
from trading_core.messages import EXEC_KINDS
from trading_core.model import Exchange
from trading_core.streams import BOOK, EXEC, MARKET, SIGNALS, StreamSpec

ROWS_MAX = 100_000
"""Of more, a burst, only the newest are compared: the minute's check must stay small beside the minute's work."""
AHEAD_MS = 10_000
"""By how much of venue time a message may be in its stream before the watermark that reaches its event time."""
MARGIN_MS = 10_000
"""The same in ingest time: ten seconds of a venue that is replayed at speed 60 are a sixth of one of ours."""

_TICKS = """
SELECT event_id, ts FROM trading_market_data.ticks
WHERE ts > $1 AND ts <= $2 AND exchange = $4 AND (kind = 'book') = $5
"""
_SIGNALS = """
SELECT event_id, ts FROM trading_signals.signals WHERE ts > $1 AND ts <= $2
UNION ALL
SELECT event_id, to_timestamp(eval_ms / 1000::numeric) FROM trading_ops.grids
WHERE eval_ms > extract(epoch FROM $1) * 1000 AND eval_ms <= extract(epoch FROM $2) * 1000
"""
_EXEC = "SELECT event_id, ts FROM trading_ops.exec_events WHERE kind = ANY($4) AND ts > $1 AND ts <= $2"
_NEWEST = """
WITH newest AS (SELECT * FROM ({rows}) found ORDER BY ts DESC LIMIT $3),
     bound AS (SELECT CASE WHEN count(*) < $3 THEN $1 ELSE min(ts) END AS begins FROM newest)
SELECT begins, coalesce(array_agg(event_id) FILTER (WHERE ts > begins), '{{}}') AS ids
FROM bound LEFT JOIN newest ON TRUE GROUP BY begins
"""


@dataclass(frozen=True)
class Source:
    """Messages of one stream, and where they are in Postgres. `exchange`: None for a stream of no exchange."""

    stream: StreamSpec
    exchange: str | None
    filters: tuple[str, ...]
    rows: str
    arguments: tuple[object, ...] = ()


def sources() -> list[Source]:
    found = [
        Source(stream, exchange, (f"{stream.name.lower()}.{exchange}.>",), _TICKS, (exchange, stream is BOOK))
        for exchange in Exchange
        for stream in (MARKET, BOOK)
    ]
    return [
        *found,
        Source(SIGNALS, None, SIGNALS.subjects, _SIGNALS),
        Source(EXEC, None, EXEC.subjects, _EXEC, (EXEC_KINDS,)),
    ]


# Where a read of the stream has to begin: an exchange that is far behind does not count.
_INGESTED = """
SELECT min(ingest_time) FROM unnest($1::text[]) AS exchange CROSS JOIN LATERAL (
    SELECT ingest_time FROM trading_ops.watermarks w
    WHERE w.exchange = exchange.exchange AND w.stream = $2 AND w.watermark_ms <= $3 AND w.watermark_ms > $3 - 600000
    ORDER BY watermark_ms DESC LIMIT 1) before
"""


async def now_ms(db: asyncpg.Connection, source: Source) -> int | None:
    """How far venue time has come in what is committed; None before any watermark."""
    exchanges, stream = _led_by(source)
    decided = await newest(db, stream)
    return max((decided[exchange] for exchange in exchanges if exchange in decided), default=None)


async def ingested_ns(db: asyncpg.Connection, source: Source, after_ms: int) -> int:
    """An ingest time before which the stream has hardly anything later than `after_ms`; 0, its start, if unknown.

    Hardly: what is backfilled after an outage can be there minutes before the watermarks come so far.
    """
    found = await db.fetchval(_INGESTED, *_led_by(source), after_ms - AHEAD_MS)
    return 0 if found is None else (millis(found) - MARGIN_MS) * 1_000_000


async def ids_of(db: asyncpg.Connection, source: Source, span: Span) -> tuple[Span, list[str]]:
    """The ids in `span`, or in its newest part when they are too many, and that part."""
    query = _NEWEST.format(rows=source.rows)
    row = await db.fetchrow(query, utc(span.after_ms), utc(span.until_ms), ROWS_MAX, *source.arguments)
    return Span(millis(row["begins"]), span.until_ms), row["ids"]


class _Named(msgspec.Struct):
    id: str


_LETTERS = "SELECT payload FROM trading_ops.dead_letters WHERE stored_at > now() - interval '1 day' AND source <> ''"
_named = msgspec.json.Decoder(_Named)


async def dead_letter_ids(db: asyncpg.Connection) -> set[str]:
    """Ids of messages that are not stored because they could not be, as far as a letter names one."""
    found = set()
    for row in await db.fetch(_LETTERS):
        try:
            found.add(_named.decode(row["payload"]).id)
        except msgspec.DecodeError:
            continue
    return found


_FIGURES = """
SELECT (SELECT count(*) FROM trading_market_data.ticks_default) AS default_partition_rows,
       coalesce((SELECT extract(epoch FROM now() - min(created_at)) FROM trading_paper.outbox
                 WHERE sent_at IS NULL), 0)::float8 AS outbox_unsent_s
"""
# Positions that are open or were closed lately; older ones were looked at when they were young.
_POSITION_SUMS = """
SELECT count(*) FROM trading_paper.positions p
WHERE (p.status = 'OPEN' OR p.exit_ts > $1) AND (
    p.fees IS DISTINCT FROM (
        SELECT coalesce(sum(f.fee), 0) FROM trading_paper.fills f WHERE f.position_id = p.event_id)
    OR p.funding_pnl IS DISTINCT FROM (
        SELECT coalesce(sum(y.amount), 0) FROM trading_paper.funding_payments y WHERE y.position_id = p.event_id)
    OR (p.status = 'CLOSED' AND p.realised_pnl IS DISTINCT FROM p.gross_pnl - p.fees + p.funding_pnl))
"""
_EQUITY_SUMS = """
SELECT count(*) FROM trading_paper.mark_to_market m JOIN trading_paper.portfolio p ON p.id = m.portfolio_id
WHERE m.ts > $1 AND m.total_equity <> p.initial_capital + m.realised_pnl + m.unrealised_pnl + m.open_costs
"""
# What was announced a moment ago may still be on its way here.
_FILLS_UNSAID = """
SELECT count(*) FROM trading_paper.fills f JOIN trading_paper.outbox o ON o.event_id = f.event_id
WHERE f.ts > $1 AND o.sent_at < now() - interval '1 minute'
  AND NOT EXISTS (SELECT FROM trading_ops.exec_events e WHERE e.event_id = f.event_id)
"""
_FILLS_UNKNOWN = """
SELECT count(*) FROM trading_ops.exec_events e
WHERE e.kind = 'fill' AND e.ts > $1
  AND NOT EXISTS (SELECT FROM trading_paper.fills f WHERE f.event_id = e.event_id)
"""
_IDENTITIES = {
    "position_sums": _POSITION_SUMS,
    "equity_sums": _EQUITY_SUMS,
    "fills_unsaid": _FILLS_UNSAID,
    "fills_unknown": _FILLS_UNKNOWN,
}


async def figures(db: asyncpg.Connection, after_ms: int, *, exec_is_behind: bool) -> Figures:
    """Of the ledger what happened after `after_ms`. `exec_is_behind`: EXEC has messages that are not stored yet."""
    row = await db.fetchrow(_FIGURES)
    broken = {name: int(await db.fetchval(query, utc(after_ms))) for name, query in _IDENTITIES.items()}
    if exec_is_behind:
        broken["fills_unsaid"] = 0
    return Figures(row["default_partition_rows"], row["outbox_unsent_s"], broken)


def _led_by(source: Source) -> tuple[Sequence[str], str]:
    """Exchanges and stream whose watermarks tell its time: signals and executions follow the market data of all."""
    if source.exchange is not None:
        return [source.exchange], source.stream.name
    return list(Exchange), MARKET.name
