"""Asks NATS and PostgreSQL how they are. Nothing raises: a server that is away says nothing."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from typing import Any

import asyncpg
import structlog
from prometheus_client.core import Metric

from trading_core.db.pool import AWAY
from trading_core.exporter.families import of_nats, of_postgres

LIMIT_S = 4.0
_JSZ = "/jsz?streams=1&consumers=1&config=1"
_DATABASE = """
SELECT xact_commit AS commits, xact_rollback AS rollbacks, blks_hit AS blocks_hit, blks_read AS blocks_read, deadlocks,
       pg_database_size(datname) AS bytes, current_setting('max_connections')::int AS connections_limit,
       (SELECT sum(numbackends) FROM pg_stat_database) AS connections
FROM pg_stat_database WHERE datname = current_database()
"""
_SIZES = """
SELECT name, sum(bytes)::bigint AS bytes FROM (
    SELECT schemaname || '.' || regexp_replace(relname, '^ticks_.*', 'ticks') AS name,
           pg_total_relation_size(relid) AS bytes
    FROM pg_stat_user_tables
) AS tables GROUP BY name ORDER BY bytes DESC LIMIT 15
"""
log = structlog.get_logger()


async def nats(url: str) -> list[Metric]:
    """Nothing when it is away."""

    def get(path: str) -> Any:
        with urllib.request.urlopen(f"{url}{path}", timeout=LIMIT_S) as answer:
            return json.load(answer)

    try:
        return of_nats(*[await asyncio.to_thread(get, path) for path in ("/varz", _JSZ)])
    except (OSError, ValueError) as error:
        log.warning("nats_unanswered", error=str(error))
        return []


async def postgres(url: str) -> list[Metric]:
    """Nothing when it is away. A connection each time: one that is held would hide a server that refuses new ones."""
    try:
        db = await asyncpg.connect(url, timeout=LIMIT_S, command_timeout=LIMIT_S)
        try:
            return of_postgres(await db.fetchrow(_DATABASE), await db.fetch(_SIZES))
        finally:
            await db.close(timeout=LIMIT_S)
    except (asyncpg.PostgresError, *AWAY) as error:
        log.warning("postgres_unanswered", error=str(error) or type(error).__name__)
        return []
