"""Section `write`: how fast the recorder stores a batch, beside the bare ways to the same table; new and known rows."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from bench.rows import Row, rates
from bench.servers import Servers
from bench.trades import as_rows, some_trades
from recorder import tables
from recorder.sink import Sink
from recorder.stream import BATCH
from recorder.tables import Batch
from trading_core.db.pool import connect_pool

Rows = list[tuple[Any, ...]]
Write = Callable[[Rows], Awaitable[object]]
_COLUMNS = "ts, event_id, exchange, asset, kind, visible_ms, price, size, side, payload"
_STAGE = """
CREATE TEMP TABLE stage (ms bigint, event_id text, exchange text, asset text, kind text, visible_ms bigint,
                         price text, size text, side text, payload text)
"""
_FROM_STAGE = f"""
INSERT INTO trading_market_data.ticks ({_COLUMNS})
SELECT 'epoch'::timestamptz + ms * interval '1 millisecond', event_id, exchange, asset, kind, visible_ms,
       price::numeric, size::numeric, side, payload::json
FROM stage
ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants


async def measure(servers: Servers, *, quick: bool) -> list[Row]:
    count, repetitions = (10 * BATCH, 3) if quick else (60 * BATCH, 5)
    database = await servers.database()
    pool = await connect_pool(servers.role_url("recorder"), role_name="recorder")
    sink = Sink(pool)
    try:
        await database.execute(_STAGE)
        ways = {"ours": _ours(sink), "unnest": _unnest(database), "staging": _staging(database)}
        runs: dict[str, list[float]] = {name: [] for name in [*ways, "again"]}
        for _ in range(repetitions):
            for name, write in ways.items():
                await database.execute("TRUNCATE trading_market_data.ticks")
                await database.execute("CHECKPOINT")
                rows = as_rows(some_trades(count))
                runs[name].append(count / await _seconds(write, rows))
                if name == "ours":
                    runs["again"].append(count / await _seconds(write, rows))
                stored = await database.fetchval("SELECT count(*) FROM trading_market_data.ticks")
                if stored != count:
                    raise RuntimeError(f"{name} stored {stored} of {count} rows")
    finally:
        pool.terminate()
        await database.close()
    note = f"{count} trades a run, {BATCH} a commit"
    ours, name = rates(runs["ours"]), "batch → committed rows"
    return [
        Row("write", name, "rows/s", ours, "asyncpg INSERT … FROM unnest", rates(runs["unnest"]), note),
        Row("write", name, "rows/s", ours, "COPY to a temporary table, INSERT from it", rates(runs["staging"]), note),
        Row("write", "batch of rows that are there", "rows/s", rates(runs["again"]), "new rows of ours", ours, note),
    ]


def _ours(sink: Sink) -> Write:
    async def write(rows: Rows) -> None:
        batch = Batch()
        for row in rows:
            batch.add(tables.TICKS, *row)
        await sink.write(batch)

    return write


def _unnest(database: asyncpg.Connection) -> Write:
    return lambda rows: database.execute(tables.TICKS.insert, *zip(*rows, strict=True))


def _staging(database: asyncpg.Connection) -> Write:
    async def write(rows: Rows) -> None:
        async with database.transaction():
            await database.copy_records_to_table("stage", records=rows)
            await database.execute(_FROM_STAGE)
            await database.execute("TRUNCATE stage")

    return write


async def _seconds(write: Write, rows: Rows) -> float:
    batches = [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]
    began = time.perf_counter()
    for batch in batches:
        await write(batch)
    return time.perf_counter() - began
