"""The record of a decision: the one answer to a signal, with everything it was made of."""

from __future__ import annotations

from typing import Literal

from trading_core import ids
from trading_core.broker.book import Book, HeldMark
from trading_core.broker.checks import Sizing
from trading_core.broker.events import Decision, Reason, Verdict
from trading_core.broker.inputs import SignalInput
from trading_core.broker.rules import Rules
from trading_core.model import Direction
from trading_core.money import exact


def decision(
    book: Book,
    rules: Rules,
    given: SignalInput,
    mark: HeldMark | None,
    *,
    reason: Reason | None,
    closed_id: str | None = None,
    sized: Sizing | None = None,
) -> Decision:
    """`reason` None means that the signal was acted on; `closed_id` is the position it closed, whatever followed.

    `sized` is None when the signal did not come as far as an entry: what it was acted on by was a close.
    """
    signal = given.signal
    direction = _decidable(signal.direction)
    verdict: Verdict
    if reason is not None:
        verdict = "rejected"
    elif sized is None:
        verdict = "closed"
    else:
        verdict = "opened" if closed_id is None else "reversed"
    opened_id = ids.position(book.portfolio, given.event_id) if verdict in ("opened", "reversed") else None
    return Decision(
        event_id=ids.decision(book.portfolio, given.event_id),
        portfolio=book.portfolio,
        ts_ms=given.place.visible_ms,
        signal_ts_ms=signal.ts,
        signal_id=given.event_id,
        strategy=signal.strategy,
        asset=signal.asset,
        exchange=signal.exchange,
        instrument=signal.held,
        direction=direction,
        decision=verdict,
        reason=reason,
        acted_on=opened_id is not None or closed_id is not None,
        position_id=opened_id,
        closed_position=closed_id,
        confidence=signal.confidence,
        entry_price=exact(signal.entry_price),
        mark_price=None if mark is None else exact(mark.price),
        mark_event_id=None if mark is None else mark.event_id,
        mark_ms=None if mark is None else mark.event_time_ms,
        equity=None if sized is None else sized.equity,
        exposure_usd=None if sized is None else sized.exposure_usd,
        stake=None if sized is None else sized.stake,
        place=given.place,
        late=given.late,
        rules=rules,
    )


def _decidable(direction: Direction) -> Literal["LONG", "SHORT", "CLOSE"]:
    match direction:
        case Direction.LONG:
            return "LONG"
        case Direction.SHORT:
            return "SHORT"
        case Direction.CLOSE:
            return "CLOSE"
        case Direction.PASS:
            raise ValueError("a PASS is recorded, never decided")
