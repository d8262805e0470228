"""Closing a position: what is due at a mark, in a bar, at a deadline, and the events of the close."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from trading_core import ids
from trading_core.broker import fills
from trading_core.broker.book import Book, HeldMark
from trading_core.broker.events import Event, Fill, Order, PositionState, StrategyPaused
from trading_core.broker.executions import Cause, order_and_fill
from trading_core.broker.inputs import Bar, Mark
from trading_core.broker.rules import RuleBook
from trading_core.broker.suspicion import is_far, is_implausible
from trading_core.model import DAY_MS
from trading_core.money import exact, usd


def at_mark(position: PositionState, mark: Mark, before: float) -> Cause | None:
    """The stop or target that a mark triggers. It fills at the mark: a gap through the stop fills at the gap."""
    if mark.event_time_ms <= position.entry_ms:
        return None
    price = exact(mark.price)
    purpose: Literal["stop_loss", "take_profit"]
    if _reached(position, price, position.stop_price, is_stop=True):
        purpose = "stop_loss"
    elif _reached(position, price, position.target_price, is_stop=False):
        purpose = "take_profit"
    else:
        return None
    late = mark.visible_ms > mark.event_time_ms
    return Cause(purpose, mark.event_time_ms, price, price, mark.event_id, mark.event_time_ms, exact(before), late)


def in_bar(position: PositionState, bar: Bar, before: float, event_id: str) -> Cause | None:
    """The stop or target inside a closed candle. The stop goes first; an open beyond the level fills there."""
    candle, ts_ms = bar.candle, bar.candle.close_time_ms
    if ts_ms <= position.entry_ms:
        return None
    low, high = exact(candle.low), exact(candle.high)
    is_long = position.direction == "LONG"
    against, towards = (low, high) if is_long else (high, low)
    stop, target = position.stop_price, position.target_price
    reached = _reached(position, towards, target, is_stop=False)
    if stop is not None and _reached(position, against, stop, is_stop=True):
        opened = exact(candle.open)
        reference = min(opened, stop) if is_long else max(opened, stop)
        return Cause("stop_loss", ts_ms, reference, reference, event_id, ts_ms, exact(before), False, reached)
    if target is not None and reached:
        opened = exact(candle.open)
        reference = max(opened, target) if is_long else min(opened, target)
        return Cause("take_profit", ts_ms, reference, reference, event_id, ts_ms, exact(before), False)
    return None


def at_deadline(position: PositionState, mark: HeldMark) -> Cause | None:
    """The timeout at the first observed mark from the deadline on; inside a gap it waits for one.

    What causes it is the market event that brought that mark, so the yardstick is the mark before it.
    """
    if position.deadline_ms is None or mark.event_time_ms < position.deadline_ms:
        return None
    before = exact(mark.price if mark.before is None else mark.before)
    price = exact(mark.price)
    return Cause("timeout", mark.event_time_ms, price, price, mark.event_id, mark.event_time_ms, before, mark.late)


def by_hand(ts_ms: int, mark: HeldMark) -> Cause:
    """A close by a person or at the end of a backtest, at the mark of that moment."""
    price = exact(mark.price)
    return Cause("manual", ts_ms, price, price, mark.event_id, mark.event_time_ms, price, mark.late)


def by_signal(position: PositionState, entry_price: float, ts_ms: int, mark: HeldMark, *, late: bool) -> Cause:
    """A close by the strategy's own signal, at the worse of its price and the mark."""
    price = exact(mark.price)
    reference = fills.worse(fills.exit_side(position.direction), exact(entry_price), price)
    return Cause("signal", ts_ms, reference, price, mark.event_id, mark.event_time_ms, price, late or mark.late)


def close(
    book: Book, rule_book: RuleBook, position: PositionState, cause: Cause, signal_id: str | None
) -> tuple[Order, PositionState, Fill]:
    """The order, the closed row and the fill. `signal_id` is set when a signal closed it."""
    rules = rule_book.rules_for(position.strategy, position.exchange)
    side = fills.exit_side(position.direction)
    price = fills.fixed_price(rules, side, cause.reference, rule_book.size_decimals(position.asset))
    done = fills.execution(rules, position.quantity, price)
    if signal_id is None:
        order_id = ids.exit_order(position.position_id)
    else:
        order_id = ids.order(book.portfolio, signal_id, "close")
    order, fill = order_and_fill(position, order_id, signal_id, side, cause, done)
    return order, _closed_row(rule_book, position, cause, done), fill


def pause_due(book: Book, rule_book: RuleBook, closed: PositionState) -> list[Event]:
    """The pause until the next UTC midnight when the day's closes have lost too much. After each close."""
    strategy, ts_ms = closed.strategy, closed.ts_ms
    if strategy in book.paused_until:
        return []
    rules = rule_book.rules_for(strategy, closed.exchange)
    lost = book.day_realised.get(strategy)
    if lost is None or lost > -rules.max_daily_loss * book.day_start_equity:
        return []
    return [
        StrategyPaused(
            event_id=ids.pause(book.portfolio, strategy, "max_daily_loss", ts_ms),
            portfolio=book.portfolio,
            ts_ms=ts_ms,
            strategy=strategy,
            cause="max_daily_loss",
            until_ms=(max(ts_ms, book.day_ms) // DAY_MS + 1) * DAY_MS,
            reason=f"closed {lost} USD today, the limit is {rules.max_daily_loss} of {book.day_start_equity}",
        )
    ]


def _reached(position: PositionState, price: Decimal, level: Decimal | None, *, is_stop: bool) -> bool:
    """Touching counts. A stop lies below the price of a LONG and above that of a SHORT, a target the other way."""
    if level is None:
        return False
    falls_to = (position.direction == "LONG") == is_stop
    return price <= level if falls_to else price >= level


def _closed_row(rule_book: RuleBook, position: PositionState, cause: Cause, done: fills.Execution) -> PositionState:
    if cause.purpose == "entry":
        raise ValueError(f"{position.position_id}: an entry closes nothing")
    sign = 1 if position.direction == "LONG" else -1
    exit_notional = done.quantity * done.price
    gross_pnl = usd(sign * (exit_notional - position.entry_notional))
    fees = position.fees + done.fee
    realised_pnl = gross_pnl - fees + position.funding_pnl
    entry_distance = position.entry_notional - position.quantity * position.entry_ref
    exit_distance = done.quantity * cause.reference - exit_notional
    version = position.version + 1
    return msgspec.structs.replace(
        position,
        event_id=ids.position_state(position.position_id, version),
        ts_ms=cause.ts_ms,
        version=version,
        status="CLOSED",
        fees=fees,
        slippage_cost=usd(sign * (entry_distance + exit_distance)),
        suspect=position.suspect
        or is_far(rule_book, done.price, cause.yardstick)
        or is_implausible(rule_book, realised_pnl, position.stake),
        late=position.late or cause.late,
        exit_ms=cause.ts_ms,
        exit_ref=cause.reference,
        exit_price=done.price,
        exit_reason=cause.purpose,
        gross_pnl=gross_pnl,
        realised_pnl=realised_pnl,
    )
