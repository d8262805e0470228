"""The events of a close: the order, the fills by either model, the closed row."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from trading_core import ids
from trading_core.broker import depth as depths
from trading_core.broker import fills, holding
from trading_core.broker.book import Book
from trading_core.broker.depth import Depth, Part
from trading_core.broker.events import Fill, Order, PositionState, Side
from trading_core.broker.executions import Cause, Execution, execution, order_and_fills
from trading_core.broker.rules import RuleBook, Rules
from trading_core.broker.suspicion import is_far, is_implausible
from trading_core.broker.terms import Terms, terms_for
from trading_core.money import usd


def close(
    book: Book, rule_book: RuleBook, position: PositionState, cause: Cause, signal_id: str | None
) -> tuple[Order, PositionState, list[Fill]]:
    """The order, the closed row and the fills. `signal_id` is set when a signal closed it."""
    side = holding.exit_side(position.exchange, position.direction)
    done, outran = _execution(book, rule_book, position, cause, side)
    if signal_id is None:
        order_id = ids.exit_order(position.position_id)
    else:
        order_id = ids.order(book.portfolio, signal_id, "close")
    order, filled = order_and_fills(position, order_id, signal_id, side, cause, done)
    return order, _closed_row(rule_book, position, cause, done, outran=outran), filled


def _execution(
    book: Book, rule_book: RuleBook, position: PositionState, cause: Cause, side: Side
) -> tuple[Execution, bool]:
    """What was done, and whether it outran the recorded depth."""
    if cause.purpose == "resolved":  # a payout: the venue takes neither slippage nor a fee
        return execution([Part(cause.reference, position.quantity)], None), False
    rules = rule_book.rules_for(position.strategy, position.exchange)
    market = book.market_terms(position.exchange, position.instrument)
    terms = terms_for(rule_book, rules, position.exchange, position.asset, market)
    depth = None
    if rules.fill_model == "book":
        depth = book.fresh_depth(position.exchange, position.instrument, cause.ts_ms, rules.fill_book_age_s)
    if depth is None:
        price = fills.fixed_price(rules, terms, side, cause.reference)
        return execution([Part(price, position.quantity)], terms), False
    parts, outran = _walk(depth, rules, terms, position, cause, side)
    return execution(parts, terms), outran


def _walk(
    depth: Depth, rules: Rules, terms: Terms, position: PositionState, cause: Cause, side: Side
) -> tuple[list[Part], bool]:
    """The levels of the book; what they do not cover fills at the last level's price made worse."""
    inverse = holding.is_inverse(position.exchange, position.direction)
    parts = depths.by_quantity(depth, side, position.quantity, terms.size_decimals, inverse=inverse)
    rest = position.quantity - depths.total(parts)[0]
    if not rest:
        return parts, False
    last = depths.last_price(depth, side, inverse=inverse)
    price = fills.fixed_price(rules, terms, side, cause.reference if last is None else last)
    return [*parts, Part(price, rest)], True


def _closed_row(
    rule_book: RuleBook, position: PositionState, cause: Cause, done: Execution, *, outran: bool
) -> PositionState:
    if cause.purpose == "entry":
        raise ValueError(f"{position.position_id}: an entry closes nothing")
    sign = holding.sign(position)
    gross_pnl = usd(sign * (done.notional - position.entry_notional))
    fees = position.fees + done.fee
    realised_pnl = gross_pnl - fees + position.funding_pnl
    version = position.version + 1
    return msgspec.structs.replace(
        position,
        event_id=ids.position_state(position.position_id, version),
        ts_ms=cause.ts_ms,
        version=version,
        status="CLOSED",
        fees=fees,
        slippage_cost=usd(sign * _slipped(position, cause.reference, done)),
        suspect=position.suspect or outran or _is_odd(rule_book, position, cause, done, realised_pnl),
        late=position.late or cause.late,
        exit_ms=cause.ts_ms,
        exit_ref=cause.reference,
        exit_price=done.price,
        exit_reason=cause.purpose,
        gross_pnl=gross_pnl,
        realised_pnl=realised_pnl,
    )


def _slipped(position: PositionState, exit_reference: Decimal, done: Execution) -> Decimal:
    """By how much both sides together missed their references; above 0 is worse for what gains when it rises."""
    entry_distance = position.entry_notional - position.quantity * position.entry_ref
    return entry_distance + done.quantity * exit_reference - done.notional


def _is_odd(rule_book: RuleBook, position: PositionState, cause: Cause, done: Execution, realised_pnl: Decimal) -> bool:
    """Whether it looks like bad data. A payout is 0 or 1 by nature, far from any price and from the stake."""
    if cause.purpose == "resolved":
        return False
    far = any(is_far(rule_book, part.price, cause.yardstick) for part in done.parts)
    return far or is_implausible(rule_book, realised_pnl, position.stake)
