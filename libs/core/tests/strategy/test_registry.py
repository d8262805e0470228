"""Strategies come from their folders; what cannot be meant is refused with the key and what is allowed."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from trading_core.config import Settings, SnapshotConfig
from trading_core.errors import ConfigError
from trading_core.market.samples import a_state, end_of
from trading_core.strategy.evaluate import evaluate
from trading_core.strategy.registry import find_strategy, load_strategies, load_strategy

CODE = '''
from typing import Annotated

from msgspec import Meta

from trading_core.strategy import Direction, MarketSnapshot, Signal, Strategy, StrategyParams, register

from .rule import side


@register
class BuyDips(Strategy):
    """## Thesis
    What falls comes back."""

    name = "buy_dips"
    interval = "5m"

    class Params(StrategyParams, frozen=True):
        depth: Annotated[float, Meta(gt=0)] = 0.01
        count: int = 2

        def __post_init__(self) -> None:
            if self.count < 2:
                raise ValueError(f"count must be >= 2, got {self.count}")

    params: Params

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        return side(self, snapshot.closes(self.interval, self.params.count))
'''
RULE = """
def side(strategy, closes):
    return None
"""
CONFIG = """
enabled: true
params:
  depth: 0.02
rules:
  stop_loss: 0.05
  take_profit: null
