"""`python -m trading_core restore`: a backup into an empty installation."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg

from trading_core.backup import database, streams
from trading_core.backup.command import progress
from trading_core.backup.folder import BackupFolder
from trading_core.bus import connection
from trading_core.bus.connection import Bus
from trading_core.bus.provision import provision
from trading_core.config import DatabaseConfig, load
from trading_core.db.migrate import migrate
from trading_core.db.roles import LOGIN_ROLES, set_passwords
from trading_core.errors import ConfigError
from trading_core.messages import EXEC_KINDS, ExecMessage, decode
from trading_core.run_dir import add_run_dir
from trading_core.streams import EXEC, exec_subjects
from trading_core.supervise.folder import DATABASE, RunFolder

_UNSENT = "UPDATE trading_paper.outbox SET sent_at = NULL WHERE portfolio_id = $1 AND id > $2"
EXAMPLES = """\
examples:
  python -m trading_core restore --from backup/monday                  into .run, which must hold no such run
  python -m trading_core restore --from backup/monday --run-dir /srv/paper/.run
  TRADING_DATABASE__URL=… TRADING_NATS__URL=… python -m trading_core restore --from /mnt/backup/monday

Nothing is ever overwritten: it refuses a run folder with data, a database with our schemas and streams with messages.
Every file is compared with its checksum first. Start the platform afterwards: it goes on where the backup ends.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Restores a backup into an empty installation. Exit code 0: done. 1: it failed. 2: refused, with the reason."
    )
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--from", dest="from_", type=Path, required=True, metavar="DIR", help="a folder of `backup`")
    add_run_dir(parser)


def run(args: argparse.Namespace) -> int:
    source = BackupFolder(args.from_)
    content = source.read()
    if load().database != DatabaseConfig():
        asyncio.run(_load(source, content, load().archive.folder))
    else:
        folder = RunFolder(args.run_dir, content["mode"] or "live")
        if (folder.path / "secrets").exists():
            raise ConfigError(
                f"restore: {folder.path} holds a run already. Move it away, or name another folder with --run-dir."
            )
        with _servers(folder) as variables:
            from trading_core.supervise.attach import environment

            with environment(variables):
                asyncio.run(_load(source, content, Path(load().archive.dir or folder.archive)))
                # The platform does the same when it starts; `audit` and others may look before.
                asyncio.run(set_passwords(load().database.url, {role: folder.secrets()[role] for role in LOGIN_ROLES}))
        if source.venue_clock.exists():
            shutil.copy2(source.venue_clock, folder.venue_clock)
    print(f"restored what was saved at {content['made_at']}. Start the platform: it goes on from there.")
    return 0


@contextlib.contextmanager
def _servers(folder: RunFolder) -> Iterator[dict[str, str]]:
    """New servers in an empty run folder, for the time; what was begun is removed again when it fails."""
    from trading_core.supervise.attach import attach

    folder.prepare()
    secrets = folder.secrets()
    try:
        with attach(folder, nats=True) as found:
            url = asyncio.run(_database(found["TRADING_DATABASE__URL"], secrets["postgres"]))
            streams = folder.nats_login(found["TRADING_NATS__URL"], "provision")
            yield {**found, "TRADING_DATABASE__URL": url, "TRADING_NATS__URL": streams}
    except BaseException:
        folder.reset()
        raise


async def _database(url: str, password: str) -> str:
    """Makes our database in a new cluster; its URL as superuser."""
    from trading_core.db.roles import url_for

    owner = url_for(url, "postgres", password)
    server = await asyncpg.connect(owner.rpartition("/")[0] + "/postgres", timeout=10)
    try:
        await server.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await server.close()
    return owner


async def _load(source: BackupFolder, content: dict[str, Any], archive: Path) -> None:
    settings = load()
    if not await database.is_empty(settings.database.url):
        raise ConfigError("restore: the database of database.url is not empty. Name an empty one; nothing was changed.")
    if await asyncio.to_thread(_holds_something, archive):
        raise ConfigError(f"restore: the archive {archive} is not empty. Move it away; nothing was changed.")
    bus = await connection.reach(settings.nats.url, name="restore/1")
    try:
        if held := await streams.present(bus):
            raise ConfigError(f"restore: NATS holds messages in {', '.join(held)}. Name an empty one.")
        with progress() as bar:
            task = bar.add_task("database", total=None)
            await database.load(settings.database.url, source.database)
            await asyncio.to_thread(migrate, settings.database.url)
            bar.update(task, total=1, completed=1)
            await streams.remove_empty(bus)
            for name, saved in content["streams"].items():
                file = source.stream(name)
                task = bar.add_task(f"stream {name}", total=_size(file))
                await streams.load(bus, name, file, saved, partial(bar.advance, task))
        await _send_again(bus, settings.database.url)
        await provision(bus)
    finally:
        await bus.close()
    await asyncio.to_thread(_copy_archive, source.archive, archive)


async def _send_again(bus: Bus, url: str) -> None:
    """What the ledger said after EXEC was saved counts as unsent, whatever its row says: the broker publishes it."""
    db = await asyncpg.connect(url, timeout=10)
    try:
        for portfolio in await db.fetch("SELECT id, name FROM trading_paper.portfolio"):
            newest = 0
            for kind in EXEC_KINDS:
                found = await bus.last(EXEC, exec_subjects(kind, portfolio["name"]))
                message = decode(found.data) if found is not None else None
                newest = max(newest, message.outbox_id) if isinstance(message, ExecMessage) else newest
            await db.execute(_UNSENT, portfolio["id"], newest)
    finally:
        await db.close()


def _holds_something(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _size(file: Path) -> int:
    return file.stat().st_size


def _copy_archive(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
