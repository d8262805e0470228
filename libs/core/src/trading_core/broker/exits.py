"""Closing a position: what is due at a mark, in a bar, at a deadline, and the events of the close."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import msgspec

from trading_core import ids
from trading_core.broker import fills
from trading_core.broker.book import Book, HeldMark
from trading_core.broker.entries import is_far
from trading_core.broker.events import Event, ExitReason, Fill, Order, PositionState, StrategyPaused
from trading_core.broker.inputs import Bar, Mark
from trading_core.broker.rules import RuleBook
from trading_core.model import DAY_MS
from trading_core.money import exact, usd


class Exit(NamedTuple):
    """Why, when and at what reference price a position closes. `yardstick`: the mark before the cause."""

    reason: ExitReason
    ts_ms: int
    reference: Decimal
    mark_price: Decimal
    mark_event_id: str
    mark_ms: int
    yardstick: Decimal
    late: bool
    both_levels: bool = False


def at_mark(position: PositionState, mark: Mark, before: float) -> Exit | None:
    """The stop or target that a mark triggers. It fills at the mark: a gap through the stop fills at the gap."""
    if mark.event_time_ms <= position.entry_ms:
        return None
    price = exact(mark.price)
    reason: ExitReason
    if _reached(position, price, position.stop_price, is_stop=True):
        reason = "stop_loss"
    elif _reached(position, price, position.target_price, is_stop=False):
        reason = "take_profit"
    else:
        return None
    late = mark.visible_ms > mark.event_time_ms
    return Exit(
        reason, mark.event_time_ms, price, price, mark.event_id, mark.event_time_ms, exact(before), late
    )  # fmt: skip


def in_bar(position: PositionState, bar: Bar, before: float, event_id: str) -> Exit | None:
    """The stop or target inside a closed candle. The stop goes first; an open beyond the level fills there."""
    candle, ts_ms = bar.candle, bar.candle.close_time_ms
    if ts_ms <= position.entry_ms:
        return None
    low, high, opened = exact(candle.low), exact(candle.high), exact(candle.open)
    is_long = position.direction == "LONG"
    against, towards = (low, high) if is_long else (high, low)
    stopped = _reached(position, against, position.stop_price, is_stop=True)
    reached = _reached(position, towards, position.target_price, is_stop=False)
    if stopped and position.stop_price is not None:
        reference = min(opened, position.stop_price) if is_long else max(opened, position.stop_price)
        return Exit("stop_loss", ts_ms, reference, reference, event_id, ts_ms, exact(before), False, reached)
    if reached and position.target_price is not None:
        reference = max(opened, position.target_price) if is_long else min(opened, position.target_price)
        return Exit("take_profit", ts_ms, reference, reference, event_id, ts_ms, exact(before), False)
    return None


def at_deadline(position: PositionState, mark: HeldMark) -> Exit | None:
    """The timeout at the first observed mark from the deadline on; inside a gap it waits for one."""
    if position.deadline_ms is None or mark.event_time_ms < position.deadline_ms:
        return None
    before = mark.price if mark.before is None else mark.before
    price = exact(mark.price)
    return Exit(
        "timeout", mark.event_time_ms, price, price, mark.event_id, mark.event_time_ms, exact(before), mark.late
    )


def at_held_mark(reason: ExitReason, ts_ms: int, mark: HeldMark) -> Exit:
    """A close by a person or at the end of a backtest, at the mark of that moment."""
    price = exact(mark.price)
    return Exit(reason, ts_ms, price, price, mark.event_id, mark.event_time_ms, price, mark.late)


def by_signal(position: PositionState, entry_price: float, ts_ms: int, mark: HeldMark, *, late: bool) -> Exit:
    """A close by the strategy's own signal, at the worse of its price and the mark."""
    price = exact(mark.price)
    reference = fills.worse(fills.exit_side(position.direction), exact(entry_price), price)
    return Exit(
        "signal", ts_ms, reference, price, mark.event_id, mark.event_time_ms, price, late or mark.late
    )  # fmt: skip


