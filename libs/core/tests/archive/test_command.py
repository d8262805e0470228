"""The command: what it writes, what it refuses, and that doing it twice changes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from archive_builders import T0, archive, candles, run, set_venue_time, store_candles, store_rates, value

from repository import ROOT
from trading_core.archive.datasets import CANDLES
from trading_core.archive.files import rows_of
from trading_core.archive.folder import Archive, Entry, Series
from trading_core.db.times import utc
from trading_core.model import DAY_MS, HOUR_MS, MINUTE_MS
from trading_core.testing import eventually

pytestmark = pytest.mark.integration
SPAN = ("--from", "2025-06-16", "--to", "2025-06-19")
BTC = Series(CANDLES, "hyperliquid", "BTC")
VOLUME = "UPDATE trading_market_data.candles SET volume = $1 WHERE open_time = '2025-06-16 00:00Z'"
DELETE = "DELETE FROM trading_market_data.candles WHERE open_time >= $1 AND open_time < '2025-06-17 00:00Z'"


@pytest.fixture
def recorded(database_url: str, login: Callable[[str], None]) -> str:
    """Three days of BTC, and funding. Gives the superuser's URL; logged in is research."""
    store_candles(database_url, candles(3, assets=("BTC",)))
    store_rates(database_url, 3)
    login("research")
    return database_url


def first_day(folder: Path) -> tuple[Entry, list[tuple[object, ...]]]:
    found = Archive(folder)
    entry = found.entries(BTC)["2025-06-16"]
    return entry, list(rows_of(found.file(BTC, entry)))


def leftovers(folder: Path) -> list[Path]:
    return list(folder.glob("*/*/.parts*"))


def test_writing_twice_writes_once(recorded: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert archive(*SPAN, "--what", "candles") == 0
    assert "candles hyperliquid BTC: 3 day files written (4,320 rows, " in capsys.readouterr().out
    before = first_day(folder)[0]
    assert archive(*SPAN, "--what", "candles") == 0
    assert "candles hyperliquid BTC: 0 day files written (0 rows, 0.0 kB), 3 there already" in capsys.readouterr().out
    assert first_day(folder)[0] == before
    assert archive("--list") == 0
    line = capsys.readouterr().out.splitlines()[-1].split()
    assert line[:8] == ["candles", "hyperliquid", "BTC", "2025-06-16", "2025-06-19", "3", "0", "4,320"]


def test_numbers_are_archived_to_the_last_digit(recorded: str, folder: Path) -> None:
    digits = "123456789.012345678901234567890"
    run(recorded, VOLUME, Decimal(digits))
    assert archive(*SPAN, "--what", "candles") == 0
    assert first_day(folder)[1][0][5] == digits


def test_a_day_that_changed_is_written_anew_with_all_its_rows(recorded: str, folder: Path) -> None:
    """Of 1,440 rows one was corrected and the last hundred are gone from Postgres: the file keeps those."""
    assert archive(*SPAN, "--what", "candles") == 0
    before = first_day(folder)[1]
    run(recorded, VOLUME, 77)
    run(recorded, DELETE, utc(T0 + DAY_MS - 100 * MINUTE_MS))
    assert archive(*SPAN, "--what", "candles") == 0
    entry, after = first_day(folder)
    assert entry.rows == 1_440
    assert after[1:] == before[1:]
    assert after[0][5] == "77"
    assert len(list(Archive(folder).folder(BTC).glob("2025-06-16.*"))) == 1


def test_a_damaged_file_is_written_anew_while_postgres_has_its_rows(
    recorded: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert archive(*SPAN, "--what", "candles") == 0
    file = Archive(folder).file(BTC, first_day(folder)[0])
    whole = file.read_bytes()
    file.write_bytes(whole[:1_000])
    assert archive("--verify") == 2
    assert archive(*SPAN, "--what", "candles") == 0
    assert file.read_bytes() == whole
    assert archive("--verify") == 0
    file.write_bytes(whole[:1_000])
    run(recorded, DELETE, utc(T0 + DAY_MS - MINUTE_MS))
    capsys.readouterr()
    assert archive(*SPAN, "--what", "candles") == 2, "Postgres has 1,439 of 1,440 rows: what is left of the file stays"
    assert f"archive: {file}: damaged" in capsys.readouterr().err
    assert file.read_bytes() == whole[:1_000]


def test_a_lost_index_is_made_again_from_the_files(recorded: str, folder: Path, login: Callable[[str], None]) -> None:
    """Postgres has nothing of them any more: no run may take them for leftovers."""
    login("maintenance")
    set_venue_time(recorded, T0 + 40 * DAY_MS)
    assert archive("--prune") == 0
    index = Archive(folder).folder(BTC) / "index.json"
    whole = index.read_bytes()
    index.unlink()
    for _ in range(2):
        assert archive("--prune") == 0
        assert index.read_bytes() == whole


def test_a_file_that_is_not_whole_does_not_come_into_the_index(recorded: str, folder: Path) -> None:
    assert archive(*SPAN, "--what", "candles") == 0
    (Archive(folder).folder(BTC) / "2025-06-15.0123456789ab.parquet").write_bytes(b"PAR1")
    assert archive(*SPAN, "--what", "candles") == 0
    assert list(Archive(folder).entries(BTC)) == ["2025-06-16", "2025-06-17", "2025-06-18"]


def test_an_archive_of_another_database_is_not_written_to(
    recorded: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert archive(*SPAN) == 0
    run(recorded, "UPDATE trading_ops.identity SET id = gen_random_uuid()")
    capsys.readouterr()
    assert archive(*SPAN) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"archive: {folder}: the archive of another database (")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ((), "--from and --to are missing: which days?"),
        (("--from", "2025-06-19", "--to", "2025-06-16"), "the span is empty. Swap or move them."),
        (
            ("--from", "yesterday", "--to", "2025-06-16"),
            "--from 'yesterday' is no day. Write it like 2026-10-01 (UTC).",
        ),
        (("--from", "2025-06-16T10:00", "--to", "2025-06-17"), "is no full UTC day, and files are of whole days."),
        (
            (*SPAN, "--what", "candle"),
            "--what 'candle' is not known. Write some of candles, revisions, funding, ticks.",
        ),
        (("--prune", "--what", "ticks"), "`retention:` decides what leaves."),
        (("--list", *SPAN), "--from and --to go with writing and with --restore."),
        (("--list",), "no archive there, or nothing in it."),
        (("--verify",), "no archive there, or nothing in it."),
        (("--restore", *SPAN), "has nothing from 2025-06-16 to 2025-06-19. Look with archive --list."),
        (("--from", "2024-01-01", "--to", "2024-02-01"), "it has candles 2025-06-16 to 2025-06-18, revisions"),
        (("--prune",), "the rights of role research to write, recorder to restore, maintenance to prune."),
    ],
)
def test_what_a_person_must_change_is_one_line_and_exit_code_2(
    recorded: str, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], line: str
) -> None:
    set_venue_time(recorded, T0 + 60 * DAY_MS)
    assert archive(*words) == 2
    said = capsys.readouterr().err
    assert line in said
    assert said.startswith("archive: ")
    assert said.count("\n") == 1


