"""The outbox onto EXEC: in id order, as a chain, so that no hole can stand behind a later row."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple

import asyncpg
import structlog

from paper_broker import metrics
from paper_broker.ledger import Writer
from paper_broker.outbox import OutboxRow, unsent
from trading_core import messages
from trading_core.bus.chain import ChainPublisher
from trading_core.bus.connection import Bus
from trading_core.faultpoints import faultpoint
from trading_core.messages import ExecMessage
from trading_core.streams import EXEC, exec_subjects

log = structlog.get_logger()
BATCH = 200
KEEP = 1_000
"""Of rows that wait to be sent in memory; beyond it the database keeps them."""
MARK_AFTER_S = 0.05
"""Rows are marked as sent when nothing has come for so long: a fill never waits for that commit."""
MARK_AFTER_ROWS = 1_000
_OLDEST = "SELECT coalesce(min(id), 0) FROM trading_paper.outbox WHERE portfolio_id = $1"
_EVENT = "SELECT event_id FROM trading_paper.outbox WHERE portfolio_id = $1 AND id = $2"
# What was sent longer ago is only waiting to be tidied: it is not said a second time.
_SEND_AGAIN = """
UPDATE trading_paper.outbox SET sent_at = NULL
WHERE portfolio_id = $1 AND id > $2 AND sent_at >= now() - interval '7 days'
"""
_MARK_SENT = "UPDATE trading_paper.outbox SET sent_at = now() WHERE portfolio_id = $1 AND id <= $2 AND sent_at IS NULL"


class OnStream(NamedTuple):
    """`newest`: the highest outbox id of ours on EXEC, 0 without one."""

    newest: int
    proves_loss: bool
    """Rows above `newest` are not there, also those that are marked as sent."""


class Relay:
    """Publishes what the ledger has committed. `hand` or `wake` after each commit; it also looks by itself."""

    def __init__(self, bus: Bus, chain: ChainPublisher, db: asyncpg.Pool, writer: Writer) -> None:
        self._bus = bus
        self._chain = chain
        self._db = db
        self._writer = writer
        self._portfolio_id = writer.portfolio_id
        self._portfolio = writer.portfolio
        self._wake = asyncio.Event()
        self._handed: list[OutboxRow] = []
        self._look = True
        """The database may have unsent rows that were not handed over."""
        self._published = 0
        self._marked = 0
        self._waits_since: float | None = None
        metrics.OUTBOX_AGE_SECONDS.labels(self._portfolio).set_function(self._age_s)

    def hand(self, rows: Sequence[OutboxRow]) -> None:
        """The rows of the newest commit: what is sent next need not be read from the database."""
        self._look |= not rows or len(self._handed) + len(rows) > KEEP
        if not self._look:
            self._handed.extend(rows)
        self._wake.set()

    def wake(self) -> None:
        """After a commit whose rows are not at hand."""
        self.hand(())

    async def run(self) -> None:
        """Never ends. Begins with what the stream already has, so that no dedupe window matters.

        So it does again with each connection: EXEC is not synced, and a server that was killed has lost its end.
        """
        while True:
            seen = await self._chain.look()
            await self._begin()
            await self._relay(seen)

    async def _begin(self) -> None:
        on_stream = await self._on_stream()
        self._published = on_stream.newest
        if on_stream.proves_loss:
            await self._send_again()
        await self._mark_sent()
        self._look = True

    async def _relay(self, seen: int) -> None:
        """Until the stream must be looked at again."""
        while self._chain.is_current(seen):
            self._wake.clear()
            rows = await self._next()
            self._waits_since = rows[0].since if rows else None
            metrics.OUTBOX_UNSENT.labels(self._portfolio).set(len(rows))
            while rows:
                done = await self._send(rows, seen)
                if not done:
                    return
                rows = rows[done:]
            if self._published - self._marked >= MARK_AFTER_ROWS:
                await self._mark_sent()
            if self._look:
                continue
            if self._published == self._marked:
                woken = await self._woken(1.0)
                self._look |= not woken
            elif not await self._woken(MARK_AFTER_S):
                await self._mark_sent()

    async def _next(self) -> list[OutboxRow]:
        """Unsent rows from the oldest on, without a hole: what was handed over, if that is all there is."""
        if self._look:
            self._look = False
            self._handed.clear()  # committed, so the database has them too
            rows = await unsent(self._db, self._portfolio_id, self._published, BATCH)
            self._look |= len(rows) == BATCH
            return rows
        rows = [row for row in self._handed if row.id > self._published]
        self._handed.clear()
        return rows

    async def _send(self, rows: Sequence[OutboxRow], seen: int) -> int:
        """How many of the rows are on EXEC now; 0 when the stream must be looked at again."""
        began = time.monotonic()
        done = await self._chain.publish([row.outgoing() for row in rows], seen)
        now = time.monotonic()
        metrics.RELAY_SECONDS.observe(now - began)
        for row in rows[:done]:
            self._published = row.id
            metrics.EXEC_SECONDS.observe(now - row.since)
            faultpoint("relay.before_mark")
        return done

    async def _woken(self, limit_s: float) -> bool:
        try:
            async with asyncio.timeout(limit_s):
                await self._wake.wait()
        except TimeoutError:
            return False
        return True

    def _age_s(self) -> float:
        since = self._waits_since
        return 0.0 if since is None else max(0.0, time.monotonic() - since)

    async def _on_stream(self) -> OnStream:
        """What EXEC has of this portfolio's outbox, judged by its last message of each kind.

        A message is ours when its row has the same event id, or when it is older than every row that is kept: then
        its row was tidied, a week after it was sent. Rows above the newest of ours are not on EXEC whatever their
        mark says: the server was killed and lost its end, or an older copy was restored. The same if EXEC has
        nothing of this portfolio: rows are kept for a week, EXEC keeps a year, and it discards its oldest messages
        first, so neither age nor size can have removed what was sent in the last seven days and spared nothing else.
        (A year's rest can, but then the rows' marks are older than that, and they stay.)

        A later message that is not ours shows that another database has written there: this one may be an older
        copy, of which EXEC has everything already. Then the marks are believed and only unmarked rows are sent.
        """
        oldest = await self._db.fetchval(_OLDEST, self._portfolio_id)
        newest = foreign = 0
        for kind in messages.EXEC_KINDS:
            found = await self._bus.last(EXEC, exec_subjects(kind, self._portfolio))
            message = messages.decode(found.data) if found is not None else None
            if not isinstance(message, ExecMessage):
                continue
            outbox_id = message.outbox_id
            if outbox_id < oldest or await self._db.fetchval(_EVENT, self._portfolio_id, outbox_id) == message.id:
                newest = max(newest, outbox_id)
            else:
                foreign = max(foreign, outbox_id)
        return OnStream(newest, proves_loss=newest >= foreign)

    async def _send_again(self) -> None:
        async with self._db.acquire() as connection, connection.transaction():
            await self._writer.prove(connection)
            done = await connection.execute(_SEND_AGAIN, self._portfolio_id, self._published)
        rows = int(done.split()[-1])
        if rows:
            log.warning("sent_again", portfolio=self._portfolio, rows=rows, above=self._published, why="not on EXEC")

    async def _mark_sent(self) -> None:
        async with self._db.acquire() as connection, connection.transaction():
            await self._writer.prove(connection)
            await connection.execute(_MARK_SENT, self._portfolio_id, self._published)
        self._marked = self._published
