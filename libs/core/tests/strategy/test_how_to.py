"""The how-to of adding a strategy, followed to the letter."""

import re
from pathlib import Path

import numpy as np
import pytest
from backtest_builders import T0, minute
from engine_builders import agree

from trading_core.backtest.history import History, candle_columns
from trading_core.config import Settings
from trading_core.model import MINUTE_MS
from trading_core.strategy.registry import load_strategies, load_strategy

PAGE = Path(__file__).parents[4] / "docs" / "how-to" / "add-a-strategy.md"


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
