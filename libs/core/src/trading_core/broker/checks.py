"""May this signal be acted on? Each check gives None or the reason of the refusal, in the rule book's order."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

import msgspec

from trading_core.broker import depth as depths
from trading_core.broker import fills, holding
from trading_core.broker.book import Book, HeldMark, LastClose, strategy_asset_key
from trading_core.broker.depth import Part
from trading_core.broker.events import Reason
from trading_core.broker.inputs import SignalInput
from trading_core.broker.rules import Rules
from trading_core.broker.terms import Terms
from trading_core.money import EXACT, MICRO, ZERO, exact, usd


class Sizing(msgspec.Struct, frozen=True, gc=False):
    """What the exposure check compared, and what came of it. `reason` is None when the entry may go ahead.

    `parts` is what the entry then fills: one with `fixed` fills, else one for each level of the book that it takes.
    """

    reason: Reason | None
    equity: Decimal
    exposure_usd: Decimal
    stake: Decimal
    reference: Decimal
    parts: list[Part]
    terms: Terms


def judge(rules: Rules, given: SignalInput, mark: HeldMark | None) -> Reason | None:
    """Step a: is the signal good? CLOSE is judged by its age and the mark only."""
    now = given.place.visible_ms
    if now - given.signal.ts > rules.max_signal_age_s * 1000:
        return "stale"
    if mark is None or now - mark.event_time_ms > rules.max_mark_age_s * 1000:
        return "no_price"
    if given.signal.direction != "CLOSE" and given.signal.confidence < rules.min_confidence:
        return "low_confidence"
    return None


def may_open(book: Book, rules: Rules, given: SignalInput, *, has_closed: bool) -> Reason | None:
    """Step c up to the number of positions. `has_closed`: this very signal closed the opposite position."""
    signal, now = given.signal, given.place.visible_ms
    if signal.strategy in book.paused_by_person or book.paused_until.get(signal.strategy, now) > now:
        return "paused"
    last = book.last_closes.get(strategy_asset_key(signal.strategy, signal.asset))
    if last is not None and not has_closed and _cools_down(rules, last, now):
        return "cooldown"
    if book.of_strategy(signal.strategy, signal.exchange, signal.held) is not None:
        return "already_open"  # An opposite one is still here only when opposite signals are ignored.
    if book.count_of(signal.strategy) >= rules.max_positions:
        return "max_positions"
    return None


def size(book: Book, rules: Rules, given: SignalInput, mark: HeldMark, terms: Terms) -> Sizing:
    """The rest of step c: the stake, whether the portfolio can carry it, and what it buys."""
    equity, exposure = book.equity_and_exposure()
    limit = rules.max_exposure * equity
    reference = _reference(given, mark)
    if rules.sizing == "fixed":
        parts = _parts(book, rules, given, reference, terms, None)
        stake = usd(depths.total(parts)[1])
    else:
        stake = _stake(rules, equity, limit - exposure)
        parts = _parts(book, rules, given, reference, terms, stake)
    reason: Reason | None = None
    if (rules.sizing == "stop_risk" and stake <= 0) or exposure + stake > limit:
        reason = "max_exposure"
    elif _too_small(rules, terms, parts):
        reason = "too_small"
    return Sizing(reason, equity, exposure, stake, reference, parts, terms)


def _reference(given: SignalInput, mark: HeldMark) -> Decimal:
    """The worse of the signal's price and the mark; for a token of its price and the best ask, both of that token."""
    signal = given.signal
    side = holding.entry_side(signal.exchange, signal.direction)
    said = holding.held_price(signal.exchange, signal.direction, exact(signal.entry_price))
    found = exact(mark.price) if mark.top is None else holding.best_of(mark.top, side, signal.direction)
    return fills.worse(side, said, found)


def _parts(
    book: Book, rules: Rules, given: SignalInput, reference: Decimal, terms: Terms, stake: Decimal | None
) -> list[Part]:
    """What `stake` buys, or without one the quantity of every trade: nothing, one part, or one for each level."""
    signal = given.signal
    side = holding.entry_side(signal.exchange, signal.direction)
    depth = None
    if rules.fill_model == "book":
        depth = book.fresh_depth(signal.exchange, signal.held, given.place.visible_ms, rules.fill_book_age_s)
    if depth is not None:
        inverse = holding.is_inverse(signal.exchange, signal.direction)
        if stake is None:
            return depths.by_quantity(depth, side, _every_quantity(rules, terms), terms.size_decimals, inverse=inverse)
        return depths.by_stake(depth, side, stake, terms.size_decimals, inverse=inverse)
    price = fills.fixed_price(rules, terms, side, reference)
    if stake is None:
        quantity = _every_quantity(rules, terms) if price > 0 else ZERO
    else:
        quantity = fills.affordable(stake, price, terms.size_decimals)
    return [Part(price, quantity)] if quantity > 0 else []


def _every_quantity(rules: Rules, terms: Terms) -> Decimal:
    assert rules.fixed_quantity, "fixed sizing without a quantity is refused when the rules are built"
    return fills.on_size_step(rules.fixed_quantity, terms.size_decimals)


def _cools_down(rules: Rules, last: LastClose, now: int) -> bool:
    if now - last.closed_ms >= rules.cooldown_s * 1000:
        return False
    match rules.cooldown_after:
        case "loss":
            return last.realised_pnl < 0
        case "timeout":
            return last.timed_out
        case "any":
            return True


def _stake(rules: Rules, equity: Decimal, exposure_left: Decimal) -> Decimal:
    if rules.sizing == "fraction":
        return usd(rules.stake_fraction * equity)
    assert rules.stop_loss, "stop_risk sizing without a stop is refused when the rules are built"
    at_risk = usd(rules.risk_fraction * equity / rules.stop_loss)
    return min(at_risk, exposure_left.quantize(MICRO, ROUND_FLOOR, EXACT))


def _too_small(rules: Rules, terms: Terms, parts: list[Part]) -> bool:
    if not parts:
        return True
    quantity, notional = depths.total(parts)
    if rules.min_notional is not None and notional < rules.min_notional:
        return True
    return terms.min_size is not None and quantity < terms.min_size
