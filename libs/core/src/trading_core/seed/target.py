"""Where the made-up past goes: a database that holds nothing yet, never one that holds a run."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from trading_core.db.migrate import migrate
from trading_core.db.pool import AWAY, REFUSED, where
from trading_core.errors import ConfigError, one_line

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_HELD = {
    "candles": "SELECT EXISTS (SELECT FROM trading_market_data.candles)",
    "ticks": "SELECT EXISTS (SELECT FROM trading_market_data.ticks)",
    "signals": "SELECT EXISTS (SELECT FROM trading_signals.signals)",
    "positions": "SELECT EXISTS (SELECT FROM trading_paper.positions)",
    "a portfolio": "SELECT EXISTS (SELECT FROM trading_paper.portfolio)",
}


def with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def prepared(url: str, fresh: str | None) -> str:
    """The URL of a migrated database without any rows: that of `url`, or a new one beside it named `fresh`.

    ConfigError when the server is away, refuses, or the database holds something.
    """
    if fresh is not None and not _NAME.fullmatch(fresh):
        raise ConfigError(f"--database {fresh!r}: write small letters, digits and _, a letter first, 63 at most.")
    try:
        if fresh is not None:
            asyncio.run(_create(url, fresh))
            url = with_database(url, fresh)
        asyncio.run(_refuse_used(url))
        migrate(url)
    except (*AWAY, *REFUSED, asyncpg.InsufficientPrivilegeError) as error:
        raise ConfigError(
            f"database.url: {where(url)}: {one_line(error)}. Name a server that is up, as the owner of its databases, "
            "with TRADING_DATABASE__URL; without one, `seed` brings its own."
        ) from error
    return url


async def _create(url: str, name: str) -> None:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    except asyncpg.DuplicateDatabaseError as error:
        raise ConfigError(
            f"--database {name}: there is one of that name on {where(url)}. Choose another name, or drop that one."
        ) from error
    finally:
        await connection.close()


async def _refuse_used(url: str) -> None:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        if await connection.fetchval("SELECT to_regnamespace('trading_paper') IS NULL"):
            return
        held = [what for what, query in _HELD.items() if await connection.fetchval(query)]
    finally:
        await connection.close()
    if held:
        raise ConfigError(
            f"{where(url)} holds {', '.join(held)}: made-up rows must not meet those of a run. Name a new database "
            "with --database NAME."
        )
