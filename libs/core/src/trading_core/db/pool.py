"""Connections to PostgreSQL that wait for it."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import asyncpg
import structlog

from trading_core.errors import ConfigError, one_line

log = structlog.get_logger()

CONNECT_S = 5.0
FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 5.0
# Below the idle_session_timeout of the roles: a connection is given up before the server ends it.
IDLE_LIMIT_S = 10.0
ANSWER_S = 12.0
"""A network that swallows everything ends no connection: who hears nothing for so long has lost the server."""
# What a server says or does while it is away, starting, stopping, or out of room. Anything else is a mistake of ours.
AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutting down, starting, timed out on the server's side
    asyncpg.InsufficientResourcesError,  # no room on its disk, no memory, no connection left
    asyncpg.InterfaceError,
    # What asyncpg makes of a goodbye that arrives between two operations: that connection is of no more use.
    asyncpg.InternalClientError,
)
REFUSED = (
    asyncpg.InvalidPasswordError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)


async def connect(
    url: str, *, role_name: str = "trading", answer_s: float | None = None, planned_once: bool = False
) -> asyncpg.Connection:
    """One connection, after as many tries with back-off as it takes (cancel it to give up).

    answer_s: how long a command may take; None as long as it likes. planned_once: its statements find rows by their
    keys, so the server need not weigh a plan for the values of each.

    ConfigError when the server answers but refuses the login or has no such database.
    """
    wait_s = FIRST_WAIT_S
    while True:
        try:
            settings = {"application_name": role_name}
            if planned_once:
                settings["plan_cache_mode"] = "force_generic_plan"
            return await asyncpg.connect(url, timeout=CONNECT_S, command_timeout=answer_s, server_settings=settings)
        except REFUSED as error:
            raise ConfigError(f"database.url: {where(url)} refused the connection: {error}") from error
        except AWAY as error:
            log.warning("database_awaited", database=where(url), error=str(error) or type(error).__name__)
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)


async def reach(url: str, *, role_name: str, instead: str = "") -> asyncpg.Connection:
    """One connection at the first try, for a command at which somebody waits.

    ConfigError when the server is away or refuses; `instead` says what the command can do without it.
    """
    try:
        return await asyncpg.connect(url, timeout=CONNECT_S, server_settings={"application_name": role_name})
    except (*AWAY, *REFUSED) as error:
        raise ConfigError(
            f"{where(url)} cannot be reached: {one_line(error)}. Start the platform, or set database.url or "
            f"TRADING_DATABASE__URL{instead}."
        ) from error


async def connect_pool(url: str, *, role_name: str, min: int = 1, max: int = 4) -> asyncpg.Pool:
    """A pool, once the server answers; it reconnects by itself later. `role_name` shows in pg_stat_activity."""
    probe = await connect(url, role_name=role_name)
    await probe.close()
    return await asyncpg.create_pool(
        url,
        min_size=min,
        max_size=max,
        timeout=CONNECT_S,
        command_timeout=ANSWER_S,
        max_inactive_connection_lifetime=IDLE_LIMIT_S,
        server_settings={"application_name": role_name},
        reset=_nothing_to_reset,
    )


async def _nothing_to_reset(_connection: asyncpg.Connection) -> None:
    """No service sets anything in a session, and asyncpg rolls back what is open by itself.

    Its own reset asks the server after each use of a connection, which a recorder feels with every batch.
    """


def where(url: str) -> str:
    """`url` without its user and password, fit for a log line."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 5432}{parts.path}"
