"""The whole ledger against its own identities, as the database has them: at the start and after each day."""

from __future__ import annotations

import asyncio

import asyncpg
import structlog

from paper_broker import metrics

LIMIT_S = 600
"""It reads everything that was ever booked; nothing waits for it."""
LOGGED = 20
_VIOLATIONS = "SELECT kind, id, expected, found FROM trading_paper.identity_violations WHERE portfolio_id = $1"
log = structlog.get_logger()


class IdentityCheck:
    """`ask` for a check; `run` makes it, one at a time."""

    def __init__(self, db: asyncpg.Pool, portfolio_id: int) -> None:
        self._db = db
        self._portfolio_id = portfolio_id
        self._asked = asyncio.Event()

    def ask(self) -> None:
        self._asked.set()

    async def run(self) -> None:
        """Never ends."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self._check()

    async def _check(self) -> None:
        async with self._db.acquire() as connection, connection.transaction(readonly=True):
            await connection.execute(f"SET LOCAL statement_timeout = '{LIMIT_S}s'")
            found = await connection.fetch(_VIOLATIONS, self._portfolio_id, timeout=LIMIT_S)
        for row in found:
            metrics.IDENTITY_VIOLATIONS.labels(row["kind"]).inc()
        for row in found[:LOGGED]:
            log.error(
                "identity_broken", identity=row["kind"], id=row["id"], expected=row["expected"], found=row["found"]
            )
