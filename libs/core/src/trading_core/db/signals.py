"""Rows of `trading_signals.signals`: written by the recorder and by the broker, whoever comes first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec

from trading_core import messages
from trading_core.db.times import utc
from trading_core.messages import SignalMessage

INSERT = """
INSERT INTO trading_signals.signals
    (ts, strategy, asset, exchange, direction, confidence, entry_price, metadata, event_id, instrument, reason, payload)
SELECT ts, strategy, asset, exchange, direction, confidence, entry_price::numeric, metadata::jsonb, event_id,
    instrument, reason, payload::json
FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::text[], $6::float8[], $7::text[],
            $8::text[], $9::text[], $10::text[], $11::text[], $12::text[])
    AS r(ts, strategy, asset, exchange, direction, confidence, entry_price, metadata, event_id, instrument, reason,
         payload)
ON CONFLICT (event_id) DO NOTHING
"""
"""One array per column of `signal_row`; a row that is there already stays as it is."""


def signal_row(message: SignalMessage, payload: str) -> tuple[Any, ...]:
    """The columns of one evaluation (PASS has no direction); `payload` is the message as it was on the stream."""
    return (
        utc(message.ts),
        message.strategy,
        message.asset,
        message.exchange,
        None if message.direction == "PASS" else message.direction,
        message.confidence,
        message.entry_price,
        msgspec.json.encode(message.metadata).decode(),
        message.id,
        message.instrument,
        message.reason,
        payload,
    )


async def insert_signals(connection: asyncpg.Connection, signals: Sequence[SignalMessage]) -> None:
    """Store these evaluations unless they are stored."""
    rows = [signal_row(signal, messages.encode(signal).decode()) for signal in signals]
    if rows:
        await connection.execute(INSERT, *(list(column) for column in zip(*rows, strict=True)))
