"""The order and the fill of an execution, on either side of a position's life."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from trading_core import ids
from trading_core.broker.events import Fill, Order, PositionState, Purpose, Side
from trading_core.broker.fills import Execution


class Cause(msgspec.Struct, frozen=True, gc=False):
    """Why, when and at what reference price something fills; `mark_*` is the mark that triggered or judged it.

    `yardstick`: the mark before the cause, by which an odd fill is known. `both_levels`: see `Fill`.
    """

    purpose: Purpose
    ts_ms: int
    reference: Decimal
    mark_price: Decimal
    mark_event_id: str
    mark_ms: int
    yardstick: Decimal
    late: bool
    both_levels: bool = False


def order_and_fill(
    position: PositionState, order_id: str, signal_id: str | None, side: Side, cause: Cause, done: Execution
) -> tuple[Order, Fill]:
    """What was asked for and what came of it. `signal_id` is None for the broker's own exits."""
    order = Order(
        event_id=order_id,
        portfolio=position.portfolio,
        ts_ms=cause.ts_ms,
        position_id=position.position_id,
        signal_id=signal_id,
        strategy=position.strategy,
        asset=position.asset,
        exchange=position.exchange,
        instrument=position.instrument,
        side=side,
        purpose=cause.purpose,
        quantity=done.quantity,
        reference_price=cause.reference,
    )
    fill = Fill(
        ids.fill(order_id, 1),
        position.portfolio,
        cause.ts_ms,
        order_id,
        position.position_id,
        position.strategy,
        position.asset,
        position.exchange,
        position.instrument,
        side,
        cause.purpose,
        done.quantity,
        done.price,
        cause.reference,
        done.fee,
        cause.mark_price,
        cause.mark_event_id,
        cause.mark_ms,
        cause.late,
        cause.both_levels,
    )
    return order, fill
