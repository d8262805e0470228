"""The outbox onto EXEC: in id order, one acknowledgement at a time, so that no hole can stand behind a later row."""

from __future__ import annotations

import asyncio
import time

import asyncpg
import msgspec

from paper_broker import metrics
from paper_broker.ledger import Writer
from trading_core import messages
from trading_core.bus.connection import Bus
from trading_core.faultpoints import faultpoint
from trading_core.messages import ExecMessage
from trading_core.streams import EXEC, exec_subjects

BATCH = 200
MARK_AFTER_S = 0.05
"""Rows are marked as sent when nothing has come for so long: a fill never waits for that commit."""
MARK_AFTER_ROWS = 1_000
_NEXT = """
SELECT id, subject, payload, extract(epoch FROM clock_timestamp() - created_at)::float8 AS age_s
FROM trading_paper.outbox WHERE portfolio_id = $1 AND id > $2 AND sent_at IS NULL ORDER BY id LIMIT $3
"""
_MARK_SENT = "UPDATE trading_paper.outbox SET sent_at = now() WHERE portfolio_id = $1 AND id <= $2 AND sent_at IS NULL"


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
        self._published = await self._newest_on_stream()
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

    async def _newest_on_stream(self) -> int:
        """The highest outbox id of ours that is on EXEC; 0 without one.

        A row must have the same event id: a stream that outlived another database proves nothing.
        """
        newest = 0
        for kind in messages.EXEC_KINDS:
            found = await self._bus.last(EXEC, exec_subjects(kind, self._portfolio))
            message = messages.decode(found.data) if found is not None else None
            if isinstance(message, ExecMessage) and message.outbox_id > newest:
                ours = await self._db.fetchval(
                    "SELECT event_id FROM trading_paper.outbox WHERE id = $1", message.outbox_id
                )
                newest = message.outbox_id if ours == message.id else newest
        return newest

    async def _mark_sent(self) -> None:
        async with self._db.acquire() as connection, connection.transaction():
            await self._writer.prove(connection)
            await connection.execute(_MARK_SENT, self._portfolio_id, self._published)
        self._marked = self._published
