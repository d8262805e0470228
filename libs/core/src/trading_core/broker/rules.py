"""The numbers of the rule book, resolved: what one strategy on one exchange is held to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from trading_core.errors import ConfigError
from trading_core.model import Exchange

if TYPE_CHECKING:  # Types only: the rules need no configuration library to run.
    from trading_core.config import BrokerConfig, ExchangeRules, StrategyRules

DEFAULT_SZ_DECIMALS: Mapping[str, int] = {"BTC": 5, "ETH": 4, "SOL": 2}
"""Hyperliquid's `szDecimals` for the default assets; live they come from the venue's meta."""

Sizing = Literal["fraction", "stop_risk", "fixed"]
Levels = Literal["exact", "tick"]
OppositeSignal = Literal["reverse", "close", "ignore"]
CooldownAfter = Literal["loss", "timeout", "any"]
Isolation = Literal["shared", "per_strategy"]

_STRATEGY_KEYS = (
    "sizing", "stake_fraction", "risk_fraction", "fixed_quantity", "stop_loss", "take_profit", "timeout_m", "levels",
    "opposite_signal", "min_confidence", "cooldown_s", "cooldown_after", "max_positions", "max_exposure",
    "max_daily_loss", "max_signal_age_s", "max_mark_age_s",
)  # fmt: skip
_EXCHANGE_KEYS = ("fill_model", "slippage", "taker_fee", "min_notional", "min_size", "fill_book_age_s", "tick_size")
_NULL_SWITCHES_OFF = frozenset({"stop_loss", "take_profit", "timeout_m"})


class Rules(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything of the rule book that one (strategy, exchange) pair needs. Fractions, not per cent; USD.

    The optional rules at the end have defaults, which are not written: a decision says only what departs from them.
    """

    sizing: Sizing
    stake_fraction: Decimal
    risk_fraction: Decimal
    stop_loss: Decimal | None
    take_profit: Decimal | None
    timeout_m: int | None
    min_confidence: float
    cooldown_s: int
    max_positions: int
    max_exposure: Decimal
    max_daily_loss: Decimal
    max_signal_age_s: int
    max_mark_age_s: int
    fill_model: Literal["fixed", "book"]
    slippage: Decimal
    taker_fee: Decimal | None
    min_notional: Decimal | None
    min_size: Decimal | None
    fill_book_age_s: int
    fixed_quantity: Decimal | None = None
    tick_size: Decimal | None = None
    levels: Levels = "exact"
    opposite_signal: OppositeSignal = "reverse"
    cooldown_after: CooldownAfter = "loss"


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The rules of one ledger: a whole portfolio, or one strategy of it (see `portfolios`).

    A strategy without overrides gets its exchange's defaults.
    """

    portfolio: str
    initial_capital: Decimal
    sz_decimals: Mapping[str, int]
    suspect_pnl: Decimal
    suspect_fill: Decimal
    funding_interval_h: int
    defaults: Mapping[str, Rules]
    overridden: Mapping[tuple[str, str], Rules]
    book_exchanges: frozenset[str] = frozenset()
    """Exchanges on which some strategy fills by the recorded book: of others the broker reads no books of coins."""

    strategies: frozenset[str] | None = None
    """Whose signals are decided here; None: everybody's."""

    def takes(self, strategy: str) -> bool:
        return self.strategies is None or strategy in self.strategies

    def alone(self, strategy: str) -> RuleBook:
        """The ledger that this strategy has to itself under `isolation: per_strategy`, with the same capital."""
        return replace(self, portfolio=f"{self.portfolio}-{strategy}", strategies=frozenset({strategy}))

    def rules_for(self, strategy: str, exchange: str) -> Rules:
        return self.overridden.get((strategy, exchange)) or self.defaults[exchange]

    def size_decimals(self, asset: str) -> int:
        """Decimal places of a quantity. ConfigError when the venue's number is not known."""
        try:
            return self.sz_decimals[asset]
        except KeyError:
            known = ", ".join(sorted(self.sz_decimals))
            raise ConfigError(f"szDecimals of {asset} is not known (known: {known}); it comes from the venue") from None


def rule_book(
    broker: BrokerConfig, strategies: Mapping[str, StrategyRules], sz_decimals: Mapping[str, int]
) -> RuleBook:
    """`broker:` of the configuration with each strategy's `rules:` on top; the more specific wins.

    ConfigError when `stop_risk` sizing has no stop to size by, `fixed` sizing no quantity, or a limit that cannot be
    off is null.
    """
    by_exchange = {
        Exchange.HYPERLIQUID.value: broker.exchanges.hyperliquid,
        Exchange.POLYMARKET.value: broker.exchanges.polymarket,
    }
    defaults = {exchange: _rules("broker", broker, venue, {}) for exchange, venue in by_exchange.items()}
    overridden = {
        (strategy, exchange): _rules(f"strategies.{strategy}.rules", broker, venue, rules.given())
        for strategy, rules in strategies.items()
        if rules.given()
        for exchange, venue in by_exchange.items()
    }
    every = [*defaults.items(), *((exchange, rules) for (_, exchange), rules in overridden.items())]
    return RuleBook(
        portfolio=broker.portfolio,
        initial_capital=broker.initial_capital,
        sz_decimals=dict(sz_decimals),
        suspect_pnl=broker.suspect_pnl,
        suspect_fill=broker.suspect_fill,
        funding_interval_h=broker.funding_interval_h,
        defaults=defaults,
        overridden=overridden,
        book_exchanges=frozenset(exchange for exchange, rules in every if rules.fill_model == "book"),
    )


def _rules(where: str, broker: BrokerConfig, venue: ExchangeRules, given: Mapping[str, Any]) -> Rules:
    for key, value in given.items():
        if value is None and key not in _NULL_SWITCHES_OFF:
            off = ", ".join(sorted(_NULL_SWITCHES_OFF))
            raise ConfigError(f"{where}.{key} must not be null: only {off} can be switched off. Remove the key.")
    general = {key: getattr(broker, key) for key in _STRATEGY_KEYS}
    exchange = {key: getattr(venue, key) for key in _EXCHANGE_KEYS}
    rules = Rules(**{**general, **exchange, **given})
    if rules.sizing == "stop_risk" and not rules.stop_loss:
        raise ConfigError(
            f"{where}: sizing stop_risk needs a stop_loss above 0, got {rules.stop_loss}. "
            "Set stop_loss or sizing: fraction."
        )
    if rules.sizing == "fixed" and rules.fixed_quantity is None:
        raise ConfigError(
            f"{where}: sizing fixed needs a fixed_quantity, got none. "
            "Set fixed_quantity (base units a trade) or sizing: fraction."
        )
    return rules
