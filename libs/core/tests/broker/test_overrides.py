"""Which key may be overridden where: the table of defaults, scope by scope."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from repository import ROOT
from trading_core.backtest.choice import choose
from trading_core.broker.portfolios import Portfolio, portfolios
from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, RuleBook
from trading_core.config import Settings, load
from trading_core.errors import ConfigError

STRATEGY: dict[str, Any] = {
    "sizing": "stop_risk", "stake_fraction": "0.03", "risk_fraction": "0.004", "stop_loss": "0.05",
    "take_profit": "0.06", "timeout_m": 7, "min_confidence": 0.7, "cooldown_s": 8, "max_positions": 9,
    "max_exposure": "0.9", "max_daily_loss": "0.02", "max_signal_age_s": 31, "max_mark_age_s": 61,
}  # fmt: skip
"""Under broker: for all, under rules: for one strategy, and for one backtest."""
EXCHANGE_AND_STRATEGY: dict[str, Any] = {"slippage": "0.007"}
EXCHANGE: dict[str, Any] = {"taker_fee": "0.003", "min_notional": 11, "min_size": 12, "fill_book_age_s": 13}
SNAPSHOT: dict[str, Any] = {"max_book_age_s": 31, "stats_max_age_s": 601, "funding_max_age_h": 3}
GLOBAL: dict[str, Any] = {"suspect_pnl": "0.6", "suspect_fill": "0.06", "funding_interval_h": 8}
PORTFOLIO: dict[str, Any] = {"initial_capital": 77, "isolation": "per_strategy"}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def said(section: dict[str, Any]) -> Settings:
    Path("config.yaml").write_text(yaml.safe_dump(section))
    return load()


def first(settings: Settings) -> Portfolio:
    [portfolio] = portfolios(settings, {"alpha": settings.strategies["alpha"].rules}, DEFAULT_SZ_DECIMALS)
    return portfolio


def ledger(section: dict[str, Any]) -> RuleBook:
    return first(said({"strategies": {"alpha": {}}} | section)).ledgers[0]


def is_same(found: Any, wanted: Any) -> bool:
    return bool(found == (Decimal(wanted) if isinstance(found, Decimal) else wanted))


@pytest.mark.parametrize(("key", "value"), STRATEGY.items())
def test_a_default_may_be_overridden_by_a_strategy_alone(key: str, value: Any) -> None:
    everybody = ledger({"broker": {key: value}})
    assert is_same(getattr(everybody.rules_for("other", "hyperliquid"), key), value)
    own = ledger({"strategies": {"alpha": {"rules": {key: value}}}})
    assert is_same(getattr(own.rules_for("alpha", "polymarket"), key), value)
    assert not is_same(getattr(own.rules_for("other", "polymarket"), key), value)
    for elsewhere in (
        {"broker": {"exchanges": {"polymarket": {key: value}}}},
        {"portfolios": {"default": {key: value}}},
    ):
        refused(elsewhere, key)


@pytest.mark.parametrize("exchange", ["hyperliquid", "polymarket"])
@pytest.mark.parametrize(("key", "value"), [*EXCHANGE_AND_STRATEGY.items(), *EXCHANGE.items()])
def test_a_number_of_one_exchange_leaves_the_other_alone(exchange: str, key: str, value: Any) -> None:
    rules = ledger({"broker": {"exchanges": {exchange: {key: value}}}})
    other = "polymarket" if exchange == "hyperliquid" else "hyperliquid"
    assert is_same(getattr(rules.rules_for("alpha", exchange), key), value)
    assert rules.rules_for("alpha", other) == ledger({}).rules_for("alpha", other)
    refused({"broker": {key: value}}, key)


def test_the_fill_model_is_an_exchanges_or_a_strategys() -> None:
    by_exchange = ledger({"broker": {"exchanges": {"polymarket": {"fill_model": "fixed"}}}})
    assert by_exchange.rules_for("alpha", "polymarket").fill_model == "fixed"
    assert by_exchange.book_exchanges == frozenset()
    by_strategy = ledger({"strategies": {"alpha": {"rules": {"fill_model": "book", "slippage": "0.007"}}}})
    assert by_strategy.rules_for("alpha", "hyperliquid").fill_model == "book"
    assert by_strategy.rules_for("other", "hyperliquid").fill_model == "fixed"
    assert by_strategy.rules_for("alpha", "polymarket").slippage == Decimal("0.007")


@pytest.mark.parametrize(("key", "value"), EXCHANGE.items())
def test_what_the_venue_takes_is_no_strategys_to_change(key: str, value: Any) -> None:
    text = refused({"strategies": {"alpha": {"rules": {key: value}}}}, key)
    assert "It belongs under broker.exchanges.hyperliquid or broker.exchanges.polymarket" in text


@pytest.mark.parametrize(("key", "value"), SNAPSHOT.items())
def test_the_age_of_inputs_is_a_strategys(key: str, value: Any) -> None:
    assert getattr(said({"snapshot": {key: value}}).snapshot, key) == value
    strategy = said({"strategies": {"alpha": {"rules": {key: value}}}}).strategies["alpha"]
    assert strategy.rules.input_limits() == {key: value}
    refused({"broker": {key: value}}, key)


@pytest.mark.parametrize(("key", "value"), GLOBAL.items())
def test_what_is_global_is_nobodys_to_override(key: str, value: Any) -> None:
    assert is_same(getattr(ledger({"broker": {key: value}}), key), value)
    for elsewhere in (
        {"strategies": {"alpha": {"rules": {key: value}}}},
        {"portfolios": {"default": {key: value}}},
        {"broker": {"exchanges": {"hyperliquid": {key: value}}}},
    ):
        assert "It belongs under broker." in refused(elsewhere, key)


@pytest.mark.parametrize(("key", "value"), PORTFOLIO.items())
def test_capital_and_isolation_are_a_portfolios(key: str, value: Any) -> None:
    by_default = first(said({"strategies": {"alpha": {}}, "broker": {key: value}}))
    by_itself = first(said({"strategies": {"alpha": {}}, "portfolios": {"default": {key: value}}}))
    assert is_same(getattr(by_default, key), value)
    assert getattr(by_itself, key) == getattr(by_default, key)
    refused({"strategies": {"alpha": {"rules": {key: value}}}}, key)


def test_trading_days_a_year_are_a_portfolios() -> None:
    assert first(said({"strategies": {"alpha": {}}, "metrics": {"annualisation_days": 300}})).annualisation_days == 300
    own = first(said({"strategies": {"alpha": {}}, "portfolios": {"default": {"annualisation_days": 365}}}))
    assert own.annualisation_days == 365
    refused({"retention": {"annualisation_days": 365}}, "annualisation_days")


def test_how_long_passes_are_kept_is_global() -> None:
    assert said({"retention": {"pass_retention_days": 3}}).retention.pass_retention_days == 3
    for elsewhere in ({"broker": {"pass_retention_days": 3}}, {"portfolios": {"default": {"pass_retention_days": 3}}}):
        assert "It belongs under retention." in refused(elsewhere, "pass_retention_days")


RUN: list[tuple[str, Callable[[Settings], Any], Any]] = [
    ("funding_interval_h=8", lambda settings: settings.broker.funding_interval_h, 8),
    ("annualisation_days=365", lambda settings: settings.metrics.annualisation_days, 365),
    *(
        (f"{key}={value}", lambda settings, key=key: getattr(settings.strategies["funding_arb"].rules, key), value)
        for key, value in {**STRATEGY, **EXCHANGE_AND_STRATEGY, **SNAPSHOT}.items()
    ),
]


@pytest.mark.parametrize(("text", "read", "value"), RUN, ids=[row[0] for row in RUN])
def test_one_backtest_may_change_what_a_strategy_may_and_what_is_of_the_run(
    text: str, read: Callable[[Settings], Any], value: Any
) -> None:
    Path("config.yaml").write_text(f"runner: {{strategies_dir: {ROOT / 'strategies'}}}")
    settings, _ = choose(["funding_arb"], [text])
    assert is_same(read(settings), value)


@pytest.mark.parametrize("key", ["taker_fee", "min_size", "suspect_pnl", "initial_capital", "fill_book_age_s"])
def test_one_backtest_changes_nothing_else(key: str) -> None:
    Path("config.yaml").write_text(f"runner: {{strategies_dir: {ROOT / 'strategies'}}}")
    with pytest.raises(ConfigError, match=rf"^--param {key}=1: {key} is neither a parameter of funding_arb nor a rule"):
        choose(["funding_arb"], [f"{key}=1"])
    with pytest.raises(ConfigError, match=r"^--param funding_arb\.funding_interval_h=8: funding_interval_h is neither"):
        choose(["funding_arb"], ["funding_arb.funding_interval_h=8"])


def refused(section: dict[str, Any], key: str) -> str:
    """The sentence about `key`, which does not belong where `section` has it."""
    with pytest.raises(ConfigError, match=rf"{key} is not a known key") as caught:
        said(section)
    return str(caught.value)
