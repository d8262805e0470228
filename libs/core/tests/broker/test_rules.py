"""Which number a strategy is held to."""

from decimal import Decimal

import pytest
from broker_builders import a_rule_book

from trading_core.errors import ConfigError


def test_a_strategy_without_overrides_is_held_to_the_defaults() -> None:
    rules = a_rule_book().rules_for("unheard_of", "hyperliquid")
    assert (rules.stop_loss, rules.take_profit, rules.timeout_m) == (Decimal("0.02"), Decimal("0.04"), 60)
    assert (rules.slippage, rules.taker_fee, rules.min_notional) == (Decimal("0.0005"), Decimal("0.0005"), Decimal(10))


def test_the_exchange_brings_its_own_costs() -> None:
    rules = a_rule_book().rules_for("alpha", "polymarket")
    assert (rules.fill_model, rules.slippage, rules.min_size) == ("book", Decimal("0.005"), Decimal(5))


def test_one_changed_number_of_an_exchange_leaves_its_others_as_they_are() -> None:
    rules = a_rule_book(exchanges={"polymarket": {"fill_book_age_s": 20}}).rules_for("alpha", "polymarket")
    assert (rules.fill_model, rules.slippage, rules.min_notional) == ("book", Decimal("0.005"), None)
    assert (rules.taker_fee, rules.min_size, rules.fill_book_age_s) == (None, Decimal(5), 20)


def test_the_more_specific_wins() -> None:
    book = a_rule_book({"alpha": {"slippage": "0.001", "stop_loss": None}}, stop_loss="0.03")
    alpha, other = book.rules_for("alpha", "hyperliquid"), book.rules_for("beta", "hyperliquid")
    assert (alpha.slippage, alpha.stop_loss) == (Decimal("0.001"), None)
    assert (other.slippage, other.stop_loss) == (Decimal("0.0005"), Decimal("0.03"))


def test_limits_on_a_strategys_inputs_are_no_broker_rules() -> None:
    book = a_rule_book({"alpha": {"funding_max_age_h": 4}})
    assert book.rules_for("alpha", "hyperliquid") == book.rules_for("beta", "hyperliquid")


@pytest.mark.parametrize("stop_loss", [None, "0"])
def test_sizing_by_the_stop_needs_a_stop(stop_loss: str | None) -> None:
    with pytest.raises(ConfigError, match=r"strategies\.alpha\.rules: sizing stop_risk needs a stop_loss"):
        a_rule_book({"alpha": {"sizing": "stop_risk", "stop_loss": stop_loss}})
    with pytest.raises(ConfigError, match=r"^broker: sizing stop_risk"):
        a_rule_book(sizing="stop_risk", stop_loss=stop_loss)


def test_only_three_limits_can_be_switched_off() -> None:
    with pytest.raises(ConfigError, match=r"strategies\.alpha\.rules\.max_positions must not be null"):
        a_rule_book({"alpha": {"max_positions": None}})


def test_an_asset_whose_size_step_is_unknown_says_so() -> None:
    with pytest.raises(ConfigError, match=r"szDecimals of DOGE is not known \(known: BTC, ETH, SOL\)"):
        a_rule_book().size_decimals("DOGE")
