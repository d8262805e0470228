"""A row of the outbox: what the ledger commits beside its own rows, and the relay sends to EXEC."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

import asyncpg
import msgspec

from paper_broker.rows import Statement
from trading_core import messages
from trading_core.bus.chain import Outgoing
from trading_core.messages import ExecMessage
from trading_core.streams import exec_subject

_OUTBOX = """
INSERT INTO trading_paper.outbox (portfolio_id, event_id, subject, payload)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::json[]) ON CONFLICT (event_id) DO NOTHING
"""
_UNSENT = """
SELECT id, subject, payload, extract(epoch FROM clock_timestamp() - created_at)::float8 AS age_s
FROM trading_paper.outbox WHERE portfolio_id = $1 AND id > $2 AND sent_at IS NULL ORDER BY id LIMIT $3
"""


class OutboxRow(NamedTuple):
    """`since` is when its transaction began; `time.monotonic`."""

    id: int
    subject: str
    message: ExecMessage
    since: float

    def outgoing(self) -> Outgoing:
        message = msgspec.structs.replace(self.message, outbox_id=self.id)
        return Outgoing(self.subject, message, {"X-Outbox-Id": str(self.id)})


def storing(outgoing: Sequence[ExecMessage], portfolio_id: int) -> Statement:
    """Answers the ids in the order of `outgoing`; fewer when one of them has been stored before."""
    texts = [messages.encode(message).decode() for message in outgoing]
    values = (portfolio_id, [message.id for message in outgoing], [_subject(message) for message in outgoing], texts)
    return Statement(_OUTBOX, values, returning="id")


def stored(outgoing: Sequence[ExecMessage], row_ids: Sequence[int], since: float) -> list[OutboxRow]:
    """The rows that `storing` has made; none when it made fewer."""
    if len(row_ids) != len(outgoing):
        return []
    pairs = zip(row_ids, outgoing, strict=True)
    return [OutboxRow(row_id, _subject(message), message, since) for row_id, message in pairs]


async def unsent(db: asyncpg.Pool, portfolio_id: int, after: int, limit: int) -> list[OutboxRow]:
    """The oldest rows that are not marked as sent, with ids above `after`."""
    found = []
    now = time.monotonic()
    for row in await db.fetch(_UNSENT, portfolio_id, after, limit):
        message = messages.decode(row["payload"])
        assert isinstance(message, ExecMessage)
        found.append(OutboxRow(row["id"], row["subject"], message, now - row["age_s"]))
    return found


def _subject(message: ExecMessage) -> str:
    return exec_subject(message.kind, message.portfolio, message.strategy, message.asset)
