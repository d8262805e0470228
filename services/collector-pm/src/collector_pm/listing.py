"""Markets as Gamma describes them: bytes in, checked terms out, or VenueMessageInvalid naming the field. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

import msgspec

from collector_pm.parse import TIME_MS_MAX, Reject, decode
from trading_core.errors import VenueMessageInvalid

YES = frozenset({"Up", "Yes"})
NO = frozenset({"Down", "No"})
CONDITION_ID = re.compile(r"0x[0-9a-fA-F]{1,64}")


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """One binary market; prices and quotes are those of its Up or Yes token, None where the venue says nothing."""

    market: str
    slug: str
    title: str
    start_ms: int | None
    end_ms: int
    yes_token: str
    no_token: str
    closed: bool
    yes_payout: str | None
    """What the venue has decided; None before."""
    bid: str | None
    ask: str | None
    last: str | None
    volume_24h: str | None
    liquidity: str | None
    tick_size: str | None
    min_size: str | None
    fee_rate: str | None
    fee_exponent: str | None


class _Fees(msgspec.Struct, frozen=True):
    rate: float | None = None
    exponent: float | None = None


class _Market(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    condition_id: str
    slug: str
    question: str = ""
    end_date: str
    event_start_time: str | None = None
    # Arrays, or strings that hold one.
    outcomes: str | list[str] | None = None
    outcome_prices: str | list[str] | None = None
    clob_token_ids: str | list[str] | None = None
    closed: bool = False
    uma_resolution_status: str | None = None
    automatically_resolved: bool | None = None
    best_bid: float | None = None
    best_ask: float | None = None
    last_trade_price: float | None = None
    volume24hr: float | None = None
    liquidity_num: float | None = None
    order_price_min_tick_size: float | None = None
    order_min_size: float | None = None
    fees_enabled: bool | None = None
    fee_schedule: _Fees | None = None


class _Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    slug: str = ""
    series_slug: str | None = None
    markets: list[msgspec.Raw] | None = None


class _Events(msgspec.Struct, frozen=True, kw_only=True):
    events: list[_Event]
    next_cursor: str | None = None


_raws = msgspec.json.Decoder(list[msgspec.Raw])
_market = msgspec.json.Decoder(_Market)
_events = msgspec.json.Decoder(list[_Event])
_page = msgspec.json.Decoder(_Events)
_strings = msgspec.json.Decoder(list[str])


def listings(data: bytes) -> tuple[list[Listing], list[Reject]]:
    """Markets of a `/markets` answer."""
    return _each(decode(_raws, data))


def of_events(data: bytes) -> tuple[list[Listing], list[Reject]]:
    """Markets of all events of an `/events` answer."""
    return _each([raw for event in decode(_events, data) for raw in event.markets or []])


def of_page(data: bytes, is_wanted: frozenset[str]) -> tuple[list[Listing], list[Reject], str | None]:
    """Markets of those events of an `/events/keyset` page whose series is wanted, and where the next page begins."""
    page = decode(_page, data)
    raws = [raw for event in page.events if event.series_slug in is_wanted for raw in event.markets or []]
    return *_each(raws), page.next_cursor


def listing(data: bytes | msgspec.Raw) -> Listing:
    row = decode(_market, data)
    outcomes, tokens = _list("outcomes", row.outcomes), _list("clobTokenIds", row.clob_token_ids)
    if not CONDITION_ID.fullmatch(row.condition_id):
        raise VenueMessageInvalid(f"conditionId must be 0x and hex digits, got {row.condition_id[:80]!r}")
    if len(outcomes) != 2 or len(tokens) != 2:
        counts = f"{len(outcomes)} and {len(tokens)}"
        raise VenueMessageInvalid(f"outcomes and clobTokenIds must hold two each, got {counts}")
    if not all(token.isdigit() for token in tokens):
        raise VenueMessageInvalid("clobTokenIds must hold ids of digits")
    yes = next((place for place, name in enumerate(outcomes) if name in YES), None)
    if yes is None or outcomes[1 - yes] not in NO:
        raise VenueMessageInvalid(f"outcomes must be Up and Down or Yes and No, got {outcomes}")
    fees = row.fee_schedule if row.fees_enabled is not False else None
    return Listing(
        market=row.condition_id,
        slug=row.slug,
        title=row.question,
        start_ms=None if row.event_start_time is None else _time("eventStartTime", row.event_start_time),
        end_ms=_time("endDate", row.end_date),
        yes_token=tokens[yes],
        no_token=tokens[1 - yes],
        closed=row.closed,
        yes_payout=_payout(row, yes),
        bid=_quote("bestBid", row.best_bid),
        ask=_quote("bestAsk", row.best_ask),
        last=_quote("lastTradePrice", row.last_trade_price),
        volume_24h=_amount("volume24hr", row.volume24hr),
        liquidity=_amount("liquidityNum", row.liquidity_num),
        tick_size=_quote("orderPriceMinTickSize", row.order_price_min_tick_size),
        min_size=_amount("orderMinSize", row.order_min_size),
        fee_rate=_amount("feeSchedule.rate", fees.rate) if fees else None,
        fee_exponent=_amount("feeSchedule.exponent", fees.exponent) if fees else None,
    )


def _payout(row: _Market, yes: int) -> str | None:
    """The prices of a market that is closed and decided; a status of its own says so where there is one."""
    if not row.closed or row.uma_resolution_status not in (None, "resolved"):
        return None
    prices = _list("outcomePrices", row.outcome_prices) if row.outcome_prices is not None else []
    if len(prices) != 2:
        return None
    try:
        first, second = (Decimal(price) for price in prices)
    except ArithmeticError:
        raise VenueMessageInvalid(f"outcomePrices must hold numbers, got {prices}") from None
    # A result shares out the whole of one; 0 and 0 of old markets, or the last quotes, are none.
    is_result = first + second == 1 and first in (0, 1, Decimal("0.5"))
    return format(first if yes == 0 else second, "f") if is_result else None


def _each(raws: list[msgspec.Raw]) -> tuple[list[Listing], list[Reject]]:
    found: list[Listing] = []
    rejects: list[Reject] = []
    for raw in raws:
        try:
            found.append(listing(raw))
        except VenueMessageInvalid as error:
            rejects.append(Reject(str(error), bytes(raw).decode("utf-8", "replace")))
    return found, rejects


def _list(name: str, value: str | list[str] | None) -> list[str]:
    if value is None:
        raise VenueMessageInvalid(f"{name} is missing")
    if isinstance(value, list):
        return value
    try:
        return _strings.decode(value)
    except msgspec.DecodeError as error:
        raise VenueMessageInvalid(f"{name} must hold a list of texts: {error}") from error


def _time(name: str, text: str) -> int:
    try:
        time_ms = int(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise VenueMessageInvalid(f"{name} is no time: {text[:40]!r}") from error
    if not 0 < time_ms < TIME_MS_MAX:
        raise VenueMessageInvalid(f"{name} is no time that can be meant: {text[:40]!r}")
    return time_ms


def _quote(name: str, value: float | None) -> str | None:
    if value is None:
        return None
    if not 0 <= value <= 1:
        raise VenueMessageInvalid(f"{name} must be within 0 and 1, got {value}")
    return _plain(value)


def _amount(name: str, value: float | None) -> str | None:
    if value is None:
        return None
    if not 0 <= value < 1e15:
        raise VenueMessageInvalid(f"{name} must be >= 0, got {value}")
    return _plain(value)


def _plain(value: float) -> str:
    return format(Decimal(repr(float(value))).normalize(), "f")
