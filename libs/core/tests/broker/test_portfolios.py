"""Portfolios and their ledgers: one for all strategies, or one of equal size for each."""

from decimal import Decimal
from typing import Any

import pytest
from broker_builders import DAY0, Desk, a_mark, a_signal

from trading_core.broker.apply import apply
from trading_core.broker.book import new_book
from trading_core.broker.events import Decision, EquityMark
from trading_core.broker.inputs import Command, Input, MarkToMarket, PauseByPerson, Place
from trading_core.broker.portfolios import Portfolio, concerns, portfolios, total
from trading_core.broker.rules import DEFAULT_SZ_DECIMALS
from trading_core.config import Settings, StrategyRules
from trading_core.errors import ConfigError
from trading_core.money import exactly

NAMES = ("alpha", "beta")


def of(**settings: Any) -> tuple[Portfolio, ...]:
    strategies = {name: StrategyRules() for name in NAMES}
    return portfolios(Settings(**settings), strategies, DEFAULT_SZ_DECIMALS)


def test_without_any_said_there_is_one_of_all_strategies() -> None:
    [portfolio] = of()
    assert (portfolio.name, portfolio.isolation, portfolio.initial_capital) == ("default", "shared", Decimal(10_000))
    [ledger] = portfolio.ledgers
    assert (ledger.portfolio, ledger.takes("alpha"), ledger.takes("anybody")) == ("default", True, True)


def test_alone_each_strategy_has_a_ledger_of_the_portfolios_size() -> None:
    [portfolio] = of(portfolios={"default": {"isolation": "per_strategy", "initial_capital": 5000}})
    assert [ledger.portfolio for ledger in portfolio.ledgers] == ["default-alpha", "default-beta"]
    assert [ledger.initial_capital for ledger in portfolio.ledgers] == [5_000, 5_000]
    assert portfolio.initial_capital == 10_000
    assert [ledger.takes("alpha") for ledger in portfolio.ledgers] == [True, False]


def test_portfolios_differ_in_what_they_say_and_share_the_rest() -> None:
    wide, narrow = of(
        broker={"portfolio": "wide", "isolation": "per_strategy"},
        portfolios={
            "wide": {},
            "narrow": {
                "isolation": "shared",
                "strategies": ["beta"],
                "initial_capital": 200,
                "annualisation_days": 365,
            },
        },
    )
    assert (wide.isolation, wide.annualisation_days, len(wide.ledgers)) == ("per_strategy", 252, 2)
    assert (narrow.isolation, narrow.annualisation_days, narrow.initial_capital) == ("shared", 365, Decimal(200))
    [ledger] = narrow.ledgers
    assert (ledger.takes("alpha"), ledger.takes("beta")) == (False, True)


def test_a_strategy_that_is_not_enabled_cannot_be_in_a_portfolio() -> None:
    with pytest.raises(ConfigError, match=r"portfolios\.default\.strategies: gamma is not enabled \(enabled: alpha, b"):
        of(portfolios={"default": {"strategies": ["gamma"]}})


def test_the_portfolio_shown_is_one_there_is() -> None:
    with pytest.raises(ValueError, match=r"broker\.portfolio must be one of those under portfolios \(paper\), got def"):
        of(portfolios={"paper": {}})


def run(portfolio: Portfolio, *inputs: Input) -> list[Desk]:
    """Every ledger with its own state, as one broker process keeps them."""
    desks = [Desk(ledger) for ledger in portfolio.ledgers]
    for desk in desks:
        desk.apply(*(given for given in inputs if concerns(desk.rules, given)))
    return desks


def test_each_ledger_decides_its_own_strategys_signals_under_its_own_name() -> None:
    [portfolio] = of(broker={"isolation": "per_strategy"})
    alpha, beta = run(portfolio, a_mark(80_000.0), a_signal(strategy="alpha"), a_signal(strategy="beta"))
    assert [decision.strategy for decision in alpha.all(Decision)] == ["alpha"]
    [decided] = beta.all(Decision)
    signal_id = a_signal(strategy="beta").event_id
    assert (decided.event_id, decided.position_id) == (f"d:default-beta:{signal_id}", f"po:default-beta:{signal_id}")
    # What beta may stake does not depend on what alpha holds.
    assert decided.exposure_usd == 0
    assert decided.equity == 10_000


def test_a_pause_reaches_only_the_ledger_of_its_strategy() -> None:
    [portfolio] = of(broker={"isolation": "per_strategy"})
    alpha, beta = run(portfolio, PauseByPerson("alpha", paused=True, ts_ms=DAY0))
    assert (len(alpha.events), len(beta.events)) == (1, 0)


def test_what_a_person_asks_reaches_the_ledgers_that_it_is_about() -> None:
    [portfolio] = of(broker={"isolation": "per_strategy"})
    alpha, beta = portfolio.ledgers

    def asked(**about: Any) -> Command:
        return Command(request_id="r", verb="pause", who="me", why="to see", place=Place(DAY0, 0, ""), **about)

    assert concerns(alpha, asked(strategies=("alpha",)))
    assert not concerns(beta, asked(strategies=("alpha",)))
    assert concerns(beta, asked(positions=("po:default-beta:s",)))
    assert not concerns(alpha, asked(positions=("po:default-beta:s",)))


def test_the_portfolio_is_the_sum_of_its_ledgers() -> None:
    [portfolio] = of(broker={"isolation": "per_strategy"})
    inputs = (a_mark(80_000.0), a_signal(strategy="alpha"), a_signal("SHORT", strategy="beta"), MarkToMarket(DAY0))
    marks = [desk.last(EquityMark) for desk in run(portfolio, *inputs)]
    with exactly():
        whole = total(portfolio.name, marks)
        assert whole.total_equity == sum(mark.total_equity for mark in marks)
        assert whole.total_equity == 20_000 + whole.realised + whole.unrealised + whole.open_costs
        assert sum(whole.strategies.values()) == whole.total_equity - 20_000
        assert sum(whole.assets.values()) == whole.total_equity - 20_000
    assert (whole.event_id, whole.open_positions, set(whole.strategies)) == (f"eq:default:{DAY0}", 2, set(NAMES))


def test_alone_a_strategy_does_what_it_does_in_a_portfolio_without_others() -> None:
    [portfolio] = of(broker={"isolation": "per_strategy"})
    [shared] = of()
    inputs: list[Input] = [
        a_mark(80_000.0),
        a_signal(strategy="alpha"),
        a_mark(70_000.0, 1),
        MarkToMarket(DAY0 + 60_000),
    ]
    alpha = run(portfolio, *inputs, a_signal(strategy="beta", minute=1))[0]
    book = new_book(shared.ledgers[0])
    for given in inputs:
        apply(book, shared.ledgers[0], given)
    assert alpha.book.equity() == book.equity() < Decimal(10_000)
