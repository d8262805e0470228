"""Writes the rows of a batch in one transaction."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import Any

import asyncpg

from recorder import metrics, tables
from recorder.tables import Batch, Row, Table, newest_by_key
from trading_core.db.pool import AWAY
from trading_core.db.rollups import roll_up
from trading_core.db.times import millis
from trading_core.db.watermarks import newest

# What one row causes whatever the state of the server: the row is wrong, not the storage.
POISON = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
# Everything else that a server or a connection can say is worth trying again.
STORAGE_ERRORS = (asyncpg.PostgresError, *AWAY)


class Sink:
    """All of a batch is committed when `write` returns, nothing of it when `write` raises before COMMIT."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def decided(self, stream: str) -> dict[str, int]:
        """The newest committed watermark by exchange."""
        return await newest(self._pool, stream)

    async def write(self, batch: Batch) -> None:
        started = time.perf_counter()
        written: dict[str, int] = {}
        filled = [table for table, rows in batch.rows.items() if rows]
        # One statement is a transaction by itself: BEGIN and COMMIT would be two more questions to the server.
        alone = len(filled) <= 1
        async with (
            self._pool.acquire() as connection,
            nullcontext() if alone else connection.transaction(),
        ):
            for table in filled:
                if table is tables.CANDLE_REVISIONS:
                    written.update(await _write_candles(connection, batch))
                elif table is not tables.CANDLES:
                    written[table.name] = await _write(connection, table, batch.rows[table])
        metrics.commit_seconds.observe(time.perf_counter() - started)
        for name, count in written.items():
            metrics.rows.labels(name).inc(count)


async def _write(connection: Any, table: Table, rows: list[Row]) -> int:
    status: str = await connection.execute(table.insert, *_columns(newest_by_key(table, rows)))
    return int(status.rsplit(" ", 1)[-1])


async def _write_candles(connection: Any, batch: Batch) -> dict[str, int]:
    """Revisions first; `candles` then takes the last of those that were new, and the wider candles around them."""
    new = await connection.fetch(tables.CANDLE_REVISIONS.insert, *_columns(batch.of(tables.CANDLE_REVISIONS)))
    ids = {row["event_id"] for row in new}
    rows = [row for row in batch.of(tables.CANDLES) if row[0] in ids]
    changed = await _write(connection, tables.CANDLES, rows) if rows else 0
    await roll_up(connection, [(row[1], row[2], millis(row[4])) for row in rows if row[3] == "1m"])
    return {tables.CANDLE_REVISIONS.name: len(ids), tables.CANDLES.name: changed}


def _columns(rows: list[Row]) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True))
