"""The look-ahead check: planted peeks of every kind are caught, clean strategies raise no alarm."""

from __future__ import annotations

from pathlib import Path

import pytest
from check_variants import CLEAN, CLEAN_BETS, PEEKING_BETS, PEEKS

from repository import ROOT
from trading_core.__main__ import main
from trading_core.check.market import made_up_market
from trading_core.check.report import Findings, check
from trading_core.config import Settings
from trading_core.strategy.registry import load_strategies, load_strategy

# No two settings of the platform matter to it: every asset is made up.
SETTINGS = Settings()


def planted(folder: Path, code: str) -> Path:
    here = folder / "planted"
    here.mkdir(parents=True)
    (here / "__init__.py").write_text("")
    (here / "strategy.py").write_text(code)
    (here / "tomorrow.csv").write_text("1\n2\n0.5\n")
    return here


def checked(folder: Path) -> Findings:
    return check(lambda: load_strategy(folder, SETTINGS), folder)


@pytest.mark.parametrize("variant", [*CLEAN, *CLEAN_BETS])
def test_a_clean_strategy_raises_no_alarm(tmp_path: Path, variant: str) -> None:
    found = checked(planted(tmp_path, (CLEAN | CLEAN_BETS)[variant]))
    assert (found.look_ahead, found.impure, found.broken) == ([], [], [])
    assert found.signals > 100


def test_there_are_twenty_clean_ones() -> None:
    assert len(CLEAN) == 20


@pytest.mark.parametrize("variant", [*PEEKS, *PEEKING_BETS])
def test_a_planted_peek_is_caught(tmp_path: Path, variant: str) -> None:
    code, said = (PEEKS | PEEKING_BETS)[variant]
    found = checked(planted(tmp_path, code))
    assert not found.clean
    assert any(said in problem for problem in [*found.look_ahead, *found.impure, *found.broken]), found


BUILT_IN = [strategy.name for strategy in load_strategies(ROOT / "strategies", SETTINGS)]


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_strategy_is_clean(name: str) -> None:
    found = checked(ROOT / "strategies" / name)
    assert found.clean, found
    assert found.signals > 20
    assert found.warm_up_minutes is not None


def test_warm_up_is_counted_in_minutes_of_data() -> None:
    # 250 closes of 5m: the first evaluation is at minute 5, the first answer at minute 1,250, less what is missing.
    warm = checked(ROOT / "strategies" / "rsi_mean_reversion").warm_up_minutes
    assert warm is not None
    assert 1_245 <= warm <= 1_280


def test_the_market_is_the_same_every_time_and_another_with_another_seed() -> None:
    one, again, other = made_up_market(500, 1), made_up_market(500, 1), made_up_market(500, 2)
    assert (one["BTC"].close == again["BTC"].close).all()
    assert (one["BTC"].close != other["BTC"].close).mean() > 0.9
    for minutes in one.values():
        assert (minutes.low <= minutes.close).all()
        assert (minutes.close <= minutes.high).all()


def test_the_command_says_what_it_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.yaml").write_text("{}")
    monkeypatch.setenv("TRADING_CONFIG", str(tmp_path / "config.yaml"))
    monkeypatch.setenv("TRADING_RUNNER__STRATEGIES_DIR", str(tmp_path / "strategies"))
    planted(tmp_path / "strategies", PEEKS["the base of a view"][0])
    assert main(["check-strategy", "Planted"]) == 1
    said = capsys.readouterr().out
    assert "FAIL  look-ahead" in said
    assert "µs per evaluation" in said
    for words in (["check-strategy"], ["check-strategy", "Plantd"], ["check-strategy", "--all", "Planted"]):
        assert main(words) == 2
    assert "nearest names are: Planted, planted" in capsys.readouterr().err
