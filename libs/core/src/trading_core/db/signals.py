"""Rows of `trading_signals.signals`: written by the recorder and by the broker, whoever comes first."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg
import msgspec

from trading_core import messages
from trading_core.db.times import utc
from trading_core.messages import SignalMessage
from trading_core.money import decimal_of

_INSERT = """
INSERT INTO trading_signals.signals
    (ts, strategy, asset, exchange, direction, confidence, entry_price, metadata, event_id, instrument, reason, payload)
SELECT * FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::text[], $6::float8[], $7::numeric[],
    $8::jsonb[], $9::text[], $10::text[], $11::text[], $12::json[])
ON CONFLICT (event_id) DO NOTHING
"""


async def insert_signals(connection: asyncpg.Connection, signals: Sequence[SignalMessage]) -> None:
    """Store evaluations, PASS (direction NULL) included; one that is there already stays as it is."""
    await connection.execute(
        _INSERT,
        [utc(s.ts) for s in signals],
        [s.strategy for s in signals],
        [s.asset for s in signals],
        [s.exchange for s in signals],
        [None if s.direction == "PASS" else s.direction for s in signals],
        [s.confidence for s in signals],
        [None if s.entry_price is None else decimal_of(s.entry_price) for s in signals],
        [msgspec.json.encode(s.metadata).decode() for s in signals],
        [s.id for s in signals],
        [s.instrument for s in signals],
        [s.reason for s in signals],
        [messages.encode(s).decode() for s in signals],
    )
