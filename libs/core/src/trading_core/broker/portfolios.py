"""The portfolios of the configuration, and the ledgers that each is kept in.

A shared portfolio is one ledger. With `isolation: per_strategy` each strategy has a ledger of the portfolio's size to
itself, all that the rules say of the portfolio holds for that ledger, and the portfolio is their sum. A ledger is a
`RuleBook` with a `Book`; its name (`default`, `default-funding_arb`) is the portfolio in ids, subjects and tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from trading_core import ids
from trading_core.broker.events import EquityMark
from trading_core.broker.inputs import Command, Input, PauseByPerson, SignalInput
from trading_core.broker.rules import Isolation, RuleBook, rule_book
from trading_core.errors import ConfigError
from trading_core.money import NOTHING_USD, ZERO

if TYPE_CHECKING:
    from trading_core.config import PortfolioConfig, Settings, StrategyRules


@dataclass(frozen=True, slots=True)
class Portfolio:
    """`ledgers`: one, or one per strategy in order of their names."""

    name: str
    isolation: Isolation
    annualisation_days: int
    ledgers: tuple[RuleBook, ...]

    @property
    def initial_capital(self) -> Decimal:
        return sum((ledger.initial_capital for ledger in self.ledgers), ZERO)


def portfolios(
    settings: Settings, strategies: Mapping[str, StrategyRules], sz_decimals: Mapping[str, int]
) -> tuple[Portfolio, ...]:
    """Every portfolio of the configuration. `strategies`: the enabled ones with their overrides.

    ConfigError when one names a strategy that is not enabled, besides the reasons of `rule_book`.
    """
    rules = rule_book(settings.broker, strategies, sz_decimals)
    found = []
    for name, config in settings.every_portfolio.items():
        unknown = sorted(set(config.strategies or ()) - strategies.keys())
        if unknown:
            enabled = ", ".join(sorted(strategies)) or "none"
            raise ConfigError(
                f"portfolios.{name}.strategies: {', '.join(unknown)} is not enabled (enabled: {enabled}). "
                "Enable it under strategies: or take it out of the portfolio."
            )
        chosen = sorted(strategies if config.strategies is None else config.strategies)
        found.append(_portfolio(settings, rules, name, config, chosen))
    return tuple(found)


def ledgers_of(rules: RuleBook, isolation: Isolation, strategies: Sequence[str]) -> tuple[RuleBook, ...]:
    """The ledgers of a portfolio with these rules."""
    if isolation == "shared":
        return (rules,)
    return tuple(rules.alone(strategy) for strategy in strategies)


def concerns(rules: RuleBook, event: Input) -> bool:
    """Whether `event` is to be applied to this ledger: all but what is said of a strategy that trades elsewhere."""
    match event:
        case SignalInput():
            return rules.takes(event.signal.strategy)
        case PauseByPerson():
            return rules.takes(event.strategy)
        case Command():
            ours = f"po:{rules.portfolio}:"
            named = [rules.takes(strategy) for strategy in event.strategies]
            return any(named) or any(position_id.startswith(ours) for position_id in event.positions)
        case _:
            return True


def total(portfolio: str, marks: Sequence[EquityMark]) -> EquityMark:
    """The rows of its ledgers at one minute as the row of the whole portfolio. To be called inside `exactly()`."""
    [ts_ms] = {mark.ts_ms for mark in marks}
    return EquityMark(
        event_id=ids.equity(portfolio, ts_ms),
        portfolio=portfolio,
        ts_ms=ts_ms,
        total_equity=sum((mark.total_equity for mark in marks), ZERO),
        unrealised=sum((mark.unrealised for mark in marks), NOTHING_USD),
        realised=sum((mark.realised for mark in marks), NOTHING_USD),
        open_costs=sum((mark.open_costs for mark in marks), NOTHING_USD),
        open_positions=sum(mark.open_positions for mark in marks),
        strategies=_summed([mark.strategies for mark in marks]),
        assets=_summed([mark.assets for mark in marks]),
    )


def _portfolio(
    settings: Settings, rules: RuleBook, name: str, config: PortfolioConfig, strategies: Sequence[str]
) -> Portfolio:
    isolation = config.isolation or settings.broker.isolation
    # Only a portfolio that names its strategies refuses the others: signals of one switched off later are decided too.
    only = frozenset(strategies) if config.strategies is not None else None
    capital = config.initial_capital or settings.broker.initial_capital
    own = replace(rules, portfolio=name, initial_capital=capital, strategies=only)
    return Portfolio(
        name=name,
        isolation=isolation,
        annualisation_days=config.annualisation_days or settings.metrics.annualisation_days,
        ledgers=ledgers_of(own, isolation, strategies),
    )


def _summed(shares: Sequence[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for share in shares:
        for name, amount in share.items():
            found[name] = found.get(name, NOTHING_USD) + amount
    return found