"""


@pytest.fixture
def strategies(tmp_path: Path) -> Path:
    write(tmp_path)
    return tmp_path


def write(directory: Path, name: str = "buy_dips", code: str = CODE, config: str | None = CONFIG) -> Path:
    folder = directory / name
    (folder / "tests").mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").write_text("")
    (folder / "rule.py").write_text(RULE)
    (folder / "strategy.py").write_text(code)
    (folder / "tests" / "test_strategy.py").write_text("")
    if config is not None:
        (folder / "config.yaml").write_text(config)
    return folder


def settings(**strategy: Any) -> Settings:
    return Settings.model_validate({"strategies": {"buy_dips": strategy} if strategy else {}})


def test_a_folder_becomes_a_strategy_with_its_own_defaults(strategies: Path) -> None:
    [loaded] = load_strategies(strategies, settings())
    assert (loaded.name, loaded.class_name, loaded.enabled) == ("buy_dips", "BuyDips", True)
    assert (loaded.interval, loaded.interval_ms, loaded.grid) == ("5m", 300_000, "hyperliquid")
    assert loaded.assets == ("BTC", "ETH", "SOL")
    assert loaded.params == {"depth": 0.02, "count": 2}
    assert loaded.rules.given() == {"stop_loss": Decimal("0.05"), "take_profit": None}
    assert loaded.docs.startswith("## Thesis")


def test_the_platform_s_settings_win_key_by_key(strategies: Path) -> None:
    over = settings(
        enabled=False,
        assets=("ETH",),
        interval="1h",
        params={"count": 3},
        rules={"stop_loss": None, "cooldown_s": 5, "funding_max_age_h": 4},
    )
    [loaded] = load_strategies(strategies, over)
    assert (loaded.enabled, loaded.assets, loaded.interval) == (False, ("ETH",), "1h")
    assert loaded.params == {"depth": 0.02, "count": 3}
    assert loaded.rules.given() == {"cooldown_s": 5, "stop_loss": None, "take_profit": None}
    assert loaded.input_limits == {"funding_max_age_h": 4}
    assert SnapshotConfig().model_copy(update=loaded.input_limits).funding_max_age_h == 4


def test_without_a_config_file_the_defaults_of_the_class_hold_and_it_is_off(tmp_path: Path) -> None:
    loaded = load_strategy(write(tmp_path, config=None))
    assert (loaded.params, loaded.enabled) == ({"depth": 0.01, "count": 2}, False)


def test_a_loaded_strategy_is_evaluated_with_its_own_modules(strategies: Path) -> None:
    [loaded] = load_strategies(strategies, settings())
    state = a_state([1.0, 2.0], "5m")
    assert evaluate(loaded, state, end_of(state), SnapshotConfig()).reason == "no_signal"


def test_an_asset_of_its_own_that_the_platform_lacks_is_left_out(tmp_path: Path) -> None:
    folder = write(tmp_path, config="assets: [BTC, DOGE]")
    assert load_strategy(folder, settings()).assets == ("BTC",)


def test_a_value_from_the_environment_is_text_and_still_a_number(
    strategies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADING_STRATEGIES__BUY_DIPS__PARAMS__COUNT", "7")
    [loaded] = load_strategies(strategies, Settings())
    assert loaded.params["count"] == 7


@pytest.mark.parametrize(
    ("strategy", "sentence"),
    [
        (
            {"params": {"dept": 1}},
            r"strategies\.buy_dips\.params\.dept is no parameter of BuyDips, allowed are: count, depth\.",
        ),
        ({"params": {"depth": -1}}, r"strategies\.buy_dips\.params\.depth: Expected `float` > 0\.0, given are "),
        ({"params": {"depth": "deep"}}, r"strategies\.buy_dips\.params\.depth: Expected `float`, got `str`"),
        ({"params": {"count": 1}}, r"strategies\.buy_dips\.params: count must be >= 2, got 1"),
        ({"assets": ("DOGE",)}, r"strategies\.buy_dips\.assets: DOGE is not among .*BTC, ETH, SOL"),
    ],
)
def test_an_impossible_setting_is_refused_by_name(strategies: Path, strategy: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        load_strategies(strategies, settings(**strategy))


def test_an_unknown_strategy_is_refused_with_the_nearest_names(strategies: Path) -> None:
    with pytest.raises(ConfigError, match=r"strategies\.buy_dip: there is no strategy 'buy_dip'.*: buy_dips\."):
        load_strategies(strategies, Settings.model_validate({"strategies": {"buy_dip": {}}}))


def test_a_strategy_is_found_by_either_name_and_a_typo_gets_a_hint(strategies: Path) -> None:
    loaded = load_strategies(strategies, settings())
    assert find_strategy("BuyDips", loaded) is find_strategy("buy_dips", loaded) is loaded[0]
    with pytest.raises(ConfigError, match="nearest names are: BuyDips"):
        find_strategy("BuyDip", loaded)


def test_a_missing_folder_is_a_setting_to_correct(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"runner\.strategies_dir: .*nowhere is no folder"):
        load_strategies(tmp_path / "nowhere", settings())


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("def broken(:", r"strategy\.py cannot be imported: SyntaxError"),
        ("import nothing_of_that_name", r"cannot be imported: ModuleNotFoundError: .*nothing_of_that_name"),
        ("x = 1", r"exactly one class with @register, found none"),
        (CODE.replace('name = "buy_dips"', 'name = "sell_tops"'), r"BuyDips\.name must be 'buy_dips' like its folder"),
        (CODE.replace('name = "buy_dips"', 'name = "Buy Dips"'), r"BuyDips\.name must be snake_case, got 'Buy Dips'"),
        (CODE.replace('interval = "5m"', 'interval = "7m"'), r"BuyDips\.interval must be one of 1m, 5m"),
        (CODE.replace('interval = "5m"', 'exchanges = ("nyse",)'), r"BuyDips\.exchanges must name one or more of"),
    ],
)
def test_code_that_is_no_strategy_is_refused_with_its_file(tmp_path: Path, code: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        load_strategy(write(tmp_path, code=code), settings())


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ("enabeld: true", r"strategies\.buy_dips\.enabeld is not a known key"),
        ("interval: 7m", r"strategies\.buy_dips\.interval"),
        ("rules: {stop_los: 1}", r"strategies\.buy_dips\.rules\.stop_los is not a known key"),
        ("params: [", r"config\.yaml: not valid YAML"),
    ],
)
def test_a_wrong_config_file_of_a_strategy_is_refused_by_key(tmp_path: Path, config: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        load_strategy(write(tmp_path, config=config), settings())


def test_the_code_hash_follows_every_module_of_the_package_and_not_its_tests(strategies: Path) -> None:
    folder = strategies / "buy_dips"
    before = load_strategy(folder).code_hash
    (folder / "tests" / "test_strategy.py").write_text("# more")
    assert load_strategy(folder).code_hash == before
    (folder / "rule.py").write_text(RULE + "\n# more")
    assert load_strategy(folder).code_hash != before


def test_the_parameter_hash_follows_what_signals_depend_on_and_nothing_else(strategies: Path) -> None:
    def hashed(**strategy: Any) -> str:
        return load_strategies(strategies, settings(**strategy))[0].params_hash

    assert hashed() == hashed(params={"depth": 0.02}) == hashed(enabled=False, rules={"stop_loss": None})
    others = {
        hashed(params={"depth": 0.03}),
        hashed(interval="1h"),
        hashed(rules={"funding_max_age_h": 3}),
    }
    assert len(others | {hashed()}) == 4


def test_code_is_read_afresh_each_time_it_is_loaded(strategies: Path) -> None:
    assert load_strategy(strategies / "buy_dips").class_name == "BuyDips"
    write(strategies, code=CODE.replace("class BuyDips", "class BuyDeepDips"))
    assert load_strategy(strategies / "buy_dips").class_name == "BuyDeepDips"


FAMILY = {
    "family/__init__.py": "",
    "family/base.py": "from .level import LEVEL\n\nfrom trading_core.strategy import Strategy\n\n\n"
    "class Base(Strategy):\n    level = LEVEL\n\n    def evaluate(self, snapshot):\n        return None\n",
    "family/level.py": "LEVEL = 1\n",
    "family/unused.py": "OTHER = 1\n",
    "child/__init__.py": "",
    "child/strategy.py": "from mine.family.base import Base\nfrom trading_core.strategy import register\n\n\n"
    "@register\nclass Child(Base):\n    name = 'child'\n",
}


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A strategy whose parent class lies in another folder, and that in turn needs a helper."""
    for path, text in FAMILY.items():
        (tmp_path / "mine" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / path).write_text(text)
    return tmp_path / "mine"


def test_a_parent_class_may_lie_in_another_folder_and_counts_as_code(mine: Path) -> None:
    [first] = load_strategies(mine, Settings())
    (mine / "family" / "unused.py").write_text("OTHER = 2\n")
    assert load_strategies(mine, Settings())[0].code_hash == first.code_hash
    (mine / "family" / "level.py").write_text("LEVEL = 2\n")
    [second] = load_strategies(mine, Settings())
    assert second.code_hash != first.code_hash
    assert vars(type(first.instance).__mro__[1])["level"] == 1, "the version before keeps its own"
    assert vars(type(second.instance).__mro__[1])["level"] == 2


def test_an_edit_within_the_second_that_leaves_the_size_is_seen(mine: Path) -> None:
    load_strategies(mine, Settings())
    for level in (3, 4, 5):
        (mine / "family" / "level.py").write_text(f"LEVEL = {level}\n")
        [loaded] = load_strategies(mine, Settings())
        assert vars(type(loaded.instance).__mro__[1])["level"] == level
