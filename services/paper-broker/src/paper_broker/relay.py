"""The outbox onto EXEC: in id order, one acknowledgement at a time, so that no hole can stand behind a later row."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

import asyncpg
import msgspec
import structlog

from paper_broker import metrics
from paper_broker.ledger import Writer
from trading_core import messages
from trading_core.bus.connection import Bus
from trading_core.faultpoints import faultpoint
from trading_core.messages import ExecMessage
from trading_core.streams import EXEC, exec_subjects

log = structlog.get_logger()
BATCH = 200
MARK_AFTER_S = 0.05
"""Rows are marked as sent when nothing has come for so long: a fill never waits for that commit."""
MARK_AFTER_ROWS = 1_000
_NEXT = """
SELECT id, subject, payload, extract(epoch FROM clock_timestamp() - created_at)::float8 AS age_s
FROM trading_paper.outbox WHERE portfolio_id = $1 AND id > $2 AND sent_at IS NULL ORDER BY id LIMIT $3
"""
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
    """Publishes what the ledger has committed. `wake` after each commit; it also looks by itself."""

    def __init__(self, bus: Bus, db: asyncpg.Pool, writer: Writer) -> None:
        self._bus = bus
        self._db = db
        self._writer = writer
        self._portfolio_id = writer.portfolio_id
        self._portfolio = writer.portfolio
        self._wake = asyncio.Event()
        self._published = 0
        self._marked = 0
        self._waits_since: float | None = None
        metrics.OUTBOX_AGE_SECONDS.labels(self._portfolio).set_function(self._age_s)

    def wake(self) -> None:
        self._wake.set()

    async def run(self) -> None:
        """Never ends. Starts with what the stream already has, so that no dedupe window matters."""
        on_stream = await self._on_stream()
        self._published = on_stream.newest
        if on_stream.proves_loss:
            await self._send_again()
        await self._mark_sent()
        while True:
            self._wake.clear()
            rows = await self._db.fetch(_NEXT, self._portfolio_id, self._published, BATCH)
            fetched_at = time.perf_counter()
            self._waits_since = time.monotonic() - rows[0]["age_s"] if rows else None
            metrics.OUTBOX_UNSENT.labels(self._portfolio).set(len(rows))
            for row in rows:
                await self._publish(row["id"], row["subject"], row["payload"])
                self._published = row["id"]
                metrics.EXEC_SECONDS.observe(row["age_s"] + time.perf_counter() - fetched_at)
                faultpoint("relay.before_mark")
            if self._published - self._marked >= MARK_AFTER_ROWS:
                await self._mark_sent()
            if rows:
                continue
            if self._published == self._marked:
                await self._woken(1.0)
            elif not await self._woken(MARK_AFTER_S):
                await self._mark_sent()

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

    async def _publish(self, outbox_id: int, subject: str, payload: str) -> None:
        began = time.perf_counter()
        message = messages.decode(payload)
        assert isinstance(message, ExecMessage)
        message = msgspec.structs.replace(message, outbox_id=outbox_id)
        await self._bus.publish(subject, message, headers={"X-Outbox-Id": str(outbox_id)})
        metrics.RELAY_SECONDS.observe(time.perf_counter() - began)

    async def _on_stream(self) -> OnStream:
        """What EXEC has of this portfolio's outbox, judged by its last message of each kind.

        A message is ours when its row has the same event id, or when it is older than every row that is kept: then
        its row was tidied, a week after it was sent. Rows above the newest of ours are not on EXEC whatever their
        mark says: the server lost its end in a power cut, or an older copy was restored. The same if EXEC has
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
