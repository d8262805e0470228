"""The command: what is in the database afterwards, and that doing it twice changes nothing."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import asyncpg
import polars
import pytest

from trading_core.backtest import command as backtest
from trading_core.ingest import command
from trading_core.model import HOUR_MS, MINUTE_MS

pytestmark = pytest.mark.integration

REPOSITORY = Path(__file__).parents[4]
T0 = 1_750_032_000_000
"""2025-06-16 00:00 UTC."""
MINUTES = 6 * 1_440


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six days of BTC with a hole of ten minutes, and their funding: in the platform's layout, and as CSV."""
    closes = [80_000 * (1 + 0.02 * ((step % 97) / 97 - 0.5)) for step in range(MINUTES)]
    rows = [
        (T0 + step * MINUTE_MS, close, close * 1.001, close * 0.999, close, 1.0 + step % 7)
        for step, close in enumerate(closes)
        if not 2_000 <= step < 2_010
    ]
    candles = polars.DataFrame(rows, schema=["open_time", "open", "high", "low", "close", "volume"], orient="row")
    rates = polars.DataFrame(
        {
            "time": [T0 + hour * HOUR_MS + 7 for hour in range(144)],
            "funding_rate": [0.0001 * (1 + hour % 3) for hour in range(144)],
        }
    )
    (tmp_path / "candles_1m").mkdir()
    (tmp_path / "funding").mkdir()
    candles.write_parquet(tmp_path / "candles_1m" / "hyperliquid_BTC.parquet")
    rates.write_parquet(tmp_path / "funding" / "hyperliquid_BTC.parquet")
    candles.write_csv(tmp_path / "candles.csv")
    rates.write_csv(tmp_path / "funding.csv")
    return tmp_path


