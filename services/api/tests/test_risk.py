"""How much of its limits a strategy has used, worked out by hand."""

from decimal import Decimal

from trading_api.risk import ledger_risk
from trading_core.broker.book import Book, new_book
from trading_core.broker.rules import RuleBook, rule_book
from trading_core.config import BrokerConfig, StrategyRules

DAY_MS = 86_400_000


def a_rule_book() -> RuleBook:
    return rule_book(BrokerConfig(), {"careful": StrategyRules(max_daily_loss=Decimal("0.002"))}, {})


def a_book() -> Book:
    book = new_book(a_rule_book())
    book.day_ms = 20_000 * DAY_MS
    book.day_start_equity = Decimal(9_500)
    book.day_realised = {"careful": Decimal("-14.25"), "other": Decimal("3.5")}
    return book


def test_the_loss_of_the_day_is_a_share_of_its_limit() -> None:
    """0.002 of 9,500 are 19; 14.25 of 19 is three quarters. The default limit, 0.01, is 95, and a gain uses none."""
    said = ledger_risk(a_book(), a_rule_book(), ["other", "careful"], 20_000 * DAY_MS + 1)
    careful, other = said.strategies
    assert (careful.strategy, careful.day_loss_limit, careful.day_used) == ("careful", "19.000000", 0.75)
    assert (other.day_loss_limit, other.day_used, other.day_realised) == ("95.000000", 0.0, "3.5")
    assert (said.equity, said.exposure_usd, said.exposure_fraction) == ("10000.000000", "0.000000", 0.0)
    assert careful.max_exposure == "5000.000000"


def test_a_strategy_may_be_paused_twice_and_says_by_whom() -> None:
    book = a_book()
    book.paused_until["careful"] = 20_001 * DAY_MS
    book.paused_by_person["careful"] = "ann: looks wrong"
    book.limits["careful"] = {"max_positions": 1}
    [careful] = ledger_risk(book, a_rule_book(), ["careful"], 0).strategies
    assert [(pause.cause, pause.until_ms) for pause in careful.pauses] == [
        ("max_daily_loss", 20_001 * DAY_MS),
        ("person", None),
    ]
    assert careful.pauses[1].reason == "ann: looks wrong"
    assert (careful.changed_limits, careful.max_positions) == (["max_positions"], 1)


def test_a_ledger_of_one_strategy_speaks_of_that_alone() -> None:
    said = ledger_risk(a_book(), a_rule_book().alone("other"), ["careful", "other"], 0)
    assert [each.strategy for each in said.strategies] == ["other"]
