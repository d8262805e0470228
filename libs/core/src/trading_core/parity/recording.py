"""What a live run left in Postgres: its inputs, to be fed through the same code again, and its outputs, to compare."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import asyncpg

from trading_core import messages
from trading_core.broker.inputs import Place
from trading_core.db.times import millis, utc
from trading_core.errors import ConfigError
from trading_core.messages import ExecMessage, MarketData, SignalMessage
from trading_core.model import MINUTE_MS
from trading_core.sequence.shard import first_grid_point

CHUNK_MS = 6 * 60 * MINUTE_MS


@dataclass(frozen=True)
class Span:
    """Grid points `first_ms` to `last_ms` of one portfolio, both included: replayed from the very first one."""

    portfolio: str
    portfolio_id: int
    first_ms: int
    last_ms: int


@dataclass
class Outputs:
    """What the live run said. Texts are compared as they are; ids lead to them."""

    signals: dict[int, dict[str, SignalMessage]] = field(default_factory=dict)
    late: dict[Place, list[SignalMessage]] = field(default_factory=dict)
    skips: dict[int, dict[str, int]] = field(default_factory=dict)
    announced: list[ExecMessage] = field(default_factory=list)
    decisions: dict[str, str] = field(default_factory=dict)
    fills: dict[str, str] = field(default_factory=dict)
    funding: dict[str, str] = field(default_factory=dict)
    equity: dict[int, asyncpg.Record] = field(default_factory=dict)
    positions: dict[str, asyncpg.Record] = field(default_factory=dict)


async def recorded_span(db: asyncpg.Connection, portfolio: str, exchanges: list[str]) -> Span:
    """From the first grid point ever to the newest one that both ledger and recorder have whole."""
    portfolio_id = await db.fetchval("SELECT id FROM trading_paper.portfolio WHERE name = $1", portfolio)
    firsts = [
        await db.fetchval(
            "SELECT min(watermark_ms) FROM trading_ops.watermarks WHERE exchange = $1 AND stream = 'MARKET'", exchange
        )
        for exchange in exchanges
    ]
    last = await db.fetchval(
        "SELECT max(ts) FROM trading_ops.exec_events WHERE kind = 'equity' AND portfolio = $1", portfolio
    )
    if portfolio_id is None or last is None or None in firsts:
        raise ConfigError(f"portfolio {portfolio} has no recorded run yet. Start one with make demo or make run.")
    return Span(portfolio, portfolio_id, first_grid_point(max(firsts)), millis(last))


async def market_messages(
    db: asyncpg.Connection, exchanges: list[str], upto_ms: int, *, after_ms: int | None = None
) -> AsyncIterator[MarketData]:
    """What strategies and broker decide upon, in order of application, as it was on the stream.

    Visible in (after_ms, upto_ms]; None: from the first on.
    """
    if after_ms is None:
        first = await db.fetchval(
            "SELECT min(visible_ms) FROM trading_market_data.ticks WHERE exchange = ANY($1)", exchanges
        )
        after_ms = (first if first is not None else upto_ms) - 1
    while after_ms < upto_ms:
        until_ms = min(after_ms + CHUNK_MS, upto_ms)
        for row in await db.fetch(_MARKET, exchanges, after_ms, until_ms):
            yield messages.market_data(row["payload"], row["visible_ms"])
        after_ms = until_ms


_MARKET = """
SELECT payload, visible_ms FROM trading_market_data.ticks
WHERE exchange = ANY($1) AND kind IN ('candle_1m', 'ctx', 'funding', 'gap') AND visible_ms > $2 AND visible_ms <= $3
ORDER BY visible_ms, asset COLLATE "C", ts, event_id COLLATE "C"
"""


async def outputs(db: asyncpg.Connection, span: Span) -> Outputs:
    """Everything the run said at the grid points of `span`."""
    found = Outputs()
    late_places: dict[str, Place] = {}
    bounds = (span.portfolio_id, utc(span.first_ms - MINUTE_MS), utc(span.last_ms))
    for row in await db.fetch(_DECISIONS, *bounds):
        found.decisions[row["event_id"]] = row["body"]
        if row["late"]:
            late_places[row["signal_event_id"]] = Place(
                row["applied_visible_ms"], row["applied_rank"], row["applied_key"]
            )
    for row in await db.fetch("SELECT payload FROM trading_signals.signals WHERE ts >= $1 AND ts <= $2", *bounds[1:]):
        message = messages.decode(row["payload"])
        assert isinstance(message, SignalMessage)
        found.signals.setdefault(message.ts, {})[message.id] = message
    for row in await db.fetch(
        "SELECT payload FROM trading_ops.exec_events WHERE portfolio = $1 ORDER BY outbox_id", span.portfolio
    ):
        announced = messages.decode(row["payload"])
        assert isinstance(announced, ExecMessage)
        if announced.kind != "skip":
            found.announced.append(announced)
        place = late_places.get(announced.body["signal_id"]) if announced.kind == "decision" else None
        if place is not None:
            signal = found.signals[announced.body["signal_ts_ms"]][announced.body["signal_id"]]
            found.late.setdefault(place, []).append(signal)
    for row in await db.fetch(
        "SELECT ts, who, watermark_ms FROM trading_paper.skips WHERE portfolio_id = $1", span.portfolio_id
    ):
        if row["watermark_ms"] is not None:
            found.skips.setdefault(millis(row["ts"]), {})[row["who"]] = row["watermark_ms"]
    for row in await db.fetch(
        "SELECT event_id, body FROM trading_paper.fills WHERE portfolio_id = $1 AND ts > $2 AND ts <= $3", *bounds
    ):
        found.fills[row["event_id"]] = row["body"]
    for row in await db.fetch(
        "SELECT event_id, body FROM trading_paper.funding_payments "
        "WHERE portfolio_id = $1 AND booked_ts > $2 AND booked_ts <= $3",
        *bounds,
    ):
        found.funding[row["event_id"]] = row["body"]
    for row in await db.fetch(
        "SELECT * FROM trading_paper.mark_to_market WHERE portfolio_id = $1 AND ts > $2 AND ts <= $3", *bounds
    ):
        found.equity[millis(row["ts"])] = row
    for row in await db.fetch("SELECT * FROM trading_paper.positions WHERE portfolio_id = $1", span.portfolio_id):
        found.positions[row["event_id"]] = row
    return found


_DECISIONS = """
SELECT event_id, signal_event_id, late, applied_visible_ms, applied_rank, applied_key, body
FROM trading_paper.decisions WHERE portfolio_id = $1 AND applied_visible_ms > extract(epoch FROM $2::timestamptz) * 1000
    AND applied_visible_ms <= extract(epoch FROM $3::timestamptz) * 1000
"""
