"""History that the platform recorded, in PostgreSQL and in the archive, and the record of a backtest."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import msgspec
import numpy as np

from trading_core import ids
from trading_core.backtest.history import FundingRow, History, candle_columns, funding_rows
from trading_core.config import load
from trading_core.db.pool import CONNECT_S, reach, where
from trading_core.db.times import utc
from trading_core.errors import ConfigError, one_line
from trading_core.market.series import Candles, FloatArray
from trading_core.model import HOUR_MS, MINUTE_MS, Exchange

SOURCE = "postgres"
WITH_ARCHIVE = "postgres + archive"
_ROWS = 20_000
_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)

_CANDLES = """
SELECT (extract(epoch FROM open_time) * 1000)::bigint, open::float8, high::float8, low::float8, close::float8,
       volume::float8
FROM trading_market_data.candles
WHERE exchange = $1 AND asset = $2 AND interval = '1m' AND open_time >= $3 AND open_time < $4
ORDER BY open_time
"""
# Where the look-back begins: that many candles before the first bar, however far back they lie.
_WARM_UP = """
SELECT min(open_time) FROM (
    SELECT open_time FROM trading_market_data.candles
    WHERE exchange = $1 AND asset = $2 AND interval = '1m' AND open_time < $3 ORDER BY open_time DESC LIMIT $4
) before
"""
# A float, as the live platform reads it from the wire. The table holds one rate for each hour.
_FUNDING = """
SELECT (extract(epoch FROM ts) * 1000)::bigint AS stamp_ms, rate::float8 AS rate
FROM trading_market_data.funding_rates
WHERE exchange = $1 AND asset = $2 AND ts < $3 ORDER BY ts
"""
_SPANS = """
SELECT asset, (extract(epoch FROM min(open_time)) * 1000)::bigint AS first_ms,
       (extract(epoch FROM max(open_time)) * 1000)::bigint AS last_ms
FROM trading_market_data.candles WHERE exchange = $1 AND interval = '1m' GROUP BY asset ORDER BY asset
"""
_PRUNED = """
SELECT asset, array_agg(day::text ORDER BY day) AS days FROM trading_ops.pruned
WHERE dataset = 'candles' AND exchange = $1 GROUP BY asset
"""
_SAVE = """
INSERT INTO trading_paper.backtest_runs
    (strategies, assets, from_ts, to_ts, source, fidelity, code_hash, params_hash, summary, trades, equity, gaps)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id
"""


class Span(NamedTuple):
    """Open times of the first and last candle there is."""

    first_ms: int
    last_ms: int


async def read_history(
    url: str, assets: Sequence[str], from_ms: int, to_ms: int, warm_up: int, archive: Path | None = None
) -> tuple[History, dict[str, Span]]:
    """Recorded candles of [from_ms, to_ms) with `warm_up` of them before, settled funding, and what exists by asset.

    Days that left Postgres come from `archive` (None: that of the settings); those that are not there are gaps, and
    said on stderr. ConfigError when the server cannot be reached or holds no such tables, or a file is damaged.
    """
    async with (
        reading(url) as connection,
        # One snapshot: a day that is pruned meanwhile must be seen in one of the two places.
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        pruned = await _pruned(connection)
        candles = {asset: await _candles(connection, asset, from_ms, to_ms, warm_up) for asset in assets}
        funding = {asset: await _funding(connection, asset, to_ms) for asset in assets}
        rows = await connection.fetch(_SPANS, Exchange.HYPERLIQUID.value)
    spans = {row["asset"]: Span(row["first_ms"], row["last_ms"]) for row in rows}
    if not pruned:
        return History(_checked(candles), funding, SOURCE), spans
    from trading_core.archive.folder import Archive  # needs polars, as no history does that is in Postgres whole
    from trading_core.archive.reading import candles_across, spans_across

    across = Archive(archive or load().archive.folder)
    whole = candles_across(across, candles, pruned, from_ms, to_ms, warm_up)
    source = WITH_ARCHIVE if any(not np.array_equal(whole[asset], candles[asset]) for asset in assets) else SOURCE
    return History(_checked(whole), funding, source), spans_across(across, spans, pruned)


@contextlib.asynccontextmanager
async def reading(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection for a read. ConfigError when the server cannot be reached, or what is read does not exist."""
    connection = await reach(url, role_name="backtest", instead=", or take --source parquet:DIR")
    try:
        yield connection
    except _LOST as error:
        raise ConfigError(
            f"--source postgres: {where(url)} went away: {one_line(error)}. Start the platform, then try again."
        ) from error
    except asyncpg.PostgresError as error:
        raise ConfigError(
            f"--source postgres: {where(url)} cannot be read: {one_line(error)}. `python -m trading_core migrate` "
            "makes its tables."
        ) from error
    finally:
        await connection.close()


