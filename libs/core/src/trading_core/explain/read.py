"""A position's rows and events from Postgres."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

import asyncpg
import msgspec

from trading_core import messages
from trading_core.archive.recorded import RecordedTicks
from trading_core.broker.events import Decision, Fill, FundingPayment, Order, PositionState
from trading_core.db.times import utc
from trading_core.errors import ConfigError
from trading_core.explain.story import Recorded, chain
from trading_core.messages import ExecMessage, SignalMessage
from trading_core.model import DAY_MS, Exchange

Body = TypeVar("Body", Decision, Fill, FundingPayment, Order, PositionState)

_ANNOUNCED = """
SELECT payload FROM trading_ops.exec_events
WHERE kind IN ('order', 'position') AND strategy = $1 AND asset = $2 AND ts BETWEEN $3 AND coalesce($4, now())
ORDER BY outbox_id
"""
_CANDLE = """
SELECT event_id FROM trading_market_data.ticks
WHERE exchange = $1 AND asset = $2 AND kind = 'candle_1m' AND ts = $3 AND visible_ms <= $4
ORDER BY visible_ms DESC LIMIT 1
"""
LOOK_BACK_MS = DAY_MS
"""What a strategy saw is not older: only these partitions, or days of the archive, are searched."""
_EXCHANGES = [exchange.value for exchange in Exchange]


async def newest_positions(db: asyncpg.Connection, count: int) -> list[str]:
    """Event ids of the positions opened last, newest first."""
    rows = await db.fetch("SELECT event_id FROM trading_paper.positions ORDER BY id DESC LIMIT $1", count)
    return [row["event_id"] for row in rows]


async def recorded_position(db: asyncpg.Connection, wanted: str) -> Recorded:
    """Everything about the position with that number or event id. ConfigError when there is none."""
    column = "id::text" if wanted.isdecimal() else "event_id"
    row = await db.fetchrow(f"SELECT * FROM trading_paper.positions WHERE {column} = $1", wanted)  # noqa: S608
    if row is None:
        count = await db.fetchval("SELECT count(*) FROM trading_paper.positions")
        raise ConfigError(f"there is no position {wanted} among the {count} there are. `explain --last 10` shows some.")
    position_id = row["event_id"]
    decisions = await db.fetch(
        "SELECT body FROM trading_paper.decisions WHERE position_id = $1 OR closed_position = $1", position_id
    )
    decided = [_body(found["body"], Decision) for found in decisions]
    fills = await db.fetch("SELECT body FROM trading_paper.fills WHERE position_id = $1", position_id)
    funding = await db.fetch("SELECT body FROM trading_paper.funding_payments WHERE position_id = $1", position_id)
    orders, states = await _announced(db, row)
    if not states:
        raise ConfigError(f"position {wanted}: the recorder has not stored it yet. Try again in a moment.")
    opening = next((decision for decision in decided if decision.position_id == position_id), None)
    if opening is None:
        raise ConfigError(f"position {wanted}: the decision that opened it is not stored. Restore the ledger whole.")
    closing = next((decision for decision in decided if decision.closed_position == position_id), None)
    signal = await _signal(db, opening.signal_id)
    found = Recorded(
        number=row["id"],
        state=states[-1],
        signal=signal,
        candle_id=await _newest_candle(db, signal),
        decision=opening,
        orders=orders,
        fills=sorted((_body(fill["body"], Fill) for fill in fills), key=lambda fill: fill.ts_ms),
        funding=sorted((_body(p["body"], FundingPayment) for p in funding), key=lambda payment: payment.hour_ms),
        closing=None if closing is None else (await _signal(db, closing.signal_id), closing),
    )
    return replace(found, raw=await _raw(db, found))


async def _announced(db: asyncpg.Connection, row: asyncpg.Record) -> tuple[list[Order], list[PositionState]]:
    """Orders and states of the position, as the broker announced them."""
    orders: list[Order] = []
    states: list[PositionState] = []
    found = await db.fetch(_ANNOUNCED, row["strategy"], row["asset"], row["entry_ts"], row["exit_ts"])
    for announced in found:
        message = messages.decode(announced["payload"])
        assert isinstance(message, ExecMessage)
        if message.body.get("position_id") != row["event_id"]:
            continue
        if message.kind == "order":
            orders.append(msgspec.convert(message.body, Order, strict=False))
        else:
            states.append(msgspec.convert(message.body, PositionState, strict=False))
    return orders, states


async def _signal(db: asyncpg.Connection, event_id: str) -> SignalMessage:
    message = messages.decode(
        await db.fetchval("SELECT payload FROM trading_signals.signals WHERE event_id = $1", event_id)
    )
    assert isinstance(message, SignalMessage)
    return message


async def _newest_candle(db: asyncpg.Connection, signal: SignalMessage) -> str | None:
    """The 1m candle that closed last before the signal, in the version that was known then."""
    closed_ms = signal.metadata.get("seen", {}).get("candle_close_ms")
    if closed_ms is None:
        return None
    found: str | None = await db.fetchval(_CANDLE, signal.exchange, signal.asset, utc(closed_ms), signal.ts)
    if found is not None:
        return found
    seen = await RecordedTicks(db, [signal.exchange]).between(closed_ms - 1, signal.ts, ["candle_1m"])
    versions = [tick.event_id for tick in seen if (tick.asset, tick.ts) == (signal.asset, closed_ms)]
    return versions[-1] if versions else None


async def _raw(db: asyncpg.Connection, found: Recorded) -> dict[str, str]:
    """The market messages that the chain names."""
    named = sorted({id for step in chain(found) for id in step.ids})
    bounds = (found.state.entry_ms - LOOK_BACK_MS, (found.state.exit_ms or found.state.ts_ms) + DAY_MS)
    return {tick.event_id: tick.payload for tick in await RecordedTicks(db, _EXCHANGES).named(named, *bounds)}


def _body(text: Any, kind: type[Body]) -> Body:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        raise ConfigError(
            f"a stored {kind.__name__} is not what the broker writes: {error}. Restore the ledger."
        ) from error