@pytest.fixture
def login(role_url: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`login("recorder")`: the settings lead to the test's database with the rights of that role."""
    monkeypatch.chdir(REPOSITORY)
    return lambda role: monkeypatch.setenv("TRADING_DATABASE__URL", role_url(role))


def bring(*words: str | Path) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    given = ("--exchange", "hyperliquid") if "--exchange" not in words else ()
    asset = ("--asset", "BTC") if "--asset" not in words else ()
    return command.run(parser.parse_args([*map(str, words), *given, *asset]))


def value(url: str, query: str) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_what_was_imported_backtests_like_the_files_it_came_from(
    folder: Path, login: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    login("recorder")
    assert bring("--candles", folder / "candles.csv", "--funding", folder / "funding.csv") == 0
    said = capsys.readouterr().out
    assert "BTC: 8,630 new candles, 0 already there, 2025-06-16 00:00 to 2025-06-22 00:00 UTC, 10 minutes" in said
    assert "BTC: 144 new funding rates, 0 already there" in said
    login("research")
    parser = argparse.ArgumentParser()
    backtest.add_arguments(parser)
    results = []
    for source in ("postgres", f"parquet:{folder}"):
        words = ["--strategy", "FundingArb", "--from", "2025-06-17", "--to", "2025-06-20", "--assets", "BTC"]
        words += ["--source", source, "--no-save", "--json", str(folder / "run.json")]
        assert backtest.run(parser.parse_args(words)) == 0
        results.append(json.loads((folder / "run.json").read_bytes()))
        results[-1]["config"].pop("source")
    assert results[0] == results[1]
    assert results[0]["summary"]["trades"] > 0


def test_each_candle_is_visible_as_it_closes_and_each_rate_at_its_stamp(
    folder: Path, login: Callable[[str], None], database_url: str
) -> None:
    login("recorder")
    assert bring("--candles", folder / "candles.csv", "--funding", folder / "funding.csv") == 0
    wrong = "SELECT count(*) FROM {} WHERE visible_ms != (extract(epoch FROM {}) * 1000)::bigint + {}"
    candles = wrong.format("trading_market_data.candles", "open_time", MINUTE_MS)
    assert value(database_url, f"{candles} AND interval = '1m'") == 0
    assert value(database_url, wrong.format("trading_market_data.funding_rates", "ts", 0)) == 0
    assert value(database_url, "SELECT count(*) FROM trading_market_data.candle_revisions") == 8_630


def test_importing_again_changes_nothing(
    folder: Path, login: Callable[[str], None], database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    login("recorder")
    digest = "SELECT md5(string_agg(c::text, '' ORDER BY id)) FROM trading_market_data.candles c"
    words = ("--candles", folder / "candles.csv", "--funding", folder / "funding.csv")
    assert bring(*words) == 0
    before = value(database_url, digest)
    capsys.readouterr()
    assert bring(*words) == 0
    said = capsys.readouterr().out
    assert "0 new candles, 8,630 already there, 2025" in said
    assert "0 new funding rates, 144 already there\n" in said
    assert value(database_url, digest) == before


def test_what_the_platform_recorded_is_kept(
    folder: Path, login: Callable[[str], None], database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    login("recorder")
    assert bring("--candles", folder / "candles.csv") == 0
    frame = polars.read_csv(folder / "candles.csv").with_columns(polars.col("volume") * 2).head(100)
    frame.write_csv(folder / "other.csv")
    assert bring("--candles", folder / "other.csv") == 0
    assert "0 new candles, 100 already there (100 with other numbers, kept as they were)" in capsys.readouterr().out
    assert value(database_url, "SELECT max(volume) FROM trading_market_data.candles WHERE interval = '1m'") == 7


@pytest.mark.parametrize("cut", [2, 6])
def test_a_file_cut_in_its_last_row_is_refused_or_said(
    folder: Path, login: Callable[[str], None], capsys: pytest.CaptureFixture[str], cut: int
) -> None:
    """The last row ends in `,2.0` and a line feed: without those two bytes its volume is still a number, `2.`."""
    login("recorder")
    whole = (folder / "candles.csv").read_bytes()
    (folder / "candles.csv").write_bytes(whole[:-cut])
    said_so = "candles.csv: its last line has no end. If it was cut off, so is its last row."
    refused = "row 8630 has no volume: the file is damaged or cut off."
    assert bring("--candles", folder / "candles.csv") == (0 if cut == 2 else 2)
    said = capsys.readouterr().err
    assert (said_so if cut == 2 else refused) in said
    assert said.count("\n") == 1


def test_half_a_parquet_file_is_one_line(
    folder: Path, login: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    login("recorder")
    file = folder / "candles_1m" / "hyperliquid_BTC.parquet"
    file.write_bytes(file.read_bytes()[:20_000])
    assert bring("--candles", file) == 2
    said = capsys.readouterr().err
    assert "not readable as parquet" in said
    assert "If it was cut off, copy it again." in said
    assert said.count("\n") == 1


def test_an_invalid_file_leaves_nothing_behind(
    folder: Path, login: Callable[[str], None], database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    login("recorder")
    whole = (folder / "candles.csv").read_bytes()
    (folder / "candles.csv").write_bytes(whole[: len(whole) // 2])
    assert bring("--candles", folder / "candles.csv") == 2
    said = capsys.readouterr().err
    assert said.startswith("import: ")
    assert said.count("\n") == 1
    assert value(database_url, "SELECT count(*) FROM trading_market_data.candles") == 0


@pytest.mark.parametrize(
    ("role", "words", "line"),
    [
        ("recorder", ["--asset", "XYZ"], "is not among `assets:`"),
        ("recorder", ["--exchange", "binance"], "Write hyperliquid"),
        ("research", [], "the rights of role recorder"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    folder: Path,
    login: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
    role: str,
    words: list[str],
    line: str,
) -> None:
    login(role)
    assert bring("--candles", folder / "candles.csv", *words) == 2
    said = capsys.readouterr().err
    assert line in said
    assert said.count("\n") == 1


def test_a_database_that_cannot_be_reached_is_one_line_and_exit_code_2(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("TRADING_DATABASE__URL", "postgresql://127.0.0.1:1/none")
    assert bring("--candles", folder / "candles.csv") == 2
    assert "127.0.0.1:1/none cannot be reached" in capsys.readouterr().err
