"""The database into one file and back, by PostgreSQL's own programs: one snapshot, ledger and outbox together."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from trading_core.db.migrate import migrate
from trading_core.db.pool import where
from trading_core.embedded.postgres import install_tree
from trading_core.errors import ConfigError, TradingError

_SCHEMAS = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'trading\\_%'"
_REVISION = "SELECT max(version_num) FROM alembic_version"


async def save(url: str, file: Path) -> None:
    """A dump in the custom format. TradingError with what the program said when it fails."""
    await _run("pg_dump", url, "--format=custom", "--compress=gzip:1", f"--file={file}")


async def load(url: str, file: Path) -> None:
    """Everything of `file` into the empty database of `url`, whose login must be a superuser's.

    Roles belong to the server and are in no dump: the migrations make them, in a scratch database.
    """
    await _make_roles(url)
    await _run("pg_restore", url, "--exit-on-error", "--single-transaction", "--dbname", str(_database(url)), str(file))


async def is_empty(url: str) -> bool:
    """Whether the database of `url` has no schema of ours."""
    db = await asyncpg.connect(url, timeout=10)
    try:
        return not await db.fetchval(_SCHEMAS)
    finally:
        await db.close()


async def revision(url: str) -> str:
    """Of the schema. ConfigError when the server refuses the login."""
    try:
        db = await asyncpg.connect(url, timeout=10)
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        raise ConfigError(
            f"database.url: {where(url)} refuses {urlsplit(url).username}: {error}. Start the platform of this version "
            "once, or run `python -m trading_core migrate` with TRADING_ROLE_PASSWORD_<ROLE> set: both make the logins."
        ) from error
    try:
        return str(await db.fetchval(_REVISION))
    finally:
        await db.close()


async def _make_roles(url: str) -> None:
    scratch = f"restore_{secrets.token_hex(4)}"
    db = await asyncpg.connect(url, timeout=10)
    try:
        await db.execute(f"CREATE DATABASE {scratch}")
        try:
            await asyncio.to_thread(migrate, urlunsplit(urlsplit(url)._replace(path=f"/{scratch}")))
        finally:
            await db.execute(f"DROP DATABASE {scratch} WITH (FORCE)")
    finally:
        await db.close()


async def _run(program: str, url: str, *words: str) -> None:
    parts = urlsplit(url)
    environment = {
        **os.environ,
        "PGHOST": parts.hostname or "127.0.0.1",
        "PGPORT": str(parts.port or 5432),
        "PGUSER": parts.username or "postgres",
        "PGDATABASE": _database(url),
        "PGPASSWORD": parts.password or "",  # not an argument: those are for everyone to see
    }
    process = await asyncio.create_subprocess_exec(
        str(_program(program)), "--no-password", *words, env=environment,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await process.communicate()
    if process.returncode:
        raise TradingError(f"{program} of {where(url)} failed:\n{said.decode(errors='replace')[-800:].strip()}")


def _database(url: str) -> str:
    return urlsplit(url).path.lstrip("/") or "postgres"


def _program(name: str) -> Path:
    try:
        tree = install_tree() / "bin" / name
    except ConfigError:
        tree = Path(name)
    found = str(tree) if tree.exists() else shutil.which(name)
    if found is None:
        raise ConfigError(
            f"{name} was not found. Run `make setup`, or set PG_BIN to the folder of PostgreSQL's programs."
        )
    return Path(found)
