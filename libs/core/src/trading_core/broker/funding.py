"""Hourly funding of perpetuals: who pays at a full hour, and what a rate that comes late still books."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from trading_core import ids
from trading_core.broker.book import Book, KnownRate, instrument_key
from trading_core.broker.events import Event, FundingOwed, FundingPayment, PositionState
from trading_core.broker.inputs import FundingRate
from trading_core.broker.rules import RuleBook
from trading_core.broker.suspicion import is_implausible
from trading_core.model import HOUR_MS, Exchange
from trading_core.money import exact, usd


def at_hour(book: Book, rules: RuleBook, hour_ms: int) -> list[Event]:
    """Every perpetual entered before the hour pays or receives at once, or owes until the rate is known."""
    if (hour_ms // HOUR_MS) % rules.funding_interval_h:
        return []
    events: list[Event] = []
    for position in book.positions.values():
        if position.exchange != Exchange.HYPERLIQUID or position.entry_ms >= hour_ms:
            continue
        owed = FundingOwed(
            event_id=ids.funding_owed(position.position_id, hour_ms),
            portfolio=book.portfolio,
            ts_ms=hour_ms,
            position_id=position.position_id,
            strategy=position.strategy,
            asset=position.asset,
            exchange=position.exchange,
            hour_ms=hour_ms,
            quantity=position.quantity,
            mark_price=exact(book.held_mark(position).price),
        )
        rate = book.funding_rates.get(instrument_key(position.exchange, position.asset), {}).get(hour_ms)
        events += [owed] if rate is None else pay(rules, position, owed, rate, hour_ms)
    return events


def arrears(book: Book, row: FundingRate) -> list[FundingOwed]:
    """What is owed for the hour of a rate that has just arrived, in order of the debts."""
    return [
        owed
        for owed in book.owed.values()
        if owed.hour_ms == row.hour_ms and owed.asset == row.asset and owed.exchange == row.exchange
    ]


def pay(rules: RuleBook, position: PositionState, owed: FundingOwed, rate: KnownRate, ts_ms: int) -> list[Event]:
    """The payment and the position's row after it; a closed position's realised P&L changes with it."""
    size = usd(owed.quantity * owed.mark_price * rate.rate)
    amount = -size if position.direction == "LONG" else size
    payment = FundingPayment(
        event_id=ids.funding_payment(position.position_id, owed.hour_ms),
        portfolio=owed.portfolio,
        ts_ms=ts_ms,
        position_id=position.position_id,
        strategy=position.strategy,
        asset=position.asset,
        exchange=position.exchange,
        hour_ms=owed.hour_ms,
        rate=rate.rate,
        rate_event_id=rate.event_id,
        quantity=owed.quantity,
        mark_price=owed.mark_price,
        amount=amount,
        late=ts_ms > owed.hour_ms,
    )
    return [payment, _after_payment(rules, position, amount, ts_ms)]


def _after_payment(rules: RuleBook, position: PositionState, amount: Decimal, ts_ms: int) -> PositionState:
    version = position.version + 1
    realised_pnl, suspect = position.realised_pnl, position.suspect
    if realised_pnl is not None:
        realised_pnl += amount
        suspect = suspect or is_implausible(rules, realised_pnl, position.stake)
    return msgspec.structs.replace(
        position,
        event_id=ids.position_state(position.position_id, version),
        ts_ms=ts_ms,
        version=version,
        funding_pnl=position.funding_pnl + amount,
        realised_pnl=realised_pnl,
        suspect=suspect,
    )
