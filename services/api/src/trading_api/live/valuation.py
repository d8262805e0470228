"""What an open position is worth at a mark, and how far its exits are. Pure; the worth itself is the broker's."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from trading_core.broker import holding, valuation
from trading_core.broker.events import PositionState
from trading_core.money import ZERO, exactly, usd

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Valuation:
    """`progress` runs from 0 at the stop to 1 at the target; distances are fractions of the mark, 0 once touched."""

    unrealised_pnl: Decimal
    unrealised_fraction: float
    mark: Decimal
    """In the terms of the entry price."""
    stop_distance: float | None
    target_distance: float | None
    progress: float | None


def value(position: PositionState, market_mark: Decimal) -> Valuation:
    """`market_mark`: of the coin, or of the YES/Up token whichever one is held."""
    with exactly():
        unrealised = valuation.unrealised(position, float(market_mark))
        mark = held_mark(position, market_mark)
    direction = holding.sign(position)
    return Valuation(
        unrealised_pnl=unrealised,
        unrealised_fraction=float(unrealised / position.stake) if position.stake else 0.0,
        mark=mark,
        stop_distance=_distance(position.stop_price, mark, -direction),
        target_distance=_distance(position.target_price, mark, direction),
        progress=_progress(position, mark),
    )


def next_funding(position: PositionState, mark: Decimal, rate_1h: Decimal, interval_h: int) -> Decimal:
    """USD received (above 0) or paid at the next settlement of a perpetual, if `mark` and `rate_1h` stay."""
    with exactly():
        paid = usd(position.quantity * mark * rate_1h * interval_h)
    return -paid if position.direction == "LONG" else paid


def held_mark(position: PositionState, market_mark: Decimal) -> Decimal:
    """The mark in the terms of entry price, stop and target: of a token, the price of the one that is held."""
    return holding.held_price(position.exchange, position.direction, market_mark)


def _distance(level: Decimal | None, mark: Decimal, direction: int) -> float | None:
    if level is None or mark <= ZERO:
        return None
    return float(max(ZERO, direction * (level - mark) / mark))


def _progress(position: PositionState, mark: Decimal) -> float | None:
    stop, target = position.stop_price, position.target_price
    if stop is None or target is None or stop == target:
        return None
    return float(min(ONE, max(ZERO, (mark - stop) / (target - stop))))
