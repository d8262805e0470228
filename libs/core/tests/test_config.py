"""`load`: what it accepts, what wins, and what it says about a wrong key."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from structlog.testing import capture_logs

from repository import ROOT
from trading_core.config import Settings, load
from trading_core.errors import ConfigError


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("TRADING_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def a_file(text: str) -> Path:
    file = Path("config.yaml")
    file.write_text(text)
    return file


def problem(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(a_file(text))
    return str(caught.value)


def test_the_plain_example_loads_as_written() -> None:
    a_file("""
assets: [BTC, ETH, SOL]
exchanges:
  hyperliquid:
    base_url: https://api.hyperliquid.xyz
    poll_interval_s: 60
  polymarket:
    base_url: https://clob.polymarket.com
    poll_interval_s: 30
database:
  url: postgresql://trading@localhost:5432/trading
strategies:
  contrarian_pure:
    enabled: true
    params:
      threshold: 0.72
""")
    settings = load()
    assert settings.assets == ("BTC", "ETH", "SOL")
    assert settings.exchanges.polymarket.poll_interval_s == 30
    assert settings.database.url == "postgresql://trading@localhost:5432/trading"
    assert settings.strategies["contrarian_pure"].enabled
    assert settings.strategies["contrarian_pure"].params == {"threshold": 0.72}


def test_the_committed_file_repeats_the_defaults_of_the_code() -> None:
    committed = load(ROOT / "config.yaml")
    assert committed.model_copy(update={"strategies": {}}) == Settings()
    assert [name for name, strategy in committed.strategies.items() if strategy.enabled] == [
        "rsi_mean_reversion",
        "funding_arb",
    ]


def test_the_committed_file_names_every_key() -> None:
    def keys(section: Any) -> Any:
        return {name: keys(value) for name, value in section.items()} if isinstance(section, dict) else None

    given = yaml.safe_load((ROOT / "config.yaml").read_text())
    assert keys(given | {"strategies": None}) == keys(Settings().model_dump() | {"strategies": None})


def test_the_environment_wins_over_the_file_and_an_argument_over_both(monkeypatch: pytest.MonkeyPatch) -> None:
    a_file("nats: {url: 'nats://file:4222'}\nbroker: {max_positions: 7}")
    assert load().nats.url == "nats://file:4222"
    monkeypatch.setenv("TRADING_NATS__URL", "nats://environment:4222")
    assert load().nats.url == "nats://environment:4222"
    assert load().broker.max_positions == 7
    assert load(nats={"url": "nats://argument:4222"}).nats.url == "nats://argument:4222"


def test_variables_reach_lists_nulls_and_strategy_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    a_file("strategies: {rsi_mean_reversion: {enabled: true, params: {period: 14}}}")
    monkeypatch.setenv("TRADING_ASSETS", "BTC,ETH")
    monkeypatch.setenv("TRADING_BROKER__STOP_LOSS", "null")
    monkeypatch.setenv("TRADING_STRATEGIES__RSI_MEAN_REVERSION__PARAMS__PERIOD", "10")
    settings = load()
    assert settings.assets == ("BTC", "ETH")
    assert settings.broker.stop_loss is None
    assert settings.strategies["rsi_mean_reversion"].enabled
    assert settings.strategies["rsi_mean_reversion"].params == {"period": 10}


def test_another_file_is_named_by_trading_config(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("other.yaml").write_text("assets: [SOL]")
    monkeypatch.setenv("TRADING_CONFIG", "other.yaml")
    assert load().assets == ("SOL",)
    monkeypatch.setenv("TRADING_CONFIG", "missing.yaml")
    with pytest.raises(ConfigError, match=r"missing.yaml \(from TRADING_CONFIG\): no such file"):
        load()


def test_a_number_out_of_range_is_named_with_the_fix() -> None:
    assert problem("broker: {exchanges: {hyperliquid: {taker_fee: -0.0005}}}") == (
        "config.yaml: broker.exchanges.hyperliquid.taker_fee must be >= 0, got -0.0005. "
        "Fix it or TRADING_BROKER__EXCHANGES__HYPERLIQUID__TAKER_FEE."
    )


def test_every_wrong_key_gets_its_own_sentence() -> None:
    text = problem("broker: {max_positions: many, stake_fraction: 2}\nlogging: {level: loud}\napi: {portt: 80}")
    assert text.splitlines() == [
        "config.yaml: broker.stake_fraction must be <= 1, got 2. Fix it or TRADING_BROKER__STAKE_FRACTION.",
        "config.yaml: broker.max_positions must be a whole number, got 'many'. "
        "Fix it or TRADING_BROKER__MAX_POSITIONS.",
        "config.yaml: api.portt is not a known key, got 80. Did you mean port? Correct or remove it.",
        "config.yaml: logging.level must be 'debug', 'info', 'warning' or 'error', got 'loud'. "
        "Fix it or TRADING_LOGGING__LEVEL.",
    ]


def test_unknown_keys_are_refused_at_every_depth() -> None:
    assert "config.yaml: brokr is not a known key, got {'max_positions': 1}. Did you mean broker?" in problem(
        "brokr: {max_positions: 1}"
    )
    assert "strategies.x.rules.stop is not a known key" in problem("strategies: {x: {rules: {stop: 1}}}")
    assert "nats must be a section of keys and values, got 'here'" in problem("nats: here")


def test_a_wrong_variable_is_named_instead_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADING_API__PORT", "eighty")
    assert problem("") == (
        "TRADING_API__PORT: api.port must be a whole number, got 'eighty'. Fix or unset TRADING_API__PORT."
    )
    monkeypatch.delenv("TRADING_API__PORT")
    monkeypatch.setenv("TRADING_NATZ__URL", "nats://x")
    assert problem("").startswith("TRADING_NATZ__URL: no section 'natz'. Did you mean nats?")


def test_broken_yaml_and_no_sections_are_config_errors() -> None:
    assert problem("a: [1").startswith("config.yaml: not valid YAML: ")
    assert problem("- 1").startswith("config.yaml: must hold sections")


def test_a_password_in_the_file_is_warned_about_and_one_in_the_environment_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a_file("database: {url: 'postgresql://me:secret@localhost/trading'}")
    with capture_logs() as logs:
        assert load().database.has_password
    assert [line["event"] for line in logs] == ["password_found_in_file"]
    assert "secret" not in str(logs)
    a_file("")
    monkeypatch.setenv("TRADING_DATABASE__URL", "postgresql://me:secret@localhost/trading")
    with capture_logs() as logs:
        load()
    assert logs == []


def test_decimals_are_the_digits_of_the_file() -> None:
    settings = load(a_file("broker: {exchanges: {hyperliquid: {taker_fee: 0.00045}}}"))
    assert settings.broker.exchanges.hyperliquid.taker_fee == Decimal("0.00045")
    assert settings.broker.exchanges.hyperliquid.maker_fee == Decimal("0.0002")
