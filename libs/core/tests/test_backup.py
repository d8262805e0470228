"""A backup restores into an empty installation, byte for byte, and never over anything."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from message_builders import a_grid, a_signal

from trading_core.backup import database, restoring
from trading_core.backup.command import _save
from trading_core.backup.folder import BackupFolder
from trading_core.bus.connection import Bus
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.config import load
from trading_core.errors import ConfigError
from trading_core.model import MINUTE_MS
from trading_core.streams import BACKED_UP, SIGNALS, grid_subject, signal_subject
from trading_core.supervise.attach import newest_database

pytestmark = pytest.mark.integration

LEDGER = """
INSERT INTO trading_paper.portfolio (id, name) VALUES (1, 'default');
INSERT INTO trading_paper.outbox (portfolio_id, event_id, subject, payload, sent_at)
    VALUES (1, 'fl:1', 'exec.fill.default.s.BTC', '{}', now()), (1, 'fl:2', 'exec.fill.default.s.BTC', '{}', NULL);
INSERT INTO trading_paper.skips (event_id, portfolio_id, ts, who, body) VALUES ('sk', 1, now(), 'BTC', '{}');
"""
ROWS = "SELECT id, event_id, subject, payload::text, sent_at FROM trading_paper.outbox ORDER BY id"


async def content(bus: Bus) -> list[tuple[str, bytes, int, int]]:
    found: list[tuple[str, bytes, int, int]] = []
    reader = OrderedPull(bus, SIGNALS, (), Start.all())
    async for batch in reader.batches():
        found += [(one.subject, one.data, one.sequence, one.ingest_time_ns) for one in batch]
        if reader.caught_up:
            break
    return found


async def acknowledged(bus: Bus) -> int:
    info = await bus.js.consumer_info("SIGNALS", "broker")
    assert info.ack_floor is not None
    return int(info.ack_floor.stream_seq)


async def test_a_backup_comes_back_as_it_was_and_never_over_anything(
    bus: Bus, nats_url: str, database_url: str, role_url: Callable[[str], str], empty_database_url: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for number in range(1, 9):
        ts = 1_790_000_040_000 + number * MINUTE_MS
        await bus.publish(signal_subject("s", "hyperliquid", "BTC"), a_signal(ts))
        await bus.publish(grid_subject("hyperliquid", "BTC"), a_grid(ts, 1))
    reader = await bus.js.pull_subscribe_bind("broker", "SIGNALS")
    for message in await reader.fetch(5):
        await message.ack_sync()
    db = await asyncpg.connect(database_url)
    await db.execute(LEDGER)
    rows, sent = await db.fetch(ROWS), await content(bus)
    await db.close()
    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / "day.parquet").write_bytes(b"kept")
    monkeypatch.setenv("TRADING_NATS__URL", nats_url)
    monkeypatch.setenv("TRADING_DATABASE__URL", role_url("backup"))
    monkeypatch.setenv("TRADING_ARCHIVE__DIR", str(archive))
    target = BackupFolder(tmp_path / "backup")
    begun = target.begin()
    target.finish(begun, await _save(begun, None))
    monkeypatch.setenv("TRADING_DATABASE__URL", database_url)
    saved = target.read()
    with pytest.raises(ConfigError, match="there is something already"):
        target.begin()

    with pytest.raises(ConfigError, match=r"database of database.url is not empty"):
        await restoring._load(target, saved, tmp_path / "new")
    monkeypatch.setenv("TRADING_DATABASE__URL", empty_database_url)
    with pytest.raises(ConfigError, match=r"is not empty. Move it away"):
        await restoring._load(target, saved, archive)
    with pytest.raises(ConfigError, match="NATS holds messages in SIGNALS"):
        await restoring._load(target, saved, tmp_path / "new")
    assert await database.is_empty(empty_database_url)

    for stream in BACKED_UP:
        await bus.js.delete_stream(stream.name)
    await restoring._load(target, saved, tmp_path / "new")
    again = await asyncpg.connect(empty_database_url)
    try:
        unsent = [(*tuple(row)[:-1], None) for row in rows]  # EXEC had none of them: all are to be published again
        assert [tuple(row) for row in await again.fetch(ROWS)] == unsent
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await again.execute("DELETE FROM trading_paper.skips")
    finally:
        await again.close()
    assert await content(bus) == sent
    assert await acknowledged(bus) == 5
    assert (tmp_path / "new" / "day.parquet").read_bytes() == b"kept"

    for variable in ("TRADING_NATS__URL", "TRADING_DATABASE__URL", "TRADING_ARCHIVE__DIR"):
        monkeypatch.delenv(variable)
    into = argparse.Namespace(from_=target.path, run_dir=tmp_path / "run")
    assert await asyncio.to_thread(restoring.run, into) == 0
    assert await asyncio.to_thread(ledger_rows, into.run_dir) == len(rows)


def ledger_rows(run_dir: Path) -> int:
    """As `audit` and the other commands read them, before the platform was ever started."""

    async def count() -> int:
        db = await asyncpg.connect(load().database.url)
        try:
            return len(await db.fetch(ROWS))
        finally:
            await db.close()

    with newest_database(run_dir, start=True):
        return asyncio.run(count())


async def test_an_installation_without_the_role_says_how_to_get_it(role_url: Callable[[str], str]) -> None:
    stranger = role_url("backup").replace("//backup:", "//before_the_role:")
    with pytest.raises(ConfigError, match=r"refuses before_the_role.*Start the platform of this version once"):
        await database.revision(stranger)


def test_a_damaged_backup_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no backup"):
        BackupFolder(tmp_path / "nothing").read()
    folder = BackupFolder(tmp_path / "backup")
    begun = folder.begin()
    begun.database.write_bytes(b"all of it")
    folder.finish(begun, {})
    assert folder.read()["format"] == 1
    folder.database.write_bytes(b"all of at")
    with pytest.raises(ConfigError, match=r"database\.dump is missing or damaged"):
        folder.read()
    assert not (tmp_path / "backup.partial").exists()
