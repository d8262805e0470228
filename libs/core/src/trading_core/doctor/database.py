"""What Postgres says of a running installation. Read only."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
from alembic.script import ScriptDirectory

from trading_core.config import Settings
from trading_core.db import coverage
from trading_core.db.migrate import alembic_config
from trading_core.db.pool import AWAY, connect, where
from trading_core.db.roles import LOGIN_ROLES
from trading_core.doctor import findings
from trading_core.doctor.findings import EXPECTED, Finding

REACH_S = 5.0
OLDEST_SERVER = 16
_BEATS = """
SELECT DISTINCT ON (service) service, extract(epoch FROM clock_timestamp() - sent_at)::float8 AS age_s, status, detail
FROM trading_ops.heartbeats ORDER BY service, sent_at DESC
"""
_OUTBOX = """
SELECT coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8
FROM trading_paper.outbox WHERE sent_at IS NULL
"""
_NEXT_MONTH = """
SELECT to_regclass('trading_market_data.ticks_' || to_char(now() AT TIME ZONE 'UTC' + interval '1 month', 'YYYY_MM'))
"""
_VIOLATIONS = "SELECT kind, count(*) AS rows FROM trading_paper.identity_violations GROUP BY kind"
_ROLES = "SELECT rolname, rolcanlogin, rolsuper FROM pg_roles WHERE rolname = ANY($1)"
_NEWEST_DAY = "SELECT max(day) FROM trading_ops.recorded_days"


async def checks(settings: Settings) -> AsyncIterator[Finding]:
    """Each as soon as it is known; the rest is left out when the server does not answer."""
    url = settings.database.url
    try:
        async with asyncio.timeout(REACH_S):
            db = await connect(url, role_name="doctor")
    except TimeoutError:
        advice = (
            "Start it, or correct database.url or TRADING_DATABASE__URL. Until it answers, schema, roles, services, "
            "ledger and coverage are not checked."
        )
        yield Finding("postgres", "failed", f"{where(url)} does not answer", advice)
        return
    try:
        await db.execute("SET default_transaction_read_only = on")
        yield _server(db, url)
        for check in (_schema, _clock, _roles, _partitions, _services, _outbox, _identities, _gaps, _coverage):
            try:
                for finding in await check(db, settings):
                    yield finding
            except asyncpg.InsufficientPrivilegeError as error:
                name = check.__name__.strip("_")
                yield Finding(name, "skipped", f"this login may not look: {error}", "Use the login of the owner.")
            except (asyncpg.UndefinedTableError, asyncpg.UndefinedFunctionError, asyncpg.InvalidSchemaNameError):
                name = check.__name__.strip("_")
                yield Finding(name, "failed", "its tables are missing", "Run `python -m trading_core migrate`.")
    except AWAY as error:
        yield Finding("postgres", "failed", f"{where(url)} went away: {error}", "Look at its log.")
    finally:
        await db.close()


def _server(db: asyncpg.Connection, url: str) -> Finding:
    version = db.get_server_version()
    says = f"{where(url)}, version {version.major}.{version.minor}"
    if version.major < OLDEST_SERVER:
        return Finding("postgres", "failed", says, f"Use PostgreSQL {OLDEST_SERVER} or newer.")
    return Finding("postgres", "ok", says)


async def _schema(db: asyncpg.Connection, settings: Settings) -> list[Finding]:
    newest = ScriptDirectory.from_config(alembic_config(settings.database.url)).get_current_head() or "none"
    return [findings.of_schema(await db.fetchval("SELECT max(version_num) FROM alembic_version"), newest)]


async def _clock(db: asyncpg.Connection, _settings: Settings) -> list[Finding]:
    before_ms = time.time() * 1000
    there_ms = await db.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8 * 1000")
    return [findings.of_offset("postgres", there_ms - (before_ms + time.time() * 1000) / 2)]


async def _roles(db: asyncpg.Connection, _settings: Settings) -> list[Finding]:
    known = {row["rolname"]: row for row in await db.fetch(_ROLES, list(LOGIN_ROLES))}
    unfit = [role for role in LOGIN_ROLES if role not in known or not known[role]["rolcanlogin"]]
    mighty = [role for role, row in known.items() if row["rolsuper"]]
    advice = "Run `python -m trading_core migrate` with TRADING_ROLE_PASSWORD_<ROLE> set."
    cannot = findings.of_count("roles", len(unfit), "failed", f"roles cannot log in: {', '.join(unfit)}", advice)
    if unfit or not mighty:
        return [cannot if unfit else Finding("roles", "ok", f"{len(known)} logins, none of them superuser")]
    return [Finding("roles", "failed", f"superusers: {', '.join(mighty)}", "ALTER ROLE … NOSUPERUSER.")]


async def _partitions(db: asyncpg.Connection, _settings: Settings) -> list[Finding]:
    astray = await db.fetchval("SELECT count(*) FROM trading_market_data.ticks_default")
    what, advice = "rows of ticks are in the DEFAULT partition", "See the recorder's log: event times in the future?"
    found = [findings.of_count("partitions", astray, "failed", what, advice)]
    if await db.fetchval(_NEXT_MONTH) is None:
        advice = "Run `python -m trading_core migrate`; the supervisor does it daily."
        found.append(Finding("partitions", "failed", "next month has no partition", advice))
    return found


async def _services(db: asyncpg.Connection, settings: Settings) -> list[Finding]:
    beats = {row["service"]: row for row in await db.fetch(_BEATS)}
    exchanges = settings.exchanges
    collectors = {"collector-hl": exchanges.hyperliquid.enabled, "collector-pm": exchanges.polymarket.enabled}
    found = []
    for service in (*(name for name, enabled in collectors.items() if enabled or name in beats), *EXPECTED):
        row = beats.get(service)
        if row is None:
            found.append(findings.of_beat(service, None, "", ()))
            continue
        detail = json.loads(row["detail"])
        found.append(findings.of_beat(service, row["age_s"], row["status"], detail.get("trouble", ())))
        if (offset_ms := detail.get("clock_offset_ms")) is not None and row["age_s"] <= findings.DOWN_AFTER_S:
            found.append(findings.of_offset(f"the venue of {service}", offset_ms))
    return found


async def _outbox(db: asyncpg.Connection, _settings: Settings) -> list[Finding]:
    return [findings.of_outbox(await db.fetchval(_OUTBOX))]


async def _identities(db: asyncpg.Connection, _settings: Settings) -> list[Finding]:
    rows = await db.fetch(_VIOLATIONS, timeout=600)
    return [findings.of_identities({row["kind"]: row["rows"] for row in rows})]


async def _gaps(db: asyncpg.Connection, _settings: Settings) -> list[Finding]:
    count = await db.fetchval("SELECT count(*) FROM trading_ops.gaps WHERE state = 'open'")
    advice = "The collector is refilling them or waits for the venue; strategies pass until they are closed."
    return [findings.of_count("open gaps", count, "warning", "channels are silent", advice)]


async def _coverage(db: asyncpg.Connection, _settings: Settings) -> list[Finding]:
    """Of the day before the newest recorded one: yesterday in the venues' time."""
    newest = await db.fetchval(_NEWEST_DAY)
    if newest is None:
        return [Finding("coverage", "ok", "no day has been recorded yet")]
    day = newest - timedelta(days=1)
    rows = await coverage.coverage(db, day, day)
    shares = {f"{row['exchange']} {row['asset']} {row['channel']}": row["fraction"] for row in rows}
    return [findings.of_coverage(f"{day}", shares)]
