"""The value of the portfolio: at the start of a day, and as one row per full minute."""

from __future__ import annotations

from trading_core import ids
from trading_core.broker import pauses, valuation
from trading_core.broker.book import Book
from trading_core.broker.events import DayStarted, EquityMark, Event
from trading_core.model import DAY_MS
from trading_core.money import NOTHING_USD


def start_day(book: Book, ts_ms: int) -> list[Event]:
    """The new day's basis and the end of the pauses of the day before. Nothing when the day has begun already."""
    day_ms = ts_ms - ts_ms % DAY_MS
    if day_ms <= book.day_ms:
        return []
    started = DayStarted(
        event_id=ids.day(book.portfolio, day_ms),
        portfolio=book.portfolio,
        ts_ms=ts_ms,
        day_ms=day_ms,
        equity=book.equity(),
    )
    return [started, *pauses.of_the_day_over(book, ts_ms)]


def mark_to_market(book: Book, ts_ms: int) -> EquityMark:
    """One row: totals, and the P&L shared out by strategy and by asset (the capital belongs to nobody)."""
    strategies, assets = book.realised_by_strategy, book.realised_by_asset
    unrealised = open_costs = NOTHING_USD
    if book.positions:
        strategies, assets = dict(strategies), dict(assets)
        for position in book.positions.values():
            gain = valuation.unrealised(position, book.held_mark(position).price)
            costs = valuation.open_costs(position)
            unrealised += gain
            open_costs += costs
            strategies[position.strategy] = strategies.get(position.strategy, NOTHING_USD) + gain + costs
            assets[position.asset] = assets.get(position.asset, NOTHING_USD) + gain + costs
    return EquityMark(
        event_id=ids.equity(book.portfolio, ts_ms),
        portfolio=book.portfolio,
        ts_ms=ts_ms,
        total_equity=book.initial_capital + book.realised + unrealised + open_costs,
        unrealised=unrealised,
        realised=book.realised,
        open_costs=open_costs,
        open_positions=len(book.positions),
        strategies=strategies,
        assets=assets,
    )
