"""May this signal be acted on? Each check gives None or the reason of the refusal, in the rule book's order."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

import msgspec

from trading_core.broker import fills
from trading_core.broker.book import Book, HeldMark, LastClose, strategy_asset_key
from trading_core.broker.events import Reason
from trading_core.broker.inputs import SignalInput
from trading_core.broker.rules import Rules
from trading_core.money import EXACT, MICRO, ZERO, exact, usd


class Sizing(msgspec.Struct, frozen=True, gc=False):
    """What the exposure check compared, and what came of it. `reason` is None when the entry may go ahead."""

    reason: Reason | None
    equity: Decimal
    exposure_usd: Decimal
    stake: Decimal
    reference: Decimal
    price: Decimal
    quantity: Decimal


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


def size(book: Book, rules: Rules, given: SignalInput, mark: HeldMark, size_decimals: int) -> Sizing:
    """The rest of step c: the stake, whether the portfolio can carry it, and what it buys."""
    equity, exposure = book.equity_and_exposure()
    limit = rules.max_exposure * equity
    side = fills.entry_side(given.signal.direction)
    reference = fills.worse(side, exact(given.signal.entry_price), exact(mark.price))
    price = fills.fixed_price(rules, side, reference, size_decimals)
    if rules.sizing == "fixed":
        quantity = _fixed_quantity(rules, price, size_decimals)
        stake = usd(quantity * price)
    else:
        stake = _stake(rules, equity, limit - exposure)
        quantity = fills.affordable(stake, price, size_decimals)
    reason: Reason | None = None
    if (rules.sizing == "stop_risk" and stake <= 0) or exposure + stake > limit:
        reason = "max_exposure"
    elif _too_small(rules, quantity, price):
        reason = "too_small"
    return Sizing(reason, equity, exposure, stake, reference, price, quantity)


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


def _fixed_quantity(rules: Rules, price: Decimal, size_decimals: int) -> Decimal:
    """The quantity of every trade; 0 where slippage has left no price to trade at."""
    assert rules.fixed_quantity, "fixed sizing without a quantity is refused when the rules are built"
    return fills.on_size_step(rules.fixed_quantity, size_decimals) if price > 0 else ZERO


def _too_small(rules: Rules, quantity: Decimal, price: Decimal) -> bool:
    if quantity <= 0:
        return True
    if rules.min_notional is not None and quantity * price < rules.min_notional:
        return True
    return rules.min_size is not None and quantity < rules.min_size
