"""The archive on disk: one folder per dataset, exchange and asset, in it a Parquet file per UTC day and an index.

The index alone says which files count. A new version of a day is written beside the old one under a name of its
own, and becomes the day's file with the index that names it: a kill at any moment leaves the old or the new one.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from trading_core.archive.datasets import BY_FOLDER, Dataset
from trading_core.db.times import millis
from trading_core.errors import ConfigError
from trading_core.model import DAY_MS

INDEX = "index.json"
OWNER = "archive.json"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One file. `first_ms` and `last_ms` bound its times, `seen_first_ms` and `seen_last_ms` its `visible_ms`."""

    day: str
    file: str
    rows: int
    bytes: int
    sha256: str
    first_ms: int
    last_ms: int
    seen_first_ms: int
    seen_last_ms: int

    @property
    def day_ms(self) -> int:
        return day_start(self.day)


class Index(msgspec.Struct, frozen=True, kw_only=True):
    format: int = 1
    days: list[Entry] = []


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Whose rows these are: those of two databases must not be mixed in one file."""

    database: str


class Series(NamedTuple):
    """What one folder of the archive holds."""

    dataset: Dataset
    exchange: str
    asset: str

    def __str__(self) -> str:
        return f"{self.dataset.name} {self.exchange} {self.asset}"


class Archive:
    """The archive under `path`, which need not exist yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def series(self) -> list[Series]:
        """Everything that has an index."""
        found = []
        for index in sorted(self.path.glob(f"*/*/{INDEX}")):
            dataset = BY_FOLDER.get(index.parent.parent.name)
            exchange, _, asset = index.parent.name.partition("_")
            if dataset is not None and asset:
                found.append(Series(dataset, exchange, asset))
        return found

    def folder(self, series: Series) -> Path:
        return self.path / series.dataset.folder / f"{series.exchange}_{series.asset}"

    def entries(self, series: Series) -> dict[str, Entry]:
        """The days there are, oldest first. ConfigError when the index is damaged."""
        return read_index(self.folder(series) / INDEX)

    def file(self, series: Series, entry: Entry) -> Path:
        return self.folder(series) / entry.file

    def commit(self, series: Series, entry: Entry) -> None:
        """Makes `entry` the file of its day; the one before it is gone afterwards. Its file must be on the disk."""
        entries = self.entries(series)
        before = entries.get(entry.day)
        entries[entry.day] = entry
        index = self.folder(series) / INDEX
        content = msgspec.json.encode(Index(days=[entries[day] for day in sorted(entries)]))
        beside = index.with_name(f".{INDEX}.new")
        beside.write_bytes(msgspec.json.format(content, indent=1) + b"\n")
        sync(beside)
        beside.replace(index)
        sync(index.parent)
        if before is not None and before.file != entry.file:
            self.file(series, before).unlink(missing_ok=True)

    def check(self, series: Series, entry: Entry) -> Path:
        """The file of `entry`, whose bytes are those that were written. ConfigError naming it otherwise."""
        file = self.file(series, entry)
        advice = (
            f"Copy it back from a backup; if its day is still in Postgres, `python -m trading_core archive --from "
            f"{entry.day} --to {day_of(entry.day_ms + DAY_MS)} --what {series.dataset.name}` writes it anew."
        )
        if not file.is_file():
            raise ConfigError(f"{file}: the archive's file of {series} is gone. {advice}")
        if file.stat().st_size != entry.bytes or digest(file) != entry.sha256:
            raise ConfigError(f"{file}: damaged, its bytes are not those that were archived. {advice}")
        return file

    @contextmanager
    def writing(self, database: str) -> Iterator[None]:
        """Only one process at a time writes here or deletes from Postgres; ConfigError for a second one.

        ConfigError also when the archive is that of another database than the one with the id `database`.
        What a killed one left half done is removed first.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = (self.path / ".lock").open("w")
        except OSError as error:
            raise ConfigError(
                f"{self.path}: cannot be written: {error.strerror}. Set archive.dir or --dir to another folder."
            ) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConfigError(
                    f"{self.path}: another process is writing this archive. Wait until it has finished and try again."
                ) from None
            self._claim(database)
            self._remove_leftovers()
            yield

    def _claim(self, database: str) -> None:
        file = self.path / OWNER
        if not file.exists():
            beside = file.with_name(f".{OWNER}.new")
            beside.write_bytes(msgspec.json.encode(Owner(database=database)) + b"\n")
            beside.replace(file)
        try:
            owner = msgspec.json.decode(file.read_bytes(), type=Owner)
        except msgspec.DecodeError as error:
            raise ConfigError(f"{file}: damaged: {error}. Copy it back from a backup.") from error
        if owner.database != database:
            raise ConfigError(
                f"{self.path}: the archive of another database ({owner.database}). Set archive.dir or --dir to another "
                "folder; archive --restore reads it all the same."
            )

    def _remove_leftovers(self) -> None:
        for folder in self.path.glob("*/*/"):
            if folder.parent.name not in BY_FOLDER:
                continue
            entries = read_index(folder / INDEX)
            for found in folder.iterdir():
                day = entries.get(found.name.split(".", 1)[0])
                if found.is_dir() and found.name.startswith(".parts"):
                    shutil.rmtree(found)
                elif found.name.startswith(".") or (day is not None and found.name != day.file):
                    found.unlink()


def checked_files(archive: Path, folder: str, name: str) -> list[Path]:
    """The files of one series, oldest day first: `folder` of its dataset, `name` `exchange_ASSET`.

    ConfigError for one that is gone or damaged.
    """
    exchange, _, asset = name.partition("_")
    series = Series(BY_FOLDER[folder], exchange, asset)
    return [Archive(archive).check(series, entry) for entry in Archive(archive).entries(series).values()]


def read_index(index: Path) -> dict[str, Entry]:
    """The entries by day, oldest first; none without a file. ConfigError when it cannot be understood."""
    try:
        found = msgspec.json.decode(index.read_bytes(), type=Index)
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f"{index}: the archive's index is damaged: {error}. Copy it back from a backup.") from error
    if found.format != 1:
        raise ConfigError(f"{index}: format {found.format} is newer than this version reads (1). Update the platform.")
    return {entry.day: entry for entry in found.days}


def day_of(time_ms: int) -> str:
    """The UTC day of a time, `2025-05-05`."""
    return datetime.fromtimestamp(time_ms // DAY_MS * DAY_MS / 1000, UTC).date().isoformat()


def day_start(day: str) -> int:
    """UTC ms at which `day` begins."""
    return millis(datetime.fromisoformat(day).replace(tzinfo=UTC))


def digest(file: Path) -> str:
    """sha256 of its bytes."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Returns when the file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
