"""Closing a position: what is due at a mark, in a bar, at a deadline, at a result."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from trading_core import ids
from trading_core.broker import fills, holding
from trading_core.broker.book import Book, HeldMark
from trading_core.broker.events import Event, PositionState, Purpose, StrategyPaused
from trading_core.broker.executions import Cause
from trading_core.broker.inputs import Bar, Resolution
from trading_core.broker.rules import RuleBook
from trading_core.model import DAY_MS
from trading_core.money import exact


def at_mark(position: PositionState, mark: HeldMark) -> Cause | None:
    """The stop or target that a new mark triggers. It fills there: a gap through the stop fills at the gap."""
    if mark.event_time_ms <= position.entry_ms:
        return None
    price = holding.held_price(position.exchange, position.direction, exact(mark.price))
    purpose: Literal["stop_loss", "take_profit"]
    if _reached(position, price, position.stop_price, is_stop=True):
        purpose = "stop_loss"
    elif _reached(position, price, position.target_price, is_stop=False):
        purpose = "take_profit"
    else:
        return None
    return _observed(purpose, position, mark)


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
    """The timeout at the first observed mark from the deadline on; inside a gap it waits for one."""
    if position.deadline_ms is None or mark.event_time_ms < position.deadline_ms:
        return None
    return _observed("timeout", position, mark)


def by_hand(position: PositionState, ts_ms: int, mark: HeldMark) -> Cause:
    """A close by a person or at the end of a backtest, at the mark of that moment."""
    reference, price = _reference(position, mark), exact(mark.price)
    return Cause("manual", ts_ms, reference, price, mark.event_id, mark.event_time_ms, reference, mark.late)


def by_signal(position: PositionState, entry_price: float, ts_ms: int, mark: HeldMark, *, late: bool) -> Cause:
    """A close by the strategy's own signal, at the worse of its price and the mark."""
    found = _reference(position, mark)
    said = holding.held_price(position.exchange, position.direction, exact(entry_price))
    reference = fills.worse(holding.exit_side(position.exchange, position.direction), said, found)
    is_late = late or mark.late
    return Cause("signal", ts_ms, reference, exact(mark.price), mark.event_id, mark.event_time_ms, found, is_late)


def by_result(position: PositionState, result: Resolution) -> Cause:
    """The venue's payout of the token held. It is no trade, so nothing is odd about its distance from the market."""
    payout = holding.held_price(position.exchange, position.direction, result.yes_payout)
    ts_ms = max(result.event_time_ms, position.entry_ms)  # a report that came late may name a time before the entry
    late = result.visible_ms > result.event_time_ms
    return Cause(
        "resolved", ts_ms, payout, result.yes_payout, result.event_id, result.event_time_ms, payout, late
    )  # fmt: skip


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
            reason=f"closed {lost:.2f} USD today, the limit is {rules.max_daily_loss} of {book.day_start_equity:.2f}",
        )
    ]


def _reached(position: PositionState, price: Decimal, level: Decimal | None, *, is_stop: bool) -> bool:
    """Touching counts. A stop lies below the price where a rise is a gain, else above it; a target the other way."""
    if level is None:
        return False
    falls_to = holding.gains_with_price(position.exchange, position.direction) == is_stop
    return price <= level if falls_to else price >= level


def _observed(purpose: Purpose, position: PositionState, mark: HeldMark) -> Cause:
    """Caused by the market event that brought this mark, so the yardstick is what stood before it."""
    price = exact(mark.price)
    if mark.top is None:
        yardstick = price if mark.before is None else exact(mark.before)
    else:
        side = holding.exit_side(position.exchange, position.direction)
        yardstick = holding.best_of(mark.top_before or mark.top, side, position.direction)
    reference = _reference(position, mark)
    return Cause(purpose, mark.event_time_ms, reference, price, mark.event_id, mark.event_time_ms, yardstick, mark.late)


def _reference(position: PositionState, mark: HeldMark) -> Decimal:
    """What an exit at this mark is based on: the mark of a perpetual, the best bid of the token held."""
    if mark.top is None:
        return exact(mark.price)
    side = holding.exit_side(position.exchange, position.direction)
    return holding.best_of(mark.top, side, position.direction)
