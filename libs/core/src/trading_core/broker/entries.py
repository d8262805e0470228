"""Opening a position: the order, the row with its levels, the fill."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from trading_core import ids
from trading_core.broker import fills
from trading_core.broker.book import Book, HeldMark
from trading_core.broker.checks import Sizing
from trading_core.broker.events import Fill, Order, PositionState
from trading_core.broker.executions import Cause, order_and_fill
from trading_core.broker.inputs import SignalInput
from trading_core.broker.rules import RuleBook, Rules
from trading_core.broker.suspicion import is_far
from trading_core.model import MINUTE_MS
from trading_core.money import NOTHING_USD, exact, usd


def open_position(
    book: Book, rule_book: RuleBook, rules: Rules, given: SignalInput, mark: HeldMark, sized: Sizing
) -> tuple[Order, PositionState, Fill]:
    """The events of an entry whose checks have passed. Levels and deadline are fixed here, once."""
    signal, now = given.signal, given.place.visible_ms
    position_id = ids.position(book.portfolio, given.event_id)
    done = fills.execution(rules, sized.quantity, sized.price)
    mark_price = exact(mark.price)
    late = given.late or mark.late
    size_decimals = rule_book.size_decimals(signal.asset)
    is_long = signal.direction == "LONG"
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
        "LONG" if is_long else "SHORT",
        "OPEN",
        given.event_id,
        signal.confidence,
        done.quantity,
        sized.stake,
        now,
        sized.reference,
        done.price,
        done.quantity * done.price,
        _level(rules, size_decimals, done.price, rules.stop_loss, up=not is_long),
        _level(rules, size_decimals, done.price, rules.take_profit, up=is_long),
        None if rules.timeout_m is None else now + rules.timeout_m * MINUTE_MS,
        done.fee,
        NOTHING_USD,
        usd(done.quantity * abs(done.price - sized.reference)),
        is_far(rule_book, done.price, mark_price),
        late,
    )
    cause = Cause(
        "entry", now, sized.reference, mark_price, mark.event_id, mark.event_time_ms, yardstick=mark_price, late=late
    )
    order_id = ids.order(book.portfolio, given.event_id, "open")
    side = fills.entry_side(position.direction)
    order, fill = order_and_fill(position, order_id, given.event_id, side, cause, done)
    return order, position, fill


def _level(rules: Rules, size_decimals: int, entry: Decimal, fraction: Decimal | None, *, up: bool) -> Decimal | None:
    """The price at which a limit triggers: an exact decimal, or the tick nearest to it. None switches it off."""
    if fraction is None:
        return None
    level = entry * (1 + fraction) if up else entry * (1 - fraction)
    return level if rules.levels == "exact" else fills.on_tick(rules, level, size_decimals, ROUND_HALF_EVEN)
