"""What left Postgres is read from the archive, and nothing that is computed from it changes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from archive_builders import T0, archive, candles, digest, set_venue_time, store_candles, store_rates, value

from trading_core.backtest import command as backtest
from trading_core.model import DAY_MS, HOUR_MS

pytestmark = pytest.mark.integration

HOLE = range(1_440 + 700, 1_440 + 730)
"""Half an hour on 2025-06-17 that nobody has."""


def history(url: str, days: int) -> None:
    """Candles of three assets with a hole, and their funding."""
    store_candles(url, candles(days, missing=HOLE))
    store_rates(url, days)


@pytest.fixture
def recorded(database_url: str, login: Callable[[str], None]) -> str:
    """Six days, of which four are older than 30 days: those before 2025-06-20. Gives the superuser's URL."""
    history(database_url, 6)
    set_venue_time(database_url, T0 + 34 * DAY_MS + HOUR_MS)
    return database_url


def a_run(file: Path, *words: str, from_: str = "2025-06-18", to: str = "2025-06-22") -> dict[str, Any]:
    """The report; the two days before are warm-up."""
    parser = argparse.ArgumentParser()
    backtest.add_arguments(parser)
    names = ["--strategy", "FundingArb", "--from", from_, "--to", to, "--no-save"]
    assert backtest.run(parser.parse_args([*names, "--json", str(file), *words])) == 0
    report: dict[str, Any] = json.loads(file.read_bytes())
    return report


def sourceless(report: dict[str, Any]) -> dict[str, Any]:
    return {**report, "config": {**report["config"], "source": ""}}


@pytest.mark.timeout(600)
def test_forty_days_backtest_the_same_after_a_quarter_of_them_left(
    database_url: str, login: Callable[[str], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last candle closes on 2025-07-28 00:00: 07-27 is not over yet, and 30 days before it begins what stays."""
    history(database_url, 42)
    login("research")
    before = a_run(tmp_path / "run.json", to="2025-07-28")
    assert before["config"]["source"] == "postgres"
    assert before["summary"]["trades"] > 0
    assert before["config"]["to"] - before["config"]["from"] == 40 * DAY_MS

    login("maintenance")
    assert archive("--prune") == 0
    said = capsys.readouterr().out
    # 11 days of three assets without the hole, as candles and as revisions.
    assert (
        f"{2 * 3 * (11 * 1_440 - len(HOLE)):,} archived rows deleted from Postgres (candles before 2025-06-27" in said
    )
    first = "SELECT (extract(epoch FROM min(open_time)) * 1000)::bigint FROM trading_market_data.candles"
    assert value(database_url, f"{first} WHERE interval = '1m'") == T0 + 11 * DAY_MS

    login("research")
    across = a_run(tmp_path / "run.json", to="2025-07-28")
    assert across["config"]["source"] == "postgres + archive"
    assert sourceless(across) == sourceless(before)
    assert "missing" not in capsys.readouterr().err


def test_an_archive_is_a_source_of_files_as_well(
    recorded: str, login: Callable[[str], None], folder: Path, tmp_path: Path
) -> None:
    login("research")
    assert archive("--from", "2025-06-16", "--to", "2025-06-22", "--what", "candles,funding") == 0
    files = a_run(tmp_path / "run.json", "--source", f"parquet:{folder}", to="2025-06-20")
    assert files["summary"]["trades"] > 0
    assert sourceless(files) == sourceless(a_run(tmp_path / "run.json", to="2025-06-20"))


def test_wider_candles_of_a_day_outlive_its_minutes(recorded: str, login: Callable[[str], None]) -> None:
    """The recorder keeps them; minutes that came by another way get theirs as they leave."""
    login("maintenance")
    assert archive("--prune") == 0
    count = "SELECT count(*) FROM trading_market_data.candles WHERE asset = 'BTC' AND interval = $1"
    # Four days, of which one lacks 30 minutes: 11:40 to 12:10 are six candles of 5m, two of 1h, and one day.
    assert [value(recorded, count, width) for width in ("5m", "1h", "1d")] == [4 * 288 - 6, 4 * 24 - 2, 3]


def test_what_was_restored_is_as_it_was(recorded: str, login: Callable[[str], None]) -> None:
    tables = {
        "trading_market_data.candles": (
            "exchange, asset, interval, open_time, open, high, low, close, volume, event_id, visible_ms, backfilled"
        ),
        "trading_market_data.candle_revisions": "*",
    }
    before = {table: digest(recorded, table, columns) for table, columns in tables.items()}
    login("maintenance")
    assert archive("--prune") == 0
    login("recorder")
    assert archive("--restore", "--from", "2025-06-16", "--to", "2025-06-20") == 0
    for table, columns in tables.items():
        where = "interval = '1m'"
        assert digest(recorded, table, columns, where) == before[table]
    assert archive("--restore", "--from", "2025-06-16", "--to", "2025-06-20") == 0
    assert value(recorded, "SELECT count(*) FROM trading_market_data.candles WHERE interval = '1m'") == 3 * (
        6 * 1_440 - len(HOLE)
    )


def test_an_archive_without_a_day_is_a_gap_that_is_said(
    recorded: str, login: Callable[[str], None], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    login("maintenance")
    assert archive("--prune") == 0
    index = folder / "candles_1m" / "hyperliquid_ETH" / "index.json"
    content = json.loads(index.read_text())
    content["days"] = [day for day in content["days"] if day["day"] != "2025-06-18"]
    index.write_text(json.dumps(content))
    login("research")
    report = a_run(tmp_path / "run.json")
    said = capsys.readouterr().err
    assert f"ETH: the candles of 2025-06-18 left Postgres and are not in {folder}; their minutes are missing." in said
    assert report["summary"]["missing_minutes"] == 1_440


def test_a_damaged_file_is_named_with_what_to_do(
    recorded: str, login: Callable[[str], None], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    login("maintenance")
    assert archive("--prune") == 0
    [file] = (folder / "candles_1m" / "hyperliquid_BTC").glob("2025-06-18.*.parquet")
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    login("research")
    parser = argparse.ArgumentParser()
    backtest.add_arguments(parser)
    words = ["--strategy", "FundingArb", "--from", "2025-06-18", "--to", "2025-06-20", "--no-save"]
    capsys.readouterr()
    for source in ("postgres", f"parquet:{folder}"):
        assert backtest.run(parser.parse_args([*words, "--source", source])) == 2
        said = capsys.readouterr().err
        assert f"{file}: damaged, its bytes are not those that were archived. Copy it back from a backup" in said
        assert said.count("\n") == 1
    assert archive("--verify") == 2
    out = capsys.readouterr()
    assert str(file) in out.err
    assert "23 of 24 files are as they were written" in out.out
