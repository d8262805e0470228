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
        ids.decision(book.portfolio, given.event_id),
        book.portfolio,
        given.place.visible_ms,
        signal.ts,
        given.event_id,
        signal.strategy,
        signal.asset,
        signal.exchange,
        signal.held,
        direction,
        verdict,
        reason,
        opened_id is not None or closed_id is not None,
        opened_id,
        closed_id,
        signal.confidence,
        exact(signal.entry_price),
        None if mark is None else exact(mark.price),
        None if mark is None else mark.event_id,
        None if mark is None else mark.event_time_ms,
        None if sized is None else sized.equity,
        None if sized is None else sized.exposure_usd,
        None if sized is None else sized.stake,
        given.place,
        given.late,
        rules,
    )


def _decidable(direction: Direction) -> Literal["LONG", "SHORT", "CLOSE"]:
    match direction:
        case "LONG":
            return "LONG"
        case "SHORT":
            return "SHORT"
        case "CLOSE":
            return "CLOSE"
        case _:
            raise ValueError("a PASS is recorded, never decided")
