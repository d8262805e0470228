"""The command: what it writes, and the one line it says when something must change."""

import argparse
import json
from pathlib import Path

import polars
import pytest
from backtest_builders import T0

from trading_core.backtest import command
from trading_core.backtest.parquet import read_history
from trading_core.errors import ConfigError
from trading_core.model import MINUTE_MS

REPOSITORY = Path(__file__).parents[4]
DAY = "2025-06-16"
"""The day that begins at T0."""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two days of BTC and ETH that swing widely, in the folder layout of the platform; config defaults apply."""
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.delenv("TRADING_CONFIG", raising=False)
    folder = tmp_path / "data"
    (folder / "candles_1m").mkdir(parents=True)
    (folder / "funding").mkdir()
    for asset, price in (("BTC", 80_000.0), ("ETH", 2_500.0)):
        write_candles(folder / "candles_1m" / f"somewhere_{asset}.parquet", price)
        rows = {"time": [T0 + hour * 60 * MINUTE_MS + 7 for hour in range(48)], "funding_rate": [0.0001] * 48}
        polars.DataFrame(rows).write_parquet(folder / "funding" / f"hyperliquid_{asset}.parquet")
    return folder


def write_candles(file: Path, price: float) -> None:
    closes = [price * (1 + 0.02 * ((step % 97) / 97 - 0.5)) for step in range(2 * 1_440)]
    opens = [price, *closes[:-1]]
    frame = polars.DataFrame(
        {
            "open_time": [T0 + step * MINUTE_MS for step in range(len(closes))],
            "open": opens,
            "high": [max(pair) for pair in zip(opens, closes, strict=True)],
            "low": [min(pair) for pair in zip(opens, closes, strict=True)],
            "close": closes,
            "volume": [1.0] * len(closes),
        }
    )
    frame.write_parquet(file)


def invoke(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(words))


def backtest(data: Path, *more: str, strategy: str = "FundingArb", span: tuple[str, str] = (DAY, "2025-06-18")) -> int:
    words = ["--strategy", strategy, "--from", span[0], "--to", span[1], "--source", f"parquet:{data}", "--no-save"]
    assets = () if "--assets" in more else ("--assets", "BTC,ETH")
    return invoke(*words, *assets, *more)


def test_it_writes_a_report_and_shows_a_table(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = data / "run.json"
    assert backtest(data, "--json", str(file)) == 0
    result = json.loads(file.read_bytes())
    assert result["summary"]["fidelity"] == "candle"
    assert result["summary"]["trades"] == len(result["trades"]) > 0
    assert result["summary"]["funding_events"] > 0
    assert list(result["config"]["strategies"]) == ["funding_arb"]
    shown = capsys.readouterr().out
    assert result["summary"]["final_equity"] in shown
    assert "stops out more often" in shown
    for metric in ("Sharpe", "Sortino", "Max drawdown", "Won", "Mean win", "Mean loss", "Profit factor", "Mean hold"):
        assert metric in shown
    assert "days and" in shown
    assert "bars with stop and target both inside" in shown.replace("\n", " ")


def test_class_and_snake_case_names_mean_the_same(data: Path) -> None:
    one, other = data / "one.json", data / "other.json"
    assert backtest(data, "--json", str(one)) == 0
    assert backtest(data, "--json", str(other), strategy="funding_arb") == 0
    assert one.read_bytes() == other.read_bytes()


def test_several_strategies_share_one_portfolio(data: Path) -> None:
    file = data / "run.json"
    assert backtest(data, "--strategy", "RSIMeanReversion", "--json", str(file)) == 0
    result = json.loads(file.read_bytes())
    assert list(result["config"]["strategies"]) == ["funding_arb", "rsi_mean_reversion"]
    assert list(result["summary"]["by_strategy"]) == ["funding_arb", "rsi_mean_reversion"]


def test_all_strategies_run_and_one_without_its_input_is_named(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--from", DAY, "--to", "2025-06-18", "--source", f"parquet:{data}", "--assets", "BTC", "--no-save"]
    assert invoke("--all", *words, "--json", str(data / "run.json")) == 0
    result = json.loads((data / "run.json").read_bytes())
    assert {"funding_oi", "funding_rate", "momentum_breakout"} <= set(result["config"]["strategies"])
    assert result["summary"]["strategies_without_input"] == {"funding_oi": "no_candle 1, no_oi 2879"}
    assert "funding_oi never had its input: no_candle 1, no_oi 2879." in capsys.readouterr().out


def test_a_param_changes_a_parameter_or_a_rule_for_this_run(data: Path) -> None:
    file = data / "run.json"
    words = ["--param", "threshold=0.0001", "--param", "timeout_m=90", "--param", "FundingArb.take_profit=0.5"]
    assert backtest(data, *words, "--param", "stop_loss=null", "--json", str(file)) == 0
    strategy = json.loads(file.read_bytes())["config"]["strategies"]["funding_arb"]
    assert strategy["params"] == {"threshold": 0.0001, "basis_hours": 8}
    assert strategy["rules"]["timeout_m"] == 90
    assert (strategy["rules"]["take_profit"], strategy["rules"]["stop_loss"]) == ("0.5", None)


def test_a_book_to_fill_by_that_is_not_there_is_said(data: Path) -> None:
    file = data / "run.json"
    assert backtest(data, "--param", "fill_model=book", "--json", str(file)) == 0
    notes = json.loads(file.read_bytes())["summary"]["notes"]
    assert notes[-1].startswith("This history has no order books: funding_arb filled by the fixed model")


def test_isolation_is_said_in_the_report(data: Path) -> None:
    file = data / "run.json"
    words = ["--strategy", "RSIMeanReversion", "--isolation", "per_strategy", "--json", str(file)]
    assert backtest(data, *words) == 0
    config = json.loads(file.read_bytes())["config"]
    assert (config["isolation"], config["initial_capital"]) == ("per_strategy", "20000")


def test_a_param_with_a_strategy_s_name_leaves_the_others_alone(data: Path) -> None:
    file = data / "run.json"
    words = ["--strategy", "FundingRate", "--param", "funding_rate.threshold=0.01", "--json", str(file)]
    assert backtest(data, *words) == 0
    strategies = json.loads(file.read_bytes())["config"]["strategies"]
    assert strategies["funding_rate"]["params"]["threshold"] == 0.01
    assert strategies["funding_arb"]["params"]["threshold"] == 0.0005


def test_half_a_candle_file_is_one_line_and_exit_code_2(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = data / "candles_1m" / "somewhere_BTC.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert backtest(data) == 2
    said = capsys.readouterr().err
    assert "somewhere_BTC.parquet: not readable as Parquet" in said
    assert said.count("\n") == 1


def test_a_platform_that_cannot_be_reached_is_one_line_and_exit_code_2(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADING_DATABASE__URL", "postgresql://127.0.0.1:1/none")
    assert backtest(data, "--source", "postgres") == 2
    said = capsys.readouterr().err
    assert "127.0.0.1:1/none cannot be reached" in said
    assert said.count("\n") == 1


def test_a_run_that_cannot_be_saved_is_shown_all_the_same(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADING_DATABASE__URL", "postgresql://127.0.0.1:1/none")
    words = ["--from", DAY, "--to", "2025-06-18", "--source", f"parquet:{data}", "--assets", "BTC"]
    assert invoke("--strategy", "FundingArb", *words) == 0
    assert "Not saved in a database: 127.0.0.1:1/none" in capsys.readouterr().err


def test_another_funding_folder_takes_the_place_of_the_first(data: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    file = data / "run.json"
    assert backtest(data, "--funding", str(tmp_path / "none"), "--json", str(file)) == 0
    assert json.loads(file.read_bytes())["summary"]["passes"]["funding_arb:no_funding"] > 0


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"strategy": "FundingArp"}, "FundingArb"),
        ({"span": ("2025-06-18", DAY)}, "is not before"),
        ({"span": (DAY, DAY)}, "the span is empty"),
        ({"span": (f"{DAY}T12:00:10", f"{DAY}T12:00:40")}, "the span is empty"),
        (
            {"span": ("2024-01-01", "2024-02-01")},
            "no candles of BTC, ETH from 2024-01-01 to 2024-02-01; it has BTC, ETH 2025-06-16 00:00 to 2025-06-17",
        ),
        ({"span": ("yesterday", DAY)}, "--from 'yesterday' is no time"),
        ({"span": ("2025-01-01", "2026-01-01")}, "candles of only 0.55% of the minutes"),
    ],
)
def test_a_wrong_argument_is_one_line_and_exit_code_2(
    data: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, object], line: str
) -> None:
    assert backtest(data, **changes) == 2  # type: ignore[arg-type]
    said = capsys.readouterr()
    assert said.out == ""
    assert line in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--assets", "BTC,XYZ"], "--assets XYZ"),
        (["--json", "/nowhere/at/all.json"], "does not exist"),
        (["--funding", "/nowhere"], "--funding /nowhere"),
        (["--source", "csv:x"], "Write postgres, jetstream or parquet:DIR"),
        (["--source", "parquet:/nowhere"], "no folder candles_1m"),
        (["--fidelity", "tick"], "recorded 0.00% of the minutes"),
        (["--assets", "SOL"], "no candles of SOL"),
        (["--json", "/"], "that is a folder"),
        (["--plot", "/nowhere/at/all.png"], "does not exist"),
        (["--strategy", "MomentumBreakot"], "MomentumBreakout"),
        (["--param", "treshold=0.1"], "the nearest names are: threshold"),
        (["--param", "timeout=60"], "timeout_m"),
        (["--param", "threshold"], "Write it like threshold=0.001"),
        (["--param", "threshold=-1"], "strategies.funding_arb.params.threshold"),
        (["--param", "timeout_m=-1"], "--param timeout_m=-1: input should be greater than 0"),
        (["--param", "cooldown_s=null"], "cooldown_s must not be null"),
        (["--param", "rsi_mean_reversion.period=7"], "among those of this run"),
    ],
)
def test_a_wrong_file_is_one_line_and_exit_code_2(
    data: Path, capsys: pytest.CaptureFixture[str], words: list[str], line: str
) -> None:
    assert backtest(data, *words) == 2
    said = capsys.readouterr().err
    assert line in said
    assert said.count("\n") == 1


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        invoke("--help")
    assert stop.value.code == 0
    assert "--strategy RSIMeanReversion --from 2025-05-05" in capsys.readouterr().out


def test_two_files_of_one_asset_are_ambiguous_unless_one_is_the_venues(data: Path) -> None:
    write_candles(data / "candles_1m" / "elsewhere_BTC.parquet", 70_000.0)
    with pytest.raises(ConfigError, match="more than one file with candles of BTC"):
        read_history(data, ["BTC"])
    write_candles(data / "candles_1m" / "hyperliquid_BTC.parquet", 60_000.0)
    assert read_history(data, ["BTC"]).candles["BTC"].open[0] == 60_000.0


def test_a_file_that_is_no_parquet_or_lacks_a_column_is_named(data: Path) -> None:
    file = data / "candles_1m" / "somewhere_BTC.parquet"
    polars.DataFrame({"open_time": [T0]}).write_parquet(file)
    with pytest.raises(ConfigError, match="column open is missing"):
        read_history(data, ["BTC"])
    file.write_text("not a table")
    with pytest.raises(ConfigError, match="not readable as Parquet"):
        read_history(data, ["BTC"])


def test_a_funding_file_of_another_venue_is_not_taken(data: Path) -> None:
    file = data / "funding" / "hyperliquid_BTC.parquet"
    file.rename(data / "funding" / "binance_BTC.parquet")
    assert read_history(data, ["BTC"]).funding["BTC"] == []


def test_times_are_utc_unless_they_say_otherwise(data: Path) -> None:
    plain, zoned = data / "plain.json", data / "zoned.json"
    assert backtest(data, "--json", str(plain), span=(f"{DAY}T06:00", "2025-06-17")) == 0
    assert backtest(data, "--json", str(zoned), span=(f"{DAY}T08:00+02:00", "2025-06-17T00:00Z")) == 0
    assert plain.read_bytes() == zoned.read_bytes()
