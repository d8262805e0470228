"""Read-only access to Postgres. While it is away every call raises DatabaseAway, which the edge turns into a 503."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeAlias

import asyncpg

from trading_api.queries.conditions import Statement
from trading_core.db.pool import AWAY
from trading_core.db.times import millis, utc
from trading_core.errors import TradingError

ACQUIRE_S = 2.0
Row: TypeAlias = Any
"""asyncpg ships no types: a row is read once, by name, where it becomes a model."""


class DatabaseAway(TradingError):
    """Postgres does not answer. The reader tries again; nothing has to be done here."""


class QueryTooSlow(TradingError):
    """The statement hit its time limit. The reader asks for less."""


def maybe_ms(moment: datetime | None) -> int | None:
    return None if moment is None else millis(moment)


def maybe_utc(time_ms: int | None) -> datetime | None:
    return None if time_ms is None else utc(time_ms)


class Database:
    """A pool that may not be there yet: the API answers from its first moment, also before Postgres does."""

    def __init__(self, pool: Any = None) -> None:
        self._there = asyncio.Event()
        self._pool: Any = None
        if pool is not None:
            self.connected(pool)

    def connected(self, pool: Any) -> None:
        self._pool = pool
        self._there.set()

    async def close(self) -> None:
        self._there.clear()
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()

    async def fetch(self, sql: str, *args: object) -> list[Row]:
        async with self.connection() as connection:
            rows: list[Row] = await connection.fetch(sql, *args)
            return rows

    async def rows(self, asked: Statement) -> list[Row]:
        return await self.fetch(asked.sql, *asked.values)

    async def fetchrow(self, sql: str, *args: object) -> Row | None:
        async with self.connection() as connection:
            return await connection.fetchrow(sql, *args)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Any]:
        """One connection whose statements all see the same moment of the database."""
        async with self.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        try:
            async with asyncio.timeout(ACQUIRE_S):  # asyncpg's own limit makes a task of every acquisition
                await self._there.wait()  # a page that comes back while the API starts is not turned away
                connection = await self._pool.acquire()
            try:
                yield connection
            finally:
                await self._pool.release(connection)
        except asyncpg.QueryCanceledError as error:
            raise QueryTooSlow(str(error)) from error
        except TimeoutError as error:
            away = "the database is not connected yet" if self._pool is None else "no connection was free in time"
            raise DatabaseAway(away) from error
        except AWAY as error:
            raise DatabaseAway(str(error) or type(error).__name__) from error
