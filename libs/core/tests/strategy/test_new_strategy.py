"""A new strategy from nothing: it is written, its own test passes, and a backtest runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from trading_core.__main__ import main
from trading_core.config import load
from trading_core.strategy.registry import load_strategies
from trading_core.strategy.template import snake_case

ROOT = Path(__file__).parents[4]
TAKEN = 'from x import nothing\n\n\nclass Taken(:\n    name = "broken"\n'


@pytest.fixture
def strategies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of strategies, otherwise the platform's settings."""
    folder = tmp_path / "strategies"
    folder.mkdir()
    config = (ROOT / "config.yaml").read_text().split("\nstrategies:\n")[0]
    (tmp_path / "config.yaml").write_text(config)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRADING_CONFIG", str(tmp_path / "config.yaml"))
    return folder


def run_tool(*words: str, cwd: Path = ROOT) -> str:
    """What `python -m …` says; it must end with 0."""
    done = subprocess.run([sys.executable, "-m", *words], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def new(*words: str) -> int:
    return main(["new-strategy", *words])


def test_a_generated_strategy_passes_its_own_test_and_a_backtest(strategies: Path) -> None:
    assert new("--name", "VWAPReversion", "--assets", "BTC,ETH,SOL", "--interval", "5m") == 0
    folder = strategies / "vwap_reversion"
    found = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert found == {"__init__.py", "strategy.py", "config.yaml", "tests/test_strategy.py"}
    [loaded] = load_strategies(strategies, load())
    assert (loaded.name, loaded.class_name, loaded.interval) == ("vwap_reversion", "VWAPReversion", "5m")
    assert (loaded.assets, loaded.enabled) == (("BTC", "ETH", "SOL"), False)
    assert run_tool("pytest", "-q", "-p", "no:cacheprovider", str(folder)).startswith("..... ")
    span = ("--from", "2025-05-05", "--to", "2025-05-06", "--source", f"parquet:{ROOT / 'data' / 'sample'}")
    assert main(["backtest", "--strategy", "VWAPReversion", *span, "--no-save"]) == 0


def test_generated_code_is_as_clean_as_ours(strategies: Path) -> None:
    assert new("--name", "VWAPReversion", "--assets", "BTC", "--interval", "1h", "--enable") == 0
    assert new("--name", "LongestNameOfAStrategyYouMayGive") == 0
    run_tool("ruff", "check", "--config", "pyproject.toml", str(strategies))
    run_tool("ruff", "format", "--check", "--config", "pyproject.toml", str(strategies))
    code = [str(file) for file in sorted(strategies.glob("*/*.py"))]
    run_tool("mypy", "--config-file", "pyproject.toml", *code)


def test_it_is_enabled_when_asked_for(strategies: Path) -> None:
    assert new("--name", "BuyDips", "--enable") == 0
    [loaded] = load_strategies(strategies, load())
    assert loaded.enabled
    assert loaded.assets == load().assets


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--name", "buy_dips"), "no name of a class"),
        (("--name", "None"), "no name of a class"),
        (("--name", "Buy-Dips"), "no name of a class"),
        (("--name", "Übung"), "no name of a class"),
        (("--name", "../../Etc"), "no name of a class"),
        (("--name", "A" * 41), "has more than 40 characters"),
        (("--name", "AbcdefghiAbcdefghiAbcdefghiAbcdefghiA"), "has more than 40 characters"),
        (("--name", "Signal"), "the platform's own code has that name"),
        (("--name", "OneWay"), "one_way exists already"),
        (("--name", "Other"), "has a class of that name already"),
        (("--name", "X", "--assets", "btc"), "Did you mean BTC?"),
        (("--name", "X", "--assets", "DOGE"), "the platform has BTC, ETH, SOL. Add it"),
        (("--name", "X", "--assets", ","), "--assets names none"),
        (("--name", "X", "--interval", "7m"), "'7m' is not known. Write one of 1m, 5m"),
    ],
)
def test_a_name_that_cannot_be_used_is_one_line_and_code_2(
    strategies: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    for folder, code in (("one_way", "class Other:\n    pass\n"), ("broken", TAKEN)):
        (strategies / folder).mkdir()
        (strategies / folder / "strategy.py").write_text(code)
    before = sorted(strategies.rglob("*"))
    assert new(*words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert sorted(strategies.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("VWAPReversion", "vwap_reversion"), ("RSIMeanReversion", "rsi_mean_reversion"), ("FundingOI", "funding_oi"),
        ("BuyDips", "buy_dips"), ("EMA50Cross", "ema50_cross"), ("X", "x"),
    ],
)  # fmt: skip
def test_the_folder_follows_from_the_name(name: str, folder: str) -> None:
    assert snake_case(name) == folder
