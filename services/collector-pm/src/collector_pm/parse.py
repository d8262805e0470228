"""Venue bytes in, checked rows out, or VenueMessageInvalid naming the field. Pure.

Prices become plain decimals ("0.48", never ".48" or "0.480"), since a level is told apart by its price. Unknown fields
and events are ignored: the venue adds some over time.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, TypeVar

import msgspec

from trading_core.collect import numbers
from trading_core.errors import VenueMessageInvalid

SHOWN = 120
TIME_MS_MAX = 10**14


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One thing the venue said."""


class Level(msgspec.Struct, frozen=True):
    price: str
    size: str


class BookRow(Row, frozen=True, kw_only=True):
    """A whole book of one token, in whatever order the venue listed its levels."""

    market: str
    asset_id: str
    timestamp: int
    bids: list[Level]
    asks: list[Level]
    tick_size: str | None = None
    last_trade_price: str | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """`size` is the new total at `price`, 0 removes it; the best prices are those after the whole message."""

    asset_id: str
    price: str
    size: str
    side: Literal["BUY", "SELL"]
    best_bid: str | None = None
    best_ask: str | None = None


class ChangesRow(Row, frozen=True, kw_only=True):
    market: str
    timestamp: int
    price_changes: list[Change]


class TickRow(Row, frozen=True, kw_only=True):
    asset_id: str
    new_tick_size: str
    timestamp: int


class LastTradeRow(Row, frozen=True, kw_only=True):
    asset_id: str
    price: str
    timestamp: int


class TopRow(Row, frozen=True, kw_only=True):
    asset_id: str
    best_bid: str
    best_ask: str
    timestamp: int


class ResultRow(Row, frozen=True, kw_only=True):
    market: str
    winning_asset_id: str
    timestamp: int


class ClockRow(Row, frozen=True, kw_only=True):
    """The simulator's clock frame."""

    timestamp: int


class _Kind(msgspec.Struct, frozen=True):
    event_type: str


class _Market(msgspec.Struct, frozen=True, kw_only=True):
    """A result by the CLOB's `/markets/{condition_id}`."""

    class Token(msgspec.Struct, frozen=True, kw_only=True):
        token_id: str
        outcome: str
        winner: bool | None = None

    condition_id: str
    closed: bool
    tokens: list[Token]


class Reject(msgspec.Struct, frozen=True):
    """A part of a frame that cannot be used, and why."""

    reason: str
    payload: str


T = TypeVar("T")
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_kind = msgspec.json.Decoder(_Kind)
# Times come as strings of digits.
_book = msgspec.json.Decoder(BookRow, strict=False)
_changes = msgspec.json.Decoder(ChangesRow, strict=False)
_tick = msgspec.json.Decoder(TickRow, strict=False)
_last_trade = msgspec.json.Decoder(LastTradeRow, strict=False)
_top = msgspec.json.Decoder(TopRow, strict=False)
_result = msgspec.json.Decoder(ResultRow, strict=False)
_clock = msgspec.json.Decoder(ClockRow, strict=False)
_market = msgspec.json.Decoder(_Market)


def frame(data: bytes) -> tuple[list[Row], list[Reject]]:
    """Rows and rejects of one frame, an event or an array of events; a bad one does not take the others with it.

    VenueMessageInvalid when it is neither.
    """
    if data == b"PONG":
        return [], []
    raws = decode(_raws, data) if data[:1] == b"[" else [msgspec.Raw(data)]
    rows: list[Row] = []
    rejects: list[Reject] = []
    for raw in raws:
        try:
            row = event(raw)
        except VenueMessageInvalid as error:
            rejects.append(Reject(str(error), bytes(raw).decode("utf-8", "replace")))
            continue
        if row is not None:
            rows.append(row)
    return rows, rejects


