"""The order and the fills of an execution, on either side of a position's life."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

from trading_core import ids
from trading_core.broker import depth as depths
from trading_core.broker.depth import Part
from trading_core.broker.events import Fill, Order, PositionState, Purpose, Side
from trading_core.broker.terms import Terms
from trading_core.money import EXACT, NOTHING_USD

_AVERAGE_STEP = Decimal("0.00000001")


class Cause(msgspec.Struct, frozen=True, gc=False):
    """Why, when and at what reference price something fills; `mark_*` is the mark that triggered or judged it.

    `reference` and `yardstick` are in terms of what is held. `yardstick`: the price before the cause, by which an odd
    fill is known. `both_levels`: see `Fill`.
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


class Execution(msgspec.Struct, frozen=True, gc=False):
    """Parts at one price each, with their fees; `price` is their average, half even to eight places."""

    parts: Sequence[Part]
    fees: Sequence[Decimal]
    quantity: Decimal
    notional: Decimal
    price: Decimal

    @property
    def fee(self) -> Decimal:
        return sum(self.fees, NOTHING_USD)


def execution(parts: Sequence[Part], terms: Terms | None) -> Execution:
    """What was done in `parts`, one at least. `terms` None: nothing is traded, so there is no fee."""
    fees = [NOTHING_USD if terms is None else terms.fee(part.quantity, part.price) for part in parts]
    if len(parts) == 1:
        [part] = parts
        return Execution(parts, fees, part.quantity, part.quantity * part.price, part.price)
    quantity, notional = depths.total(parts)
    price = (notional / quantity).quantize(_AVERAGE_STEP, ROUND_HALF_EVEN, EXACT)
    return Execution(parts, fees, quantity, notional, price)


def order_and_fills(
    position: PositionState, order_id: str, signal_id: str | None, side: Side, cause: Cause, done: Execution
) -> tuple[Order, list[Fill]]:
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
    fills = [
        Fill(
            ids.fill(order_id, number),
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
            part.quantity,
            part.price,
            cause.reference,
            fee,
            cause.mark_price,
            cause.mark_event_id,
            cause.mark_ms,
            cause.late,
            cause.both_levels,
            part.book_event_id,
        )
        for number, (part, fee) in enumerate(zip(done.parts, done.fees, strict=True), start=1)
    ]
    return order, fills
