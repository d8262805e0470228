"""Pauses by a person. A day's loss pauses by itself, see `exits.pause_due`; neither ends the other."""

from __future__ import annotations

from trading_core import ids
from trading_core.broker.book import Book
from trading_core.broker.events import Event, StrategyPaused, StrategyResumed
from trading_core.broker.inputs import PauseByPerson


def by_person(book: Book, given: PauseByPerson) -> list[Event]:
    """A person's pause or its end; nothing when it is so already."""
    strategy, ts_ms = given.strategy, given.ts_ms
    if given.paused == (strategy in book.paused_by_person):
        return []
    if not given.paused:
        return [resumed(book, strategy, "person", ts_ms)]
    return [
        StrategyPaused(
            event_id=ids.pause(book.portfolio, strategy, "person", ts_ms),
            portfolio=book.portfolio,
            ts_ms=ts_ms,
            strategy=strategy,
            cause="person",
            until_ms=None,
            reason=given.reason,
        )
    ]


def of_the_day_over(book: Book, ts_ms: int) -> list[Event]:
    """The ends of the pauses that last until `ts_ms` at most."""
    return [
        resumed(book, strategy, "max_daily_loss", ts_ms)
        for strategy, until_ms in sorted(book.paused_until.items())
        if until_ms <= ts_ms
    ]


def resumed(book: Book, strategy: str, cause: str, ts_ms: int) -> StrategyResumed:
    by_day = cause == "max_daily_loss"
    return StrategyResumed(
        event_id=ids.resume(book.portfolio, strategy, cause, ts_ms),
        portfolio=book.portfolio,
        ts_ms=ts_ms,
        strategy=strategy,
        cause="max_daily_loss" if by_day else "person",
        still_paused=strategy in (book.paused_by_person if by_day else book.paused_until),
    )
