"""kill -9 while the archive is written and while Postgres is pruned: nothing is lost and nothing is there twice."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from archive_builders import T0, archive, candles, digest, set_venue_time, store_candles, value

from repository import ROOT
from trading_core.archive.datasets import CANDLES
from trading_core.archive.files import rows_of
from trading_core.archive.folder import Archive, Series
from trading_core.model import DAY_MS, MINUTE_MS
from trading_core.testing import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

DAYS = 12
COLUMNS = "exchange, asset, interval, open_time, open, high, low, close, volume, event_id, visible_ms, backfilled"
SPAN = ("--from", "2025-06-16", "--to", "2025-06-28")


@pytest.fixture
def recorded(database_url: str, login: Callable[[str], None]) -> str:
    """Twelve days of two assets, all of them older than 30 days. Gives the superuser's URL."""
    store_candles(database_url, candles(DAYS, assets=("BTC", "ETH")))
    set_venue_time(database_url, T0 + 80 * DAY_MS)
    return database_url


async def pruned_days(url: str) -> int:
    db = await asyncpg.connect(url)
    try:
        return int(await db.fetchval("SELECT count(*) FROM trading_ops.pruned"))
    finally:
        await db.close()


async def archived_days(folder: Path) -> int:
    return await asyncio.to_thread(lambda: len(list(folder.glob("*/*/2*.parquet"))))


def start(*words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "trading_core", "archive", *words]
    return subprocess.Popen(command, env=os.environ.copy(), cwd=ROOT, stdout=subprocess.DEVNULL)


def kill_after(process: subprocess.Popen[bytes], progress: Callable[[], Awaitable[int]], steps: int) -> bool:
    """Kills `process` when `progress` has grown by `steps`; whether it still ran then."""

    async def reach() -> None:
        target = await progress() + steps

        async def reached() -> bool:
            return process.poll() is not None or await progress() >= target

        await eventually(reached, timeout=60)

    try:
        asyncio.run(reach())
    finally:
        process.kill()
    return process.wait() == -signal.SIGKILL


def test_killed_again_and_again_it_ends_as_if_nothing_had_been(
    recorded: str, login: Callable[[str], None], folder: Path
) -> None:
    before = digest(recorded, "trading_market_data.candles", COLUMNS)
    kills = 0
    login("research")
    for steps in (1, 20):
        kills += kill_after(start(*SPAN), lambda: archived_days(folder), steps)
    login("maintenance")
    for steps in (1, 20):
        kills += kill_after(start("--prune"), lambda: pruned_days(recorded), steps)
    assert kills >= 3, "the machine was too fast to be killed in the middle"
    assert archive("--prune") == 0

    assert value(recorded, "SELECT count(*) FROM trading_market_data.candles WHERE interval = '1m'") == 0
    assert archive("--verify") == 0
    for asset in ("BTC", "ETH"):
        series = Series(CANDLES, "hyperliquid", asset)
        found = Archive(folder)
        entries = found.entries(series)
        opens = [row[0] for entry in entries.values() for row in rows_of(found.file(series, entry))]
        assert opens == [T0 + minute * MINUTE_MS for minute in range(DAYS * 1_440)]
        assert {file.name for file in found.folder(series).iterdir()} == {
            "index.json", *(entry.file for entry in entries.values()),
        }  # fmt: skip
    login("recorder")
    assert archive("--restore", *SPAN) == 0
    assert digest(recorded, "trading_market_data.candles", COLUMNS, "interval = '1m'") == before


def test_a_second_process_is_told_to_wait(
    recorded: str, login: Callable[[str], None], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    login("research")
    identity = str(value(recorded, "SELECT id FROM trading_ops.identity"))
    with Archive(folder).writing(identity):
        assert archive(*SPAN) == 2
    said = capsys.readouterr().err
    assert said == (
        f"archive: {folder}: another process is writing this archive. Wait until it has finished and try again.\n"
    )
