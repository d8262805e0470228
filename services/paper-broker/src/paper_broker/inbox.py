"""SIGNALS into the inbox: stored and committed, then acknowledged; applied later, in event-time order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import asyncpg

from paper_broker.ledger import Writer
from trading_core import messages
from trading_core.bus.durable import DurableMessage
from trading_core.db.signals import insert_signals
from trading_core.errors import MessageInvalid
from trading_core.messages import GridMessage, SignalMessage
from trading_core.sequence.grid import GridTracker, Shard

_STORE = """
INSERT INTO trading_paper.signal_inbox (portfolio_id, strategy, exchange, instrument, eval_ms, event_id, payload)
SELECT $1, r.* FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::json[])
    AS r(strategy, exchange, instrument, eval_ms, event_id, payload)
WHERE NOT EXISTS (SELECT FROM trading_paper.decisions WHERE event_id = 'd:' || $8 || ':' || r.event_id)
ON CONFLICT DO NOTHING RETURNING event_id
"""
_GRIDS = """
INSERT INTO trading_paper.grid_inbox (portfolio_id, exchanges, asset, eval_ms, evaluations)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::bigint[], $5::integer[]) ON CONFLICT DO NOTHING
"""


class Batch:
    """What one batch of messages added: signals to be decided, grid points now complete, what to acknowledge."""

    def __init__(self) -> None:
        self.signals: list[SignalMessage] = []
        self.grids: list[GridMessage] = []
        self.acknowledge: list[DurableMessage] = []
        self.invalid: list[tuple[DurableMessage, str]] = []

    def refuse(self, message: DurableMessage, reason: str) -> None:
        """To be kept as a dead letter, then acknowledged."""
        self.invalid.append((message, reason))
        self.acknowledge.append(message)


class Inbox:
    """Sorts the SIGNALS stream. PASS and grid messages stay unacknowledged until their grid point is complete.

    A crash then brings them again and they are counted anew, so that only complete points need a row.
    """

    def __init__(self) -> None:
        self._tracker = GridTracker()
        self._waiting: dict[tuple[str, str, int], dict[str, DurableMessage]] = {}
        self._grids: dict[tuple[str, str, int], GridMessage] = {}

    @property
    def held(self) -> int:
        """Messages that wait unacknowledged for the rest of their grid point."""
        return sum(len(waiting) for waiting in self._waiting.values())

    def sort(self, delivered: Sequence[DurableMessage], passed_ms: int) -> Batch:
        """Take one batch. Whatever belongs to a grid point that was passed already is not waited for."""
        batch = Batch()
        for point in [point for point in self._waiting if point[2] <= passed_ms]:
            batch.acknowledge.extend(self._waiting.pop(point).values())
        for raw in delivered:
            try:
                message = messages.decode(raw.data)
            except MessageInvalid as error:
                batch.refuse(raw, str(error))
                continue
            if not isinstance(message, SignalMessage | GridMessage):
                batch.refuse(raw, f"a {type(message).__name__} has no business in SIGNALS")
                continue
            self._sort_one(raw, message, passed_ms, batch)
        return batch

    def _sort_one(
        self, raw: DurableMessage, message: SignalMessage | GridMessage, passed_ms: int, batch: Batch
    ) -> None:
        point = GridTracker.point_of(message)
        if isinstance(message, SignalMessage) and message.direction != "PASS":
            batch.signals.append(message)
            batch.acknowledge.append(raw)
        elif message.ts <= passed_ms:  # skipped, or counted before a restart
            if isinstance(message, GridMessage):
                batch.grids.append(message)
            batch.acknowledge.append(raw)
            return
        else:
            self._waiting.setdefault(point, {})[message.id] = raw
        if isinstance(message, GridMessage):
            self._grids[point] = message
        if self._tracker.add(message):
            batch.grids.append(self._grids.pop(point))
            batch.acknowledge.extend(self._waiting.pop(point, {}).values())
            self._tracker.forget([(point[0], point[1])], point[2])


Takes = Callable[[str], bool]
"""Whether a ledger decides the signals of that strategy."""


async def store(db: asyncpg.Pool, ledgers: Sequence[tuple[Writer, Takes]], batch: Batch) -> list[list[SignalMessage]]:
    """Commit what must survive, for each ledger, before anything is acknowledged; the signals new to each of them.

    One that comes again, however late and under whatever message id, is waiting to be decided or has been.
    Replaced when another broker has taken over: it must get the messages, since it would not look here again.
    """
    if not batch.signals and not batch.grids:
        return [[] for _ in ledgers]
    new: list[list[SignalMessage]] = []
    async with db.acquire() as connection, connection.transaction():
        if batch.signals:
            await insert_signals(connection, batch.signals)  # so that a position can name its signal
        for writer, takes in ledgers:
            await writer.prove(connection)
            signals = [signal for signal in batch.signals if takes(signal.strategy)]
            stored = await _store(connection, writer, signals)
            new.append([signal for name, signal in _first(signals).items() if name in stored])
            await _store_grids(connection, writer.portfolio_id, batch.grids)
    return new


def _first(signals: Iterable[SignalMessage]) -> dict[str, SignalMessage]:
    """By id; of several with one id the first, which is the stored one."""
    found: dict[str, SignalMessage] = {}
    for signal in signals:
        found.setdefault(signal.id, signal)
    return found


async def _store(connection: asyncpg.Connection, writer: Writer, signals: list[SignalMessage]) -> set[str]:
    if not signals:
        return set()
    rows = await connection.fetch(
        _STORE,
        writer.portfolio_id,
        [s.strategy for s in signals],
        [s.exchange for s in signals],
        [s.instrument for s in signals],
        [s.ts for s in signals],
        [s.id for s in signals],
        [messages.encode(s).decode() for s in signals],
        writer.portfolio,
    )
    return {row["event_id"] for row in rows}


async def _store_grids(connection: asyncpg.Connection, portfolio_id: int, grids: list[GridMessage]) -> None:
    if grids:
        await connection.execute(
            _GRIDS,
            portfolio_id,
            [g.exchanges for g in grids],
            [g.asset for g in grids],
            [g.ts for g in grids],
            [g.evaluations for g in grids],
        )


async def undecided(db: asyncpg.Pool, portfolio_id: int) -> list[SignalMessage]:
    """Signals that were stored but not applied before a restart, in order of arrival in event time."""
    rows = await db.fetch(
        "SELECT payload FROM trading_paper.signal_inbox WHERE portfolio_id = $1 AND state = 'received' "
        'ORDER BY eval_ms, strategy COLLATE "C", instrument COLLATE "C"',
        portfolio_id,
    )
    found = [messages.decode(row["payload"]) for row in rows]
    return [message for message in found if isinstance(message, SignalMessage)]


async def complete_grids(db: asyncpg.Pool, portfolio_id: int, after_ms: int) -> list[tuple[Shard, int]]:
    """Grid points after `after_ms` that were complete before a restart."""
    rows = await db.fetch(
        "SELECT exchanges, asset, eval_ms FROM trading_paper.grid_inbox WHERE portfolio_id = $1 AND eval_ms > $2",
        portfolio_id,
        after_ms,
    )
    return [((row["exchanges"], row["asset"]), row["eval_ms"]) for row in rows]
