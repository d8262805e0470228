"""How much of its limits each strategy has used, from the book that the broker remembers. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from trading_api.schemas import LedgerRisk, StrategyPause, StrategyRisk
from trading_core.broker import valuation
from trading_core.broker.book import Book
from trading_core.broker.commands import in_force
from trading_core.broker.rules import RuleBook
from trading_core.money import NOTHING_USD, ZERO, exactly, plain, usd


def ledger_risk(book: Book, rules: RuleBook, strategies: Sequence[str], event_time_ms: int) -> LedgerRisk:
    """The ledger at `event_time_ms` with the strategies that trade on it."""
    effective = in_force(book, rules)
    with exactly():
        equity, exposure = book.equity_and_exposure()
        own = _exposures(book)
        of_strategies = [
            _strategy(book, effective, name, own.get(name, ZERO), equity)
            for name in sorted(strategies)
            if effective.takes(name)
        ]
        fraction = float(exposure / equity) if equity > ZERO else None
    return LedgerRisk(
        ledger=book.portfolio,
        event_time_ms=event_time_ms,
        equity=plain(equity),
        exposure_usd=plain(usd(exposure)),
        exposure_fraction=fraction,
        day_ms=book.day_ms,
        day_start_equity=plain(book.day_start_equity),
        strategies=of_strategies,
    )


def _exposures(book: Book) -> Mapping[str, Decimal]:
    found: dict[str, Decimal] = {}
    for position in book.positions.values():
        notional = valuation.notional(position, book.held_mark(position).price)
        found[position.strategy] = found.get(position.strategy, ZERO) + notional
    return found


def _strategy(book: Book, rules: RuleBook, name: str, exposure: Decimal, equity: Decimal) -> StrategyRisk:
    # What is asked of a strategy's rules here is the same on every exchange.
    limits = rules.rules_for(name, next(iter(rules.defaults)))
    realised = book.day_realised.get(name, NOTHING_USD)
    loss_limit = limits.max_daily_loss * book.day_start_equity
    return StrategyRisk(
        strategy=name,
        day_realised=plain(realised),
        day_loss_limit=plain(usd(loss_limit)),
        day_used=float(max(ZERO, -realised) / loss_limit) if loss_limit > ZERO else None,
        open_positions=book.count_of(name),
        max_positions=limits.max_positions,
        exposure_usd=plain(usd(exposure)),
        max_exposure=plain(usd(limits.max_exposure * equity)),
        changed_limits=sorted(book.limits.get(name, {})),
        pauses=_pauses(book, name),
    )


def _pauses(book: Book, name: str) -> list[StrategyPause]:
    found = []
    if (until_ms := book.paused_until.get(name)) is not None:
        lost = "It lost what it may lose on a day."
        found.append(StrategyPause(cause="max_daily_loss", until_ms=until_ms, reason=lost))
    if (because := book.paused_by_person.get(name)) is not None:
        found.append(StrategyPause(cause="person", until_ms=None, reason=because))
    return found
