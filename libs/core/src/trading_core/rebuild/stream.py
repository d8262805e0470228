"""EXEC made anew from what Postgres has: the stream is a copy, the ledger's outbox and the recorder's rows are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import asyncpg
import msgspec

from trading_core import messages, streams
from trading_core.bus.connection import Bus
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.bus.provision import provision
from trading_core.errors import ConfigError
from trading_core.messages import ExecMessage

_PORTFOLIOS = "SELECT name FROM trading_paper.portfolio ORDER BY id"
_LOCK = "SELECT pg_try_advisory_lock(hashtext('broker'), hashtext($1))"
_STORED = """
SELECT outbox_id AS id, payload FROM trading_ops.exec_events
UNION ALL
SELECT id, payload FROM trading_paper.outbox o WHERE sent_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM trading_ops.exec_events e WHERE e.event_id = o.event_id)
ORDER BY id
"""
SHOWN = 3


@dataclass(frozen=True)
class Difference:
    """`wanted`: what the stream must hold, in its order. `missing`: ids of it that the stream does not have."""

    wanted: Sequence[ExecMessage]
    on_stream: int
    missing: Sequence[str]

    @property
    def is_whole(self) -> bool:
        return not self.missing


async def difference(bus: Bus, db: asyncpg.Connection) -> Difference:
    """What EXEC lacks. ConfigError when it has something that this database knows nothing of."""
    wanted: list[ExecMessage] = []
    for row in await db.fetch(_STORED):
        message = messages.decode(row["payload"])
        assert isinstance(message, ExecMessage)
        wanted.append(msgspec.structs.replace(message, outbox_id=row["id"]))
    present = await _ids(bus)
    known = {message.id for message in wanted}
    if unknown := sorted(present - known):
        raise ConfigError(
            f"EXEC on nats.url holds {len(unknown)} messages that the database does not know, such as "
            f"{', '.join(unknown[:SHOWN])}. Let the recorder catch up, or give the database.url that belongs to it."
        )
    return Difference(wanted, len(present), [message.id for message in wanted if message.id not in present])


async def hold_brokers(db: asyncpg.Connection) -> None:
    """No broker may publish meanwhile: this connection holds their locks. ConfigError while one runs."""
    for row in await db.fetch(_PORTFOLIOS):
        if not await db.fetchval(_LOCK, row["name"]):
            raise ConfigError(f"a broker writes portfolio {row['name']}. Stop paper-broker first, then try again.")


async def rebuild(bus: Bus, wanted: Sequence[ExecMessage], progress: Callable[[], None]) -> None:
    """Deletes EXEC and publishes it again, oldest first. Its readers begin anew; what they store absorbs it."""
    await bus.js.delete_stream(streams.EXEC.name)
    await provision(bus)
    for message in wanted:
        subject = streams.exec_subject(message.kind, message.portfolio, message.strategy, message.asset)
        await bus.publish(subject, message, headers={"X-Outbox-Id": str(message.outbox_id)})
        progress()


async def _ids(bus: Bus) -> set[str]:
    found: set[str] = set()
    reader = OrderedPull(bus, streams.EXEC, ["exec.>"], Start.all())
    async for batch in reader.batches():
        found |= {messages.decode(delivered.data).id for delivered in batch}
        if reader.caught_up:
            break
    await reader.close()
    return found
