"""The how-to of adding a strategy, followed to the letter."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from backtest_builders import T0, minute
from engine_builders import agree

from trading_core.backtest.history import History, candle_columns
from trading_core.config import Settings
from trading_core.model import MINUTE_MS
from trading_core.strategy.registry import load_strategies, load_strategy

ROOT = Path(__file__).parents[4]
PAGE = ROOT / "docs" / "how-to" / "add-a-strategy.md"


@pytest.fixture
def strategies(tmp_path: Path) -> Path:
    """The page's files, where the page says: `path`: followed by a block of code."""
    for path, content in re.findall(r"^`(strategies/\S+)`:\n\n```\w+\n(.*?)^```$", PAGE.read_text(), re.M | re.S):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    (tmp_path / "strategies" / "buy_dips" / "__init__.py").write_text("")
    return tmp_path / "strategies"


def test_the_page_s_strategy_is_loaded_with_the_page_s_defaults(strategies: Path) -> None:
    [loaded] = load_strategies(strategies, Settings())
    assert (loaded.class_name, loaded.enabled, loaded.interval) == ("BuyDips", True, "1m")
    assert loaded.params == {"depth": 0.02}
    assert {key: str(value) for key, value in loaded.rules.given().items()} == {"stop_loss": "0.03", "timeout_m": "240"}


def test_the_page_s_variable_overrides_a_parameter(strategies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADING_STRATEGIES__BUY_DIPS__PARAMS__DEPTH", "0.5")
    assert load_strategies(strategies, Settings())[0].params == {"depth": 0.5}


def test_the_page_s_own_test_passes(strategies: Path) -> None:
    file = strategies / "buy_dips" / "tests" / "test_strategy.py"
    names: dict[str, object] = {"__file__": str(file), "__name__": "test_strategy"}
    exec(compile(file.read_text(), str(file), "exec"), names)
    tests = [test for name, test in names.items() if name.startswith("test_") and callable(test)]
    assert tests
    for test in tests:
        test()


def test_the_page_s_strategy_explains_itself(strategies: Path) -> None:
    assert load_strategy(strategies / "buy_dips").docs.count("## ") == 4


def test_the_page_s_scan_says_what_its_evaluate_says(strategies: Path) -> None:
    [scan] = re.findall(r"^```python\n(    def scan.*?)^```$", PAGE.read_text(), re.M | re.S)
    file = strategies / "buy_dips" / "strategy.py"
    text = file.read_text().replace("from msgspec", "import numpy as np\nfrom msgspec", 1)
    file.write_text(text.replace("MarketSnapshot, Signal", "MarketSnapshot, Past, Signal") + "\n" + scan)
    loaded = load_strategy(strategies / "buy_dips")
    assert loaded.instance.has_scan()
    close = np.round(2_500 * np.exp(np.cumsum(np.random.default_rng(1).standard_normal(1_500) * 0.004)), 1)
    times = T0 + MINUTE_MS * np.arange(1_500, dtype=np.int64)
    history = History({"ETH": candle_columns("ETH", times, close, close, close, close, np.ones(1_500))})
    run = agree(history, [loaded], {}, minute(0), minute(1_500))
    assert len(run.trades) > 5


def commands() -> list[list[str]]:
    """Every `python -m …` of the page, in order."""
    return [shlex.split(line)[1:] for line in PAGE.read_text().splitlines() if line.startswith("python -m ")]


@pytest.mark.timeout(400)
def test_the_page_s_commands_work_as_written(strategies: Path) -> None:
    """From a folder of nothing but the page's files, the platform's settings and the sample data."""
    here = strategies.parent
    config = (ROOT / "config.yaml").read_text().split("\nstrategies:\n")[0]
    (here / "config.yaml").write_text(config)
    (here / "data").symlink_to(ROOT / "data")
    found = commands()
    assert [words[2] for words in found] == [
        "new-strategy", "strategies/vwap_reversion", "check-strategy", "backtest", "check-strategy", "backtest",
    ]  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRADING_")}
    for words in found:
        done = subprocess.run(
            [sys.executable, *words], cwd=here, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    enabled = {loaded.name: loaded.enabled for loaded in load_strategies(strategies, Settings())}
    assert enabled == {"buy_dips": True, "vwap_reversion": True}
