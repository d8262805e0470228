"""The command: what it writes and says, and the one line when something must change."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
from optimise_builders import a_workspace

from trading_core.optimise import command


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two strategies and two days of candles; no database answers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRADING_CONFIG", raising=False)
    monkeypatch.setenv("TRADING_DATABASE__URL", "postgresql://nobody:secret@127.0.0.1:9/none")
    return a_workspace(tmp_path)


def optimise(*words: str, strategy: str = "CoinToss", source: str = "parquet:data") -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(["--strategy", strategy, "--source", source, "--workers", "1", *words]))


def test_every_candidate_stands_in_and_out_of_sample_beside_each_other(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--param", "salt=0:2:1", "--param", "timeout_m=30,90", "--no-save"]
    assert optimise(*words, "--json", "all.json", "--plot", "map.png") == 0
    found = json.loads(Path("all.json").read_bytes())
    assert found["counts"] == {"tried": 6, "ran": 6, "traded": 6, "refused": 0, "failed": 0}
    assert found["study"]["params"] == {"salt": [0, 1, 2], "timeout_m": [30, 90]}
    assert found["study"]["folds"][0]["split_ms"] - found["study"]["from_ms"] == 120_960_000  # 70 % of two days
    candidates = found["candidates"]
    assert [candidate["rank"] for candidate in candidates] == [1, 2, 3, 4, 5, 6]
    assert all(candidate["in_sample"]["trades"] and candidate["out_of_sample"]["trades"] for candidate in candidates)
    assert found["judgement"]["trials"] == 6
    assert found["judgement"]["verdict"] == "noise"
    assert Path("map.png").read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr()
    assert "Sharpe in" in said.out
    assert "Sharpe out" in said.out
    assert "The best of 6 tries would look this good by luck in" in said.out
    assert "Verdict: noise" in said.out
    assert "from parquet:data, 2025-06-16 00:00 to 2025-06-18 00:00 UTC: all 6 sets (3 x 2)" in said.err


def test_a_search_without_any_trade_says_so(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert optimise("--param", "loudness=1:3:1", "--no-save", strategy="Quiet") == 0
    said = capsys.readouterr().out
    assert "No set traded: 3 sets of Quiet, 0 trades in and out of sample." in said
    # Two days of minutes in hours, the end excluded, its start included.
    assert "For example {'loudness': 1}: none of 48 evaluations was a signal." in said
    assert "Verdict" not in said


def test_without_a_database_sets_are_kept_in_a_file_and_read_back(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert optimise("--param", "salt=0:2:1", "--json", "one.json") == 0
    [journal] = (workspace / ".run" / "optimise").iterdir()
    first = capsys.readouterr().err
    assert "No database: 127.0.0.1:9/none" in first
    assert "secret" not in first
    # As kill -9 would leave it: the last line is not whole.
    journal.write_bytes(journal.read_bytes()[:-40])
    assert optimise("--param", "salt=0:2:1", "--json", "two.json") == 0
    assert "resuming: 2 of 3 done" in capsys.readouterr().err
    assert Path("one.json").read_bytes() == Path("two.json").read_bytes()
    assert journal.read_bytes().count(b"\n") == 3


def test_other_data_are_another_study(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert optimise("--param", "salt=0,1") == 0
    assert optimise("--param", "salt=0,1", "--to", "2025-06-17T12:00") == 0
    assert "resuming" not in capsys.readouterr().err


def test_another_metric_ranks_what_is_there(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert optimise("--param", "salt=0,1") == 0
    assert optimise("--param", "salt=0,1", "--metric", "drawdown") == 0
    assert "resuming: 2 of 2 done" in capsys.readouterr().err


def test_impossible_sets_are_left_out_and_counted(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert optimise("--param", "salt=0:2:0.5", "--no-save") == 0
    said = capsys.readouterr().out
    assert "2 sets are impossible and are left out: strategies.coin_toss.params.salt" in said
    assert "of 3 sets" in said


def test_folds_are_shown_as_means(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--param", "salt=0,1", "--no-save", "--folds", "3", "--anchored", "--json", "folds.json"]
    assert optimise(*words) == 0
    found = json.loads(Path("folds.json").read_bytes())
    assert [len(candidate["folds"]) for candidate in found["candidates"]] == [3, 3]
    assert {fold["from_ms"] for fold in found["study"]["folds"]} == {found["study"]["from_ms"]}
    assert "3 folds, figures are means over them and sums" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--param", "salt=0:10000:1"], "that is 10,001 sets, more than 10,000"),
        (["--param", "salt=0:99999:1", "--search", "random", "--trials", "20000"], "that is 20,000 sets"),
        (["--param", "salt=0:1e9:1e-9", "--param", "timeout_m=1:1000000:1"], "more than can be numbered"),
        (["--param", "salt=3:1:1"], "3 lies above 1"),
        (["--param", "salt=0:3:-1"], "the step -1 must be above 0"),
        (["--param", "salt=0:3"], "a range needs three numbers"),
        (["--param", "sal=0:3:1"], "the nearest names are: salt"),
        (["--param", "timeout=0:3:1"], "timeout_m"),
        (["--param", "timeout_m=-30:30:15"], "-30: input should be greater than 0"),
        (["--param", "timeout_m=30:60:7.5"], "37.5: input should be a valid integer"),
        (["--param", "other.salt=0:3:1"], "there is no strategy 'other'"),
        (["--param", "salt=a,b"], "none of the sets is possible"),
        (["--param", "salt=0:3:1", "--trials", "5"], "a grid tries every set"),
        (["--param", "salt=0:3:1", "--search", "random", "--trials", "0"], "--trials 0 must be 1 or more"),
        (["--param", "salt=0:3:1", "--folds", "0"], "--folds 0 must be 1 or more"),
        (["--param", "salt=0:3:1", "--folds", "9999"], "--folds 9999: the span is too short"),
        (["--param", "salt=0:3:1", "--from", "2025-06-17", "--to", "2025-06-16"], "no candles of BTC from"),
        (["--param", "salt=0:3:1", "--from", "2026-06-17"], "it has BTC 2025-06-16 00:00 to 2025-06-17 23:59 UTC"),
        (["--param", "salt=0:3:1", "--from", "monday"], "--from 'monday' is no time"),
        (["--param", "salt=0:3:1", "--assets", "XYZ"], "CoinToss does not look at it. It looks at: BTC"),
        (["--param", "salt=0:3:1", "--plot", "map.svg"], "a heat map is a PNG"),
        (["--param", "salt=0:3:1", "--plot", "/nowhere/at.png"], "does not exist"),
        (["--param", "salt=0:3:1", "--plot", "a.png", "--axes", "pepper"], "--axes pepper is none of the parameters"),
        (["--param", "salt=0:300:1", "--plot", "a.png"], "a heat map shows 200 at most"),
        (["--param", "salt=0:3:1", "--json", "/"], "that is a folder"),
    ],
)
def test_what_must_change_is_one_line_and_exit_code_2(
    workspace: Path, capsys: pytest.CaptureFixture[str], words: list[str], line: str
) -> None:
    assert optimise(*words, "--no-save") == 2
    said = [said for said in capsys.readouterr().err.splitlines() if said.startswith("optimise: ")]
    assert len(said) == 1
    assert line in said[0]


def test_an_unknown_strategy_and_source_are_named(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert optimise("--param", "salt=1", strategy="CoinTos") == 2
    assert "the nearest names are: CoinToss" in capsys.readouterr().err
    assert optimise("--param", "salt=1", source="csv:data") == 2
    assert "Write postgres or parquet:DIR" in capsys.readouterr().err


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        optimise("--help")
    assert stop.value.code == 0
    assert "--param timeout_m=30:120:15 --metric sharpe" in capsys.readouterr().out