def close(book: Book, rule_book: RuleBook, position: PositionState, why: Exit, signal_id: str | None) -> list[Event]:
    """The order, the closed row and the fill. `signal_id` is set when a signal closed it."""
    rules = rule_book.rules_for(position.strategy, position.exchange)
    side = fills.exit_side(position.direction)
    price = fills.fixed_price(side, why.reference, rules.slippage, rule_book.size_decimals(position.asset))
    done = fills.execution(rules, position.quantity, price)
    order_id = (
        ids.exit_order(position.position_id) if signal_id is None else ids.order(book.portfolio, signal_id, "close")
    )
    closed = _closed_row(rule_book, position, why, done)
    order = Order(
        event_id=order_id,
        portfolio=book.portfolio,
        ts_ms=why.ts_ms,
        position_id=position.position_id,
        signal_id=signal_id,
        strategy=position.strategy,
        asset=position.asset,
        exchange=position.exchange,
        instrument=position.instrument,
        side=side,
        purpose=why.reason,
        quantity=position.quantity,
        reference_price=why.reference,
    )
    fill = Fill(
        event_id=ids.fill(order_id, 1),
        portfolio=book.portfolio,
        ts_ms=why.ts_ms,
        order_id=order_id,
        position_id=position.position_id,
        strategy=position.strategy,
        asset=position.asset,
        exchange=position.exchange,
        instrument=position.instrument,
        side=side,
        purpose=why.reason,
        quantity=done.quantity,
        price=done.price,
        reference_price=why.reference,
        fee=done.fee,
        mark_price=why.mark_price,
        mark_event_id=why.mark_event_id,
        mark_ms=why.mark_ms,
        late=why.late,
        both_levels=why.both_levels,
    )
    return [order, closed, fill]


def pause_due(book: Book, rule_book: RuleBook, closed: PositionState) -> list[Event]:
    """The pause until the next UTC midnight when the day's closes have lost too much. After each close."""
    strategy, ts_ms = closed.strategy, closed.ts_ms
    if strategy in book.paused_until:
        return []
    rules = rule_book.rules_for(strategy, closed.exchange)
    lost = book.day_realised.get(strategy)
    if lost is None or lost > -rules.max_daily_loss * book.day_start_equity:
        return []
    until_ms = (max(ts_ms, book.day_ms) // DAY_MS + 1) * DAY_MS
    return [
        StrategyPaused(
            event_id=ids.pause(book.portfolio, strategy, ts_ms),
            portfolio=book.portfolio,
            ts_ms=ts_ms,
            strategy=strategy,
            cause="max_daily_loss",
            until_ms=until_ms,
            reason=f"closed {lost} USD today, the limit is {rules.max_daily_loss} of {book.day_start_equity}",
        )
    ]


def _reached(position: PositionState, price: Decimal, level: Decimal | None, *, is_stop: bool) -> bool:
    """Touching counts. A stop lies below the price of a LONG and above that of a SHORT, a target the other way."""
    if level is None:
        return False
    falls_to = (position.direction == "LONG") == is_stop
    return price <= level if falls_to else price >= level


def _closed_row(rule_book: RuleBook, position: PositionState, why: Exit, done: fills.Execution) -> PositionState:
    sign = 1 if position.direction == "LONG" else -1
    exit_notional = done.quantity * done.price
    gross_pnl = usd(sign * (exit_notional - position.entry_notional))
    fees = position.fees + done.fee
    realised_pnl = gross_pnl - fees + position.funding_pnl
    entry_distance = position.entry_notional - position.quantity * position.entry_ref
    exit_distance = done.quantity * why.reference - exit_notional
    version = position.version + 1
    return msgspec.structs.replace(
        position,
        event_id=ids.position_state(position.position_id, version),
        ts_ms=why.ts_ms,
        version=version,
        status="CLOSED",
        fees=fees,
        slippage_cost=usd(sign * (entry_distance + exit_distance)),
        suspect=position.suspect
        or is_far(rule_book, done.price, why.yardstick)
        or is_implausible(rule_book, realised_pnl, position.stake),
        late=position.late or why.late,
        exit_ms=why.ts_ms,
        exit_ref=why.reference,
        exit_price=done.price,
        exit_reason=why.reason,
        gross_pnl=gross_pnl,
        realised_pnl=realised_pnl,
    )


def is_implausible(rule_book: RuleBook, realised_pnl: Decimal, stake: Decimal) -> bool:
    """Whether a position won or lost more of its stake than an honest trade does."""
    return abs(realised_pnl) > rule_book.suspect_pnl * stake
