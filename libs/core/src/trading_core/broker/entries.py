"""Opening a position: the order, the row with its levels, the fills."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from trading_core import ids
from trading_core.broker import fills, holding
from trading_core.broker.book import Book, HeldMark
from trading_core.broker.checks import Sizing
from trading_core.broker.events import Fill, Order, PositionState
from trading_core.broker.executions import Cause, execution, order_and_fills
from trading_core.broker.inputs import SignalInput
from trading_core.broker.rules import RuleBook, Rules
from trading_core.broker.suspicion import is_far
from trading_core.broker.terms import Terms
from trading_core.model import MINUTE_MS
from trading_core.money import NOTHING_USD, exact, usd


def open_position(
    book: Book, rule_book: RuleBook, rules: Rules, given: SignalInput, mark: HeldMark, sized: Sizing
) -> tuple[Order, PositionState, list[Fill]]:
    """The events of an entry whose checks have passed. Levels and deadline are fixed here, once."""
    signal, now = given.signal, given.place.visible_ms
    position_id = ids.position(book.portfolio, given.event_id)
    done = execution(sized.parts, sized.terms)
    mark_price = exact(mark.price)
    late = given.late or mark.late
    side = holding.entry_side(signal.exchange, signal.direction)
    yardstick = mark_price if mark.top is None else holding.best_of(mark.top, side, signal.direction)
    gains_with_price = holding.gains_with_price(signal.exchange, signal.direction)
    distance = done.notional - done.quantity * sized.reference
    position = PositionState(
        ids.position_state(position_id, 1),
        book.portfolio,
        now,
        position_id,
        1,
        signal.strategy,
        signal.asset,
        signal.exchange,
        signal.held,
        "LONG" if signal.direction == "LONG" else "SHORT",
        "OPEN",
        given.event_id,
        signal.confidence,
        done.quantity,
        sized.stake,
        now,
        sized.reference,
        done.price,
        done.notional,
        _level(rules, sized.terms, done.price, rules.stop_loss, up=not gains_with_price),
        _level(rules, sized.terms, done.price, rules.take_profit, up=gains_with_price),
        None if rules.timeout_m is None else now + rules.timeout_m * MINUTE_MS,
        done.fee,
        NOTHING_USD,
        usd(distance if side == "BUY" else -distance),
        any(is_far(rule_book, part.price, yardstick) for part in done.parts),
        late,
    )
    cause = Cause("entry", now, sized.reference, mark_price, mark.event_id, mark.event_time_ms, yardstick, late)
    order_id = ids.order(book.portfolio, given.event_id, "open")
    order, filled = order_and_fills(position, order_id, given.event_id, side, cause, done)
    return order, position, filled


def _level(rules: Rules, terms: Terms, entry: Decimal, fraction: Decimal | None, *, up: bool) -> Decimal | None:
    """The price at which a limit triggers: an exact decimal, or the tick nearest to it. None switches it off."""
    if fraction is None:
        return None
    level = entry * (1 + fraction) if up else entry * (1 - fraction)
    return level if rules.levels == "exact" else fills.on_tick(terms, level, ROUND_HALF_EVEN)
