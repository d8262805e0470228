"""The one place where a book changes."""

from __future__ import annotations

from decimal import Decimal
from typing import assert_never

import msgspec

from trading_core import ids
from trading_core.broker import depth as depths
from trading_core.broker import holding
from trading_core.broker.book import Book, HeldMark, KnownRate, LastClose, instrument_key, strategy_asset_key
from trading_core.broker.depth import Depth
from trading_core.broker.events import (
    CommandApplied,
    DayStarted,
    Decision,
    EquityMark,
    Event,
    Fill,
    FundingOwed,
    FundingPayment,
    Order,
    PositionState,
    StrategyPaused,
    StrategyResumed,
)
from trading_core.broker.inputs import FundingRate
from trading_core.broker.terms import MarketTerms
from trading_core.model import DAY_MS, HOUR_MS
from trading_core.money import NOTHING_USD

# A rate that arrives later than the market data stream keeps its messages cannot arrive through it.
OWED_KEPT_MS = 7 * DAY_MS
# A known rate is needed until its hour has been applied; two days cover any order of arrival.
RATES_KEPT_MS = 48 * HOUR_MS


def evolve(book: Book, event: Event) -> None:
    """Make `book` what it is after `event`. To be called inside `money.exactly()`."""
    match event:
        case PositionState():
            _store_position(book, event)
        case Fill():
            if event.book_event_id is not None:
                _take_from_depth(book, event)
        case Decision() | Order() | EquityMark():
            pass  # Records of what was done; the position's row carries what it did to the book.
        case FundingOwed():
            book.owed[event.event_id] = event
            _forget_old_debts(book, event.hour_ms - OWED_KEPT_MS)
        case FundingPayment():
            _settle_debt(book, event.position_id, event.hour_ms)
        case StrategyPaused():
            if event.until_ms is None:
                book.paused_by_person[event.strategy] = event.reason
            else:
                book.paused_until[event.strategy] = event.until_ms
        case StrategyResumed():
            pauses = book.paused_by_person if event.cause == "person" else book.paused_until
            pauses.pop(event.strategy, None)
        case CommandApplied():
            _change_limits(book, event)
        case DayStarted():
            book.day_ms = event.day_ms
            book.day_start_equity = event.equity
            book.day_realised = {}
        case _:
            assert_never(event)


def _change_limits(book: Book, command: CommandApplied) -> None:
    if command.verb != "limits":
        return
    for strategy in command.strategies:
        if command.limits:
            book.limits[strategy] = {**book.limits.get(strategy, {}), **command.limits}
        else:
            book.limits.pop(strategy, None)
    book.limited = None


def hold_mark(book: Book, key: str, mark: HeldMark) -> None:
    """Replace the mark of one instrument."""
    book.marks[key] = mark


def hold_depth(book: Book, key: str, depth: Depth) -> None:
    """Replace the order book of one instrument."""
    book.depths[key] = depth


def hold_terms(book: Book, key: str, terms: MarketTerms) -> None:
    """Replace the terms of one prediction market."""
    book.terms[key] = terms


def forget_prices(book: Book, key: str) -> None:
    """Drop mark and order book of an instrument of which nothing is held any more."""
    book.marks.pop(key, None)
    book.depths.pop(key, None)


def forget_ended(book: Book, ts_ms: int) -> None:
    """Drop what is known of markets that ended before `ts_ms`, but for those in which something is held."""
    ended = [
        key for key, terms in book.terms.items() if terms.end_time_ms < ts_ms and key not in book.by_instrument
    ]  # fmt: skip
    for key in ended:
        del book.terms[key]
        forget_prices(book, key)


def remember_rate(book: Book, row: FundingRate) -> None:
    """Keep the rate until its hour has been applied; of two rows of one hour the later stamp wins."""
    rates = book.funding_rates.setdefault(instrument_key(row.exchange, row.asset), {})
    known = rates.get(row.hour_ms)
    if known is None or row.event_time_ms > known.event_time_ms:
        rates[row.hour_ms] = KnownRate(row.rate, row.event_id, row.event_time_ms)
    newest = max(rates)
    if min(rates) < newest - RATES_KEPT_MS:
        for hour in [hour for hour in rates if hour < newest - RATES_KEPT_MS]:
            del rates[hour]


