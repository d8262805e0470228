"""`python -m trading_core backup`: the database, the streams and the archive into one folder."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from trading_core.backup import database, streams
from trading_core.backup.folder import BackupFolder
from trading_core.bus import connection
from trading_core.config import DatabaseConfig, load
from trading_core.db.roles import url_for
from trading_core.errors import ConfigError
from trading_core.run_dir import add_run_dir
from trading_core.streams import BACKED_UP
from trading_core.supervise.folder import RunFolder

LOGIN = "backup"
"""Of the database and of the bus."""
EXAMPLES = """\
examples:
  python -m trading_core backup --to backup/monday           of the newest run in .run, running or stopped
  TRADING_DATABASE__URL=… TRADING_NATS__URL=… python -m trading_core backup --to /mnt/backup/monday

The database is one snapshot: ledger and outbox belong together. Streams are saved just before it, so that a restored
broker finds in the database what it has booked, and publishes again what EXEC lacks. Nothing needs to be stopped.
Passwords are not in it; the data is: keep it as safe. The logins are those named backup: a role that reads all of the
database and changes nothing, and a user of the bus that takes snapshots.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Writes a backup of the whole platform. Exit code 0: it is whole. 1: it failed. 2: bad argument."
    )
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="a folder that does not exist yet")
    add_run_dir(parser)


def run(args: argparse.Namespace) -> int:
    from trading_core.supervise.attach import attach, environment, newest

    target = BackupFolder(args.to)
    if load().database != DatabaseConfig():
        _whole(target, None)
        return 0
    folder = newest(args.run_dir)
    if folder is None:
        raise ConfigError(f"backup: {args.run_dir} holds no data, and database.url is not set. Name what to back up.")
    with attach(folder, nats=True) as found:
        reader = url_for(found["TRADING_DATABASE__URL"], LOGIN, folder.secrets()[LOGIN])
        archive = {} if load().archive.dir else {"TRADING_ARCHIVE__DIR": str(folder.archive)}
        streams = folder.nats_login(found["TRADING_NATS__URL"], LOGIN)
        with environment({**found, **archive, "TRADING_DATABASE__URL": reader, "TRADING_NATS__URL": streams}):
            _whole(target, folder)
    return 0


def _whole(target: BackupFolder, folder: RunFolder | None) -> None:
    begun = target.begin()
    try:
        if folder is not None and folder.venue_clock.exists():
            # First: a simulated venue that is behind repeats what is known, one that is ahead would leave a hole.
            shutil.copy2(folder.venue_clock, begun.venue_clock)
        content = asyncio.run(_save(begun, folder))
        target.finish(begun, content)
    except BaseException:
        shutil.rmtree(begun.path, ignore_errors=True)
        raise
    size = sum(file.stat().st_size for file in target.files())
    print(f"{target.path}: {size / 2**20:,.1f} MiB, whole")


async def _save(begun: BackupFolder, folder: RunFolder | None) -> dict[str, object]:
    settings = load()
    schema = await database.revision(settings.database.url)
    saved: dict[str, object] = {}
    with progress() as bar:
        bus = await connection.reach(settings.nats.url, name="backup/1")
        try:
            for stream in BACKED_UP:
                task = bar.add_task(f"stream {stream.name}", total=None)
                file = begun.stream(stream.name)
                saved[stream.name] = await streams.save(bus, stream.name, file, partial(bar.advance, task))
                bar.update(task, total=_size(file))
        finally:
            await bus.close()
        task = bar.add_task("database", total=None)
        await database.save(settings.database.url, begun.database)
        bar.update(task, total=_size(begun.database), completed=_size(begun.database))
        task = bar.add_task("archive", total=None)
        size = await asyncio.to_thread(_copy_archive, settings.archive.folder, begun.archive)
        bar.update(task, total=size, completed=size)
    return {
        "made_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "mode": None if folder is None else folder.mode,
        "schema": schema,
        "streams": saved,
    }


def _size(file: Path) -> int:
    return file.stat().st_size


def _copy_archive(source: Path, target: Path) -> int:
    """Bytes of it; 0 where there is none."""
    if not source.is_dir():
        return 0
    shutil.copytree(source, target, copy_function=_link)
    return sum(_size(file) for file in target.rglob("*") if file.is_file())


def _link(source: str, target: str) -> str:
    """Files of the archive never change: on one file system a second name costs nothing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def progress() -> Progress:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        DownloadColumn(binary_units=True),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=Console(stderr=True))