def event(raw: bytes | msgspec.Raw) -> Row | None:
    """None for an event that is nothing to us. `event_type` may stand anywhere in it."""
    match decode(_kind, raw).event_type:
        case "price_change":
            return _checked_changes(decode(_changes, raw))
        case "book":
            return book(raw)
        case "clock":
            return decode(_clock, raw)
        case "tick_size_change":
            tick = decode(_tick, raw)
            return msgspec.structs.replace(tick, new_tick_size=_price("new_tick_size", tick.new_tick_size))
        case "last_trade_price":
            trade = decode(_last_trade, raw)
            _time(trade.timestamp)
            return msgspec.structs.replace(trade, price=_price("price", trade.price))
        case "best_bid_ask":
            top = decode(_top, raw)
            _time(top.timestamp)
            return msgspec.structs.replace(
                top, best_bid=_edge("best_bid", top.best_bid), best_ask=_edge("best_ask", top.best_ask)
            )
        case "market_resolved":
            result = decode(_result, raw)
            _time(result.timestamp)
            return result
        case _:
            return None


def book(raw: bytes | msgspec.Raw) -> BookRow:
    """A book of the socket or of REST."""
    row = decode(_book, raw)
    _time(row.timestamp)
    sides = {
        name: [Level(_price(f"{name}[].price", one.price), _size(f"{name}[].size", one.size)) for one in side]
        for name, side in (("bids", row.bids), ("asks", row.asks))
    }
    tick = None if row.tick_size is None else _price("tick_size", row.tick_size)
    last = _optional_price("last_trade_price", row.last_trade_price)
    return msgspec.structs.replace(row, **sides, tick_size=tick, last_trade_price=last)


def books(data: bytes) -> tuple[list[BookRow], list[Reject]]:
    """Rows of a `POST /books` answer; unknown tokens are not in it."""
    rows: list[BookRow] = []
    rejects: list[Reject] = []
    for raw in decode(_raws, data):
        try:
            rows.append(book(raw))
        except VenueMessageInvalid as error:
            rejects.append(Reject(str(error), bytes(raw).decode("utf-8", "replace")))
    return rows, rejects


def winner(data: bytes) -> tuple[str, str | None]:
    """Condition id and winning token of a CLOB market; None while it has none."""
    market = decode(_market, data)
    won = [token.token_id for token in market.tokens if token.winner]
    return market.condition_id, won[0] if market.closed and len(won) == 1 else None


def decode(decoder: msgspec.json.Decoder[T], data: bytes | msgspec.Raw) -> T:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise VenueMessageInvalid(str(error)) from error


def _checked_changes(row: ChangesRow) -> ChangesRow:
    _time(row.timestamp)
    changes = [
        Change(
            asset_id=one.asset_id,
            price=_price("price_changes[].price", one.price),
            size=_size("price_changes[].size", one.size),
            side=one.side,
            best_bid=None if one.best_bid is None else _edge("price_changes[].best_bid", one.best_bid),
            best_ask=None if one.best_ask is None else _edge("price_changes[].best_ask", one.best_ask),
        )
        for one in row.price_changes
    ]
    return ChangesRow(market=row.market, timestamp=row.timestamp, price_changes=changes)


def _checked(check: Callable[[str, str], float]) -> Callable[[str, str], str]:
    @lru_cache(maxsize=8_192)
    def checked(name: str, text: str) -> str:
        whole = "0" + text if text.startswith(".") else text
        check(name, whole)
        return format(Decimal(whole).normalize(), "f")

    return checked


def _inside(name: str, text: str) -> float:
    value = numbers.number(name, text)
    if not 0 < value < 1:
        raise VenueMessageInvalid(f"{name} must be a probability between 0 and 1, got {text}")
    return value


def _at_most_one(name: str, text: str) -> float:
    value = numbers.number(name, text)
    if not 0 <= value <= 1:
        raise VenueMessageInvalid(f"{name} must be within 0 and 1, got {text}")
    return value


_price = _checked(_inside)
_edge = _checked(_at_most_one)
_size = _checked(numbers.size)


def _optional_price(name: str, text: str | None) -> str | None:
    """None for a token that has never traded, of which some answers say 0 or nothing."""
    return None if text is None or text in ("", "0") else _edge(name, text)


def _time(time_ms: Any) -> None:
    if not 0 < time_ms < TIME_MS_MAX:
        raise VenueMessageInvalid(f"timestamp {time_ms} is no time in milliseconds")