def test_a_database_that_is_not_there_is_one_line(
    recorded: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRADING_DATABASE__URL", "postgresql://research@127.0.0.1:1/trading")
    assert archive(*SPAN) == 2
    said = capsys.readouterr().err
    assert "127.0.0.1:1/trading cannot be reached" in said
    assert said.count("\n") == 1


@pytest.fixture
def daily(recorded: str, login: Callable[[str], None], tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`archive --daily`, with what it says in `said`."""
    login("maintenance")
    with (tmp_path / "said").open("wb") as said:
        command = [sys.executable, "-m", "trading_core", "archive", "--daily"]
        process = subprocess.Popen(command, env=os.environ.copy(), cwd=ROOT, stdout=said, stderr=said)
    yield process
    process.kill()
    process.wait()


async def test_the_daily_round_archives_and_prunes_and_ends_when_told(
    daily: subprocess.Popen[bytes], recorded: str, tmp_path: Path
) -> None:
    """Without watermarks the newest candle tells the time: 06-18 is not over, so 06-16 and 06-17 are archived."""
    await eventually(lambda: "2025-06-18: 10 day files archived" in (tmp_path / "said").read_text(), timeout=60)
    daily.terminate()
    assert daily.wait(timeout=30) == 0


async def test_the_daily_round_ends_in_the_middle_of_its_work(
    daily: subprocess.Popen[bytes], folder: Path, tmp_path: Path
) -> None:
    await eventually(lambda: any(folder.glob("*/*/2*.parquet")), timeout=60)
    daily.terminate()
    assert daily.wait(timeout=30) == 0
    assert leftovers(folder) == []
    assert "Traceback" not in (tmp_path / "said").read_text()


def test_days_leave_by_venue_time(recorded: str, login: Callable[[str], None]) -> None:
    """With ticks 14 and candles 30 days: at 00:09 a day is not over yet, at 00:10 it is."""
    left = "SELECT count(*) FROM trading_market_data.candles WHERE interval = '1m'"
    login("maintenance")
    set_venue_time(recorded, T0 + 31 * DAY_MS + HOUR_MS // 6 - 1)
    assert archive("--prune") == 0
    assert value(recorded, left) == 3 * 1_440
    set_venue_time(recorded, T0 + 31 * DAY_MS + HOUR_MS // 6)
    assert archive("--prune") == 0
    assert value(recorded, left) == 2 * 1_440