def _take_from_depth(book: Book, fill: Fill) -> None:
    """What a fill took is gone until the book of that instrument changes. Its position is still open."""
    position = book.positions[fill.position_id]
    key = instrument_key(fill.exchange, fill.instrument)
    inverse = holding.is_inverse(position.exchange, position.direction)
    hold_depth(book, key, depths.take(book.depths[key], fill.side, fill.price, fill.quantity, inverse=inverse))


def _store_position(book: Book, position: PositionState) -> None:
    opened = book.positions.get(position.position_id)
    if position.status == "OPEN":
        if opened is None:
            key = instrument_key(position.exchange, position.instrument)
            book.by_instrument.setdefault(key, []).append(position.position_id)
        book.positions[position.position_id] = position
        return
    if position.realised_pnl is None or position.exit_ms is None:
        raise ValueError(f"{position.position_id} is closed without an exit time or a realised P&L")
    last_key = strategy_asset_key(position.strategy, position.asset)
    if opened is not None:
        _remove_open(book, opened)
        if _owes(book, position):
            book.closed_owing[position.position_id] = position
        _add_realised(book, position, position.realised_pnl)
        # A mark of yesterday that came late closes yesterday's position: today's limit is not touched.
        if position.exit_ms >= book.day_ms:
            _add_to_day(book, position.strategy, position.realised_pnl)
        book.last_closes[last_key] = LastClose(
            position.position_id, position.exit_ms, position.realised_pnl, position.exit_reason == "timeout"
        )
        return
    corrected = book.closed_owing[position.position_id]
    assert corrected.realised_pnl is not None, position.position_id
    change = position.realised_pnl - corrected.realised_pnl
    _add_realised(book, position, change)
    _add_to_day(book, position.strategy, change)
    last = book.last_closes.get(last_key)
    if last is not None and last.position_id == position.position_id:
        book.last_closes[last_key] = msgspec.structs.replace(last, realised_pnl=position.realised_pnl)
    if _owes(book, position):
        book.closed_owing[position.position_id] = position
    else:
        del book.closed_owing[position.position_id]


def _owes(book: Book, position: PositionState) -> bool:
    """Whether a rate is still missing for an hour that the position was held. Debts are in order of their hours."""
    if not book.owed:
        return False
    oldest, newest = next(iter(book.owed.values())), next(reversed(book.owed.values()))
    first_ms = max(oldest.hour_ms, position.entry_ms - position.entry_ms % HOUR_MS + HOUR_MS)
    hours = range(first_ms, newest.hour_ms + 1, HOUR_MS)
    return any(ids.funding_owed(position.position_id, hour_ms) in book.owed for hour_ms in hours)


def _remove_open(book: Book, position: PositionState) -> None:
    key = instrument_key(position.exchange, position.instrument)
    del book.positions[position.position_id]
    open_ids = book.by_instrument[key]
    open_ids.remove(position.position_id)
    if not open_ids:
        del book.by_instrument[key]


def _add_realised(book: Book, position: PositionState, amount: Decimal) -> None:
    book.realised += amount
    book.realised_by_strategy = _with(book.realised_by_strategy, position.strategy, amount)
    book.realised_by_asset = _with(book.realised_by_asset, position.asset, amount)


def _with(totals: dict[str, Decimal], name: str, amount: Decimal) -> dict[str, Decimal]:
    return {**totals, name: totals.get(name, NOTHING_USD) + amount}


def _add_to_day(book: Book, strategy: str, amount: Decimal) -> None:
    book.day_realised[strategy] = book.day_realised.get(strategy, NOTHING_USD) + amount


def _settle_debt(book: Book, position_id: str, hour_ms: int) -> None:
    book.owed.pop(ids.funding_owed(position_id, hour_ms), None)


def _forget_old_debts(book: Book, before_ms: int) -> None:
    """Debts are in order of their hours, so only the front of the list can be too old."""
    while book.owed:
        key, owed = next(iter(book.owed.items()))
        if owed.hour_ms >= before_ms:
            return
        del book.owed[key]
        if all(other.position_id != owed.position_id for other in book.owed.values()):
            book.closed_owing.pop(owed.position_id, None)
