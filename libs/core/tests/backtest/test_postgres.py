"""A backtest on what the platform recorded is the one on the same candles in files, and it leaves a row."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import polars
import pytest
from backtest_builders import T0

from trading_core.backtest import command
from trading_core.backtest.parquet import read_history
from trading_core.backtest.postgres import SOURCE
from trading_core.db.times import utc
from trading_core.model import HOUR_MS, MINUTE_MS

pytestmark = pytest.mark.integration

REPOSITORY = Path(__file__).parents[4]
MINUTES = 3 * 1_440
CANDLE = """
INSERT INTO trading_market_data.candles
    (exchange, asset, interval, open_time, open, high, low, close, volume, event_id, visible_ms)
VALUES ('hyperliquid', $1, '1m', $2, $3::text::numeric, $4::text::numeric, $5::text::numeric, $6::text::numeric,
        $7::text::numeric, $8, 0)
"""
RATE = """
INSERT INTO trading_market_data.funding_rates (exchange, asset, hour, ts, rate, event_id, visible_ms)
VALUES ('hyperliquid', $1, $2, $3, $4::text::numeric, $5, 0)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three days of BTC and ETH with a hole, and their funding, as files."""
    (tmp_path / "candles_1m").mkdir()
    (tmp_path / "funding").mkdir()
    for asset, price in (("BTC", 80_000.0), ("ETH", 2_500.0)):
        closes = [price * (1 + 0.02 * ((step % 97) / 97 - 0.5)) for step in range(MINUTES)]
        rows = [
            (T0 + step * MINUTE_MS, close, close * 1.001, close * 0.999, close, 1.0 + step % 7)
            for step, close in enumerate(closes)
            if not 2_000 <= step < 2_030
        ]
        names = ["open_time", "open", "high", "low", "close", "volume"]
        polars.DataFrame(rows, schema=names, orient="row").write_parquet(
            tmp_path / "candles_1m" / f"venue_{asset}.parquet"
        )
        rates = {
            "time": [T0 + hour * HOUR_MS + 7 for hour in range(72)],
            "funding_rate": [0.0001 * (1 + hour % 3) for hour in range(72)],
        }
        polars.DataFrame(rates).write_parquet(tmp_path / "funding" / f"hyperliquid_{asset}.parquet")
    return tmp_path


@pytest.fixture
def recorded(folder: Path, database_url: str, role_url: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The same in a database, which the settings lead to as the role of research. Gives the superuser's URL."""
    history = read_history(folder, ["BTC", "ETH"])

    async def store() -> None:
        connection = await asyncpg.connect(database_url)
        for asset, candles in history.candles.items():
            columns = [column.tolist() for column in candles]
            await connection.executemany(
                CANDLE,
                [
                    (asset, utc(opened), *map(repr, numbers), f"c:{asset}:{opened}")
                    for opened, *numbers in zip(*columns, strict=True)
                ],
            )
            rows = history.funding[asset]
            await connection.executemany(
                RATE, [(asset, utc(r.hour_ms), utc(r.stamp_ms), str(r.rate), f"f:{asset}:{r.hour_ms}") for r in rows]
            )
        await connection.close()

    asyncio.run(store())
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("TRADING_DATABASE__URL", role_url("research"))
    return database_url


def backtest(*words: str, from_: str = "2025-06-17", to: str = "2025-06-19") -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    strategies = ("--strategy", "FundingArb", "--strategy", "RSIMeanReversion")
    assets = () if "--assets" in words else ("--assets", "BTC,ETH")
    return command.run(parser.parse_args([*strategies, "--from", from_, "--to", to, *assets, *words]))


def result_of(file: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(file.read_bytes())
    result["config"].pop("source")
    return result


def test_the_recorded_history_gives_the_run_of_the_files(folder: Path, recorded: str) -> None:
    live, files = folder / "live.json", folder / "files.json"
    assert backtest("--json", str(live)) == 0
    assert backtest("--source", f"parquet:{folder}", "--json", str(files), "--no-save") == 0
    assert json.loads(live.read_bytes())["config"]["source"] == SOURCE
    assert result_of(live) == result_of(files)
    assert result_of(live)["summary"]["trades"] > 0
    assert result_of(live)["summary"]["missing_minutes"] == 60


def test_a_run_leaves_a_row_with_all_that_tells_it_from_others(
    folder: Path, recorded: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "run.json"
    assert backtest("--json", str(file)) == 0
    assert "Saved as backtest run 1." in capsys.readouterr().err

    async def rows() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(recorded)
        try:
            return list(await connection.fetch("SELECT * FROM trading_paper.backtest_runs"))
        finally:
            await connection.close()

    [row] = asyncio.run(rows())
    result = json.loads(file.read_bytes())
    assert (row["strategies"], row["assets"]) == (["funding_arb", "rsi_mean_reversion"], ["BTC", "ETH"])
    assert (row["from_ts"], row["to_ts"]) == (utc(result["config"]["from"]), utc(result["config"]["to"]))
    assert (row["source"], row["fidelity"]) == ("postgres", "candle")
    assert json.loads(row["trades"]) == result["trades"]
    assert json.loads(row["gaps"]) == result["gaps"]
    assert json.loads(row["summary"])["config"] == result["config"]
    assert [point[:2] for point in json.loads(row["equity"])["rows"]] == result["equity_hourly"]
    assert len(row["code_hash"]) == len(row["params_hash"]) == 8


def test_without_saving_no_row_is_left(folder: Path, recorded: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert backtest("--no-save") == 0
    assert "aved" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "span", "line"),
    [
        ([], ("2024-01-01", "2024-01-02"), "it has BTC, ETH 2025-06-16 00:00 to 2025-06-18 23:59 UTC"),
        (["--assets", "SOL"], ("2025-06-17", "2025-06-18"), "has no candles of SOL"),
        (["--funding", "."], ("2025-06-17", "2025-06-18"), "--funding goes with --source parquet:DIR"),
    ],
)
def test_what_is_not_there_is_one_line_and_exit_code_2(
    recorded: str, capsys: pytest.CaptureFixture[str], words: list[str], span: tuple[str, str], line: str
) -> None:
    assert backtest(*words, from_=span[0], to=span[1]) == 2
    said = capsys.readouterr().err
    assert line in said
    assert said.count("\n") == 1


def test_a_database_without_tables_is_one_line_and_exit_code_2(
    empty_database_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("TRADING_DATABASE__URL", empty_database_url)
    assert backtest() == 2
    said = capsys.readouterr().err
    assert "`python -m trading_core migrate` makes its tables" in said
    assert said.count("\n") == 1