async def save_run(url: str, result: Mapping[str, Any]) -> int:
    """The number of the new row of `trading_paper.backtest_runs`. OSError or PostgresError when there is none."""
    connection = await asyncpg.connect(url, timeout=CONNECT_S, server_settings={"application_name": "backtest"})
    try:
        return int(await connection.fetchval(_SAVE, *_row(result)))
    finally:
        await connection.close()


def _row(result: Mapping[str, Any]) -> tuple[Any, ...]:
    config, equity = result["config"], result["equity"]
    strategies: Mapping[str, Mapping[str, Any]] = config["strategies"]
    # An hourly curve with both ends: a year of minutes would be half a million rows of one cell.
    last = len(equity["rows"]) - 1
    hourly = [row for number, row in enumerate(equity["rows"]) if row[0] % HOUR_MS == 0 or number in (0, last)]
    return (
        list(strategies),
        config["assets"],
        utc(config["from"]),
        utc(config["to"]),
        config["source"],
        result["summary"]["fidelity"],
        _one_or_digest({name: strategy["code_hash"] for name, strategy in strategies.items()}),
        _one_or_digest({name: strategy["params_hash"] for name, strategy in strategies.items()}),
        _json({**result["summary"], "config": config}),
        _json(result["trades"]),
        _json({"columns": equity["columns"], "rows": hourly}),
        _json(result["gaps"]),
    )


def _one_or_digest(hashes: Mapping[str, str]) -> str:
    """The hash of a single strategy as it stands everywhere else; of several a digest of theirs."""
    return next(iter(hashes.values())) if len(hashes) == 1 else ids.h8(dict(sorted(hashes.items())))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


async def _pruned(connection: asyncpg.Connection) -> dict[str, list[str]]:
    """By asset the days of which candles left Postgres, oldest first."""
    rows = await connection.fetch(_PRUNED, Exchange.HYPERLIQUID.value)
    return {row["asset"]: row["days"] for row in rows}


async def _candles(connection: asyncpg.Connection, asset: str, from_ms: int, to_ms: int, warm_up: int) -> FloatArray:
    """Open time in UTC ms, open, high, low, close, volume, shape (n, 6)."""
    exchange = Exchange.HYPERLIQUID.value
    first = await connection.fetchval(_WARM_UP, exchange, asset, utc(from_ms), warm_up) or utc(from_ms)
    parts = [np.empty((0, 6))]
    cursor = await connection.cursor(_CANDLES, exchange, asset, first, utc(to_ms))
    while rows := await cursor.fetch(_ROWS):
        parts.append(np.array([tuple(row) for row in rows], np.float64))
    return np.concatenate(parts)


def _checked(tables: Mapping[str, FloatArray]) -> dict[str, Candles]:
    return {
        asset: candle_columns(asset, table[:, 0].astype(np.int64), *(table[:, column] for column in range(1, 6)))
        for asset, table in tables.items()
    }


async def _funding(connection: asyncpg.Connection, asset: str, to_ms: int) -> list[FundingRow]:
    # A minute past the end: the stamp of a rate lies a little behind its hour.
    rows = await connection.fetch(_FUNDING, Exchange.HYPERLIQUID.value, asset, utc(to_ms + MINUTE_MS))
    return funding_rows([row["stamp_ms"] for row in rows], [row["rate"] for row in rows])
