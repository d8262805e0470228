"""What an open position is worth at a mark, and how far its exits are. Pure; the worth itself is the broker's."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from trading_core.broker import valuation
from trading_core.broker.events import PositionState
from trading_core.money import ZERO, exactly

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Valuation:
    """`progress` runs from 0 at the stop to 1 at the target; distances are fractions of the mark, 0 once touched."""

    unrealised_pnl: Decimal
    unrealised_fraction: float
    stop_distance: float | None
    target_distance: float | None
    progress: float | None


def value(position: PositionState, mark: Decimal) -> Valuation:
    with exactly():
        unrealised = valuation.unrealised(position, float(mark))
    direction = 1 if position.direction == "LONG" else -1
    return Valuation(
        unrealised_pnl=unrealised,
        unrealised_fraction=float(unrealised / position.stake) if position.stake else 0.0,
        stop_distance=_distance(position.stop_price, mark, -direction),
        target_distance=_distance(position.target_price, mark, direction),
        progress=_progress(position, mark),
    )


def _distance(level: Decimal | None, mark: Decimal, direction: int) -> float | None:
    if level is None or mark <= ZERO:
        return None
    return float(max(ZERO, direction * (level - mark) / mark))


def _progress(position: PositionState, mark: Decimal) -> float | None:
    stop, target = position.stop_price, position.target_price
    if stop is None or target is None or stop == target:
        return None
    return float(min(ONE, max(ZERO, (mark - stop) / (target - stop))))
