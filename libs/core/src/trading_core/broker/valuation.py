"""What an open position is worth at a mark. To be called with the exact Decimal context on (`money.exactly`)."""

from __future__ import annotations

from decimal import Decimal

from trading_core.broker import holding
from trading_core.broker.events import PositionState
from trading_core.money import exact, usd


def notional(position: PositionState, mark_price: float) -> Decimal:
    """Quantity times mark (of a token: of the held one), USD, 0 or more."""
    return position.quantity * _held_mark(position, mark_price)


def unrealised(position: PositionState, mark_price: float) -> Decimal:
    """What closing at the mark would bring before costs, six places."""
    gain = position.quantity * _held_mark(position, mark_price) - position.entry_notional
    return usd(gain * holding.sign(position))


def _held_mark(position: PositionState, mark_price: float) -> Decimal:
    return holding.held_price(position.exchange, position.direction, exact(mark_price))


def open_costs(position: PositionState) -> Decimal:
    """Funding so far minus fees so far."""
    return position.funding_pnl - position.fees


def open_pnl(position: PositionState, mark_price: float) -> Decimal:
    """The position's part of equity."""
    return unrealised(position, mark_price) + open_costs(position)
