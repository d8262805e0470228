"""`python -m trading_core archive`: arguments, and what is said at the end."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from trading_core.archive import actions, daily
from trading_core.archive.actions import Said
from trading_core.archive.datasets import ALL, BY_NAME, Dataset
from trading_core.archive.folder import Archive
from trading_core.archive.show import listing
from trading_core.config import Settings, load
from trading_core.errors import ConfigError
from trading_core.model import DAY_MS
from trading_core.run_dir import add_run_dir

EXAMPLES = """\
examples:
  python -m trading_core archive --from 2026-10-01 --to 2026-11-01                write October, all of it
  python -m trading_core archive --from 2026-10-01 --to 2026-11-01 --what candles,funding --dir /mnt/archive
  python -m trading_core archive --list                                           what there is
  python -m trading_core archive --verify                                         is every file as it was written?
  python -m trading_core archive --restore --from 2026-10-01 --to 2026-10-08      back into Postgres
  python -m trading_core archive --prune                                          delete what `retention:` lets go

Days are UTC; --to is excluded. A day is one file per exchange and asset; writing it again changes nothing unless rows
came or changed since, and never leaves out a row that the file had. --prune compares Postgres with the archive row by
row, in the transaction that deletes. While the platform runs it archives and prunes once a day by itself.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command; `run` takes what they parse to."""
    parser.description = "Write recorded history to Parquet files, read it back, and let old rows go from Postgres."
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="show what the archive has")
    what.add_argument("--verify", action="store_true", help="read every file and compare it with the index")
    what.add_argument("--restore", action="store_true", help="put a span back into Postgres; what is there stays")
    what.add_argument("--prune", action="store_true", help="delete from Postgres what is older than `retention:` says")
    what.add_argument("--daily", action="store_true", help="until stopped: archive and prune once a day in venue time")
    parser.add_argument("--from", dest="from_", metavar="DAY", help="first day, UTC: 2026-10-01")
    parser.add_argument("--to", metavar="DAY", help="end, UTC, excluded")
    parser.add_argument("--what", metavar="LIST", help=f"some of {','.join(BY_NAME)} (default: all)")
    parser.add_argument("--dir", type=Path, metavar="FOLDER", help="the archive (default: archive.dir of config.yaml)")
    add_run_dir(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0, or 2 when an argument, a setting or a file must change."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        _check(args)
        with _database(args):
            said = _run(args, load(), console)
    except ConfigError as error:
        said = Said([], [str(error)])
    for line in said.lines:
        print(line)
    for problem in said.problems:
        console.print(f"archive: {problem}", markup=False)
    return 2 if said.problems else 0


def _run(args: argparse.Namespace, settings: Settings, console: Console) -> Said:
    archive, datasets, url = Archive(args.dir or settings.archive.folder), _datasets(args.what), settings.database.url
    if args.list:
        return Said(listing(archive, datasets), [])
    if args.verify:
        return actions.verify(archive, datasets, console)
    if args.daily:
        asyncio.run(daily.run(settings, archive))
        return Said([], [])
    if args.prune:
        return asyncio.run(actions.prune(url, archive, settings.retention, console))
    action = actions.restore if args.restore else actions.write
    return asyncio.run(action(url, archive, datasets, _span(args), console))


def _check(args: argparse.Namespace) -> None:
    spanless = args.list or args.verify or args.prune or args.daily
    if spanless and (args.from_ or args.to):
        raise ConfigError("--from and --to go with writing and with --restore. Leave them out.")
    if not spanless and not (args.from_ and args.to):
        raise ConfigError("--from and --to are missing: which days? Write --from 2026-10-01 --to 2026-11-01.")
    if (args.prune or args.daily) and args.what:
        raise ConfigError("--what goes with writing, --restore, --list and --verify. `retention:` decides what leaves.")
    _datasets(args.what)


def _datasets(given: str | None) -> Sequence[Dataset]:
    names = [name.strip() for name in given.split(",")] if given else list(BY_NAME)
    for name in names:
        if name not in BY_NAME:
            raise ConfigError(f"--what {name!r} is not known. Write some of {', '.join(BY_NAME)}.")
    return [dataset for dataset in ALL if dataset.name in names]


def _span(args: argparse.Namespace) -> tuple[int, int]:
    from_ms, to_ms = _day(args.from_, "--from"), _day(args.to, "--to")
    if from_ms >= to_ms:
        raise ConfigError(f"--from {args.from_} is not before --to {args.to}: the span is empty. Swap or move them.")
    return from_ms, to_ms


def _day(text: str, option: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{option} {text!r} is no day. Write it like 2026-10-01 (UTC).") from error
    moment_ms = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    if moment_ms % DAY_MS:
        raise ConfigError(f"{option} {text!r} is no full UTC day, and files are of whole days. Leave out the time.")
    return moment_ms


def _database(args: argparse.Namespace) -> AbstractContextManager[None]:
    """Leads `database.url` and `archive.dir` to the platform of this folder, with the rights that the action needs."""
    if not args.run_dir.is_dir():
        return nullcontext()
    from trading_core.supervise.attach import newest_database

    role = "recorder" if args.restore else "maintenance" if args.prune or args.daily else "research"
    return newest_database(args.run_dir, start=not (args.list or args.verify), role=role)
