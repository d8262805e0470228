"""Venue bytes in, checked rows out, or VenueMessageInvalid. Pure.

Prices and sizes stay the strings the venue printed. Unknown fields are ignored: the venue adds some over time.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal, TypeVar

import msgspec

from trading_core.collect.numbers import TradeNumbers, number, price, size
from trading_core.errors import VenueMessageInvalid
from trading_core.model import MINUTE_MS

GREETING = b"Websocket connection established."
LEVELS_MAX = 20
TIME_MAX_MS = 4_102_444_800_000
"""2100-01-01: a later time is none."""
_SHOWN = 120
_TRADES = b'{"channel":"trades",'
"""How the venue begins a frame of trades: the most frequent one, and the only one that is read in one go."""
_TRADES_HEAD = len(_TRADES)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""The last: nested too deeply."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One thing the venue said."""


class TradeRow(Row, frozen=True, kw_only=True, gc=False):
    coin: str
    side: Literal["B", "A"]
    """The aggressor: B bought, A sold."""
    px: str
    sz: str
    time: int
    tid: int


class CandleRow(Row, frozen=True, kw_only=True):
    """A bucket as far as it has come; nothing says that it is closed."""

    t: int
    last_ms: int = msgspec.field(name="T")
    s: str
    i: str
    o: str
    h: str
    l: str  # noqa: E741 - the venue's name
    c: str
    v: str
    n: int | None = None

    @property
    def close_ms(self) -> int:
        return self.t + MINUTE_MS

    @property
    def ohlcv(self) -> tuple[str, str, str, str, str]:
        return self.o, self.h, self.l, self.c, self.v


class Level(msgspec.Struct, frozen=True, kw_only=True):
    px: str
    sz: str


class BboRow(Row, frozen=True, kw_only=True):
    coin: str
    time: int
    bbo: tuple[Level | None, Level | None]


class BookRow(Row, frozen=True, kw_only=True):
    """A full snapshot: bids and asks, best first."""

    coin: str
    time: int
    levels: tuple[list[Level], list[Level]]


class Context(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    mark_px: str
    oracle_px: str | None = None
    mid_px: str | None = None
    open_interest: str | None = None
    funding: str | None = None


class CtxRow(Row, frozen=True, kw_only=True):
    coin: str
    ctx: Context


class FundingRow(Row, frozen=True, kw_only=True):
    coin: str
    rate: str = msgspec.field(name="fundingRate")
    premium: str | None = None
    time: int


class ClockRow(Row, frozen=True, kw_only=True):
    """The simulator's clock frame."""

    time: int
    speed: float = 1.0


class AckRow(Row, frozen=True, kw_only=True):
    """A subscription that the venue has accepted."""

    type: str
    coin: str = ""


class ErrorRow(Row, frozen=True, kw_only=True):
    text: str


class _Frame(msgspec.Struct, frozen=True):
    channel: str
    data: msgspec.Raw = msgspec.Raw(b"null")


class _TimelyTrade(TradeRow, frozen=True, kw_only=True, gc=False):
    """One whose time is checked while it is read."""

    time: Annotated[int, msgspec.Meta(gt=0, lt=TIME_MAX_MS)]


class _Trades(msgspec.Struct, frozen=True, gc=False):
    data: list[_TimelyTrade]


class _Ack(msgspec.Struct, frozen=True):
    method: str
    subscription: AckRow


class _Asset(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    is_delisted: bool | None = None


class _Meta(msgspec.Struct, frozen=True):
    universe: list[_Asset]


class _Status(msgspec.Struct, frozen=True):
    time: int


T = TypeVar("T")
_frame = msgspec.json.Decoder(_Frame)
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_trade = msgspec.json.Decoder(TradeRow)
_trades = msgspec.json.Decoder(_Trades)
_numbers = TradeNumbers()
_prices, _sizes = _numbers.prices, _numbers.sizes
_candle = msgspec.json.Decoder(CandleRow)
_bbo = msgspec.json.Decoder(BboRow)
_book = msgspec.json.Decoder(BookRow)
_ctx = msgspec.json.Decoder(CtxRow)
_context = msgspec.json.Decoder(Context)
_funding = msgspec.json.Decoder(FundingRow)
_clock = msgspec.json.Decoder(ClockRow)
_ack = msgspec.json.Decoder(_Ack)
_text = msgspec.json.Decoder(str)
_meta = msgspec.json.Decoder(_Meta)
_status = msgspec.json.Decoder(_Status)
_meta_and_contexts = msgspec.json.Decoder(tuple[_Meta, list[msgspec.Raw]])


class Reject(msgspec.Struct, frozen=True):
    """A part of a frame that cannot be used, and why."""

    reason: str
    payload: str


def frame(data: bytes) -> tuple[str, Sequence[Row], Sequence[Reject]]:
    """Channel, rows and rejects of one WebSocket frame. A bad trade does not take its neighbours with it.

    VenueMessageInvalid when nothing of the frame can be used.
    """
    # Nearly every frame is this one, and all its trades are good: no call that can be spared.
    if data[:_TRADES_HEAD] == _TRADES:
        try:
            good = _trades.decode(data).data
        except _UNREADABLE:
            good = []
        for each in good:
            if not (each.px in _prices and each.sz in _sizes) and not _numbers.learn(each.px, each.sz):
                break
        else:
            if good:
                return "trades", good, ()
    if data == GREETING:
        return "greeting", [], []
    outer = _decode(_frame, data)
    match outer.channel:
        case "trades":
            return outer.channel, *_each_trade(_decode(_raws, outer.data))
        case "candle":
            return outer.channel, [candle(outer.data)], []
        case "bbo":
            return outer.channel, [_checked_bbo(_decode(_bbo, outer.data))], []
        case "l2Book":
            return outer.channel, [_checked_book(_decode(_book, outer.data))], []
        case "activeAssetCtx":
            row = _decode(_ctx, outer.data)
            _check_context(row.ctx)
            return outer.channel, [row], []
        case "clock":
            clock = _decode(_clock, outer.data)
            _check_time("time", clock.time)
            return outer.channel, [clock], []
        case "subscriptionResponse":
            return outer.channel, [_decode(_ack, outer.data).subscription], []
        case "error":
            return outer.channel, [ErrorRow(text=_decode(_text, outer.data))], []
        case "pong":
            return outer.channel, [], []
        case other:
            raise VenueMessageInvalid(f"unknown channel {other[:_SHOWN]!r}")


def trade(data: bytes | msgspec.Raw) -> TradeRow:
    row = _decode(_trade, data)
    _check_time("time", row.time)
    price("px", row.px)
    size("sz", row.sz)
    return row


def candle(data: bytes | msgspec.Raw) -> CandleRow:
    row = _decode(_candle, data)
    _check_time("t", row.t)
    low, high = price("l", row.l), price("h", row.h)
    open_, close = price("o", row.o), price("c", row.c)
    size("v", row.v)
    if row.i != "1m" or row.t % MINUTE_MS or row.last_ms != row.t + MINUTE_MS - 1:
        raise VenueMessageInvalid(f"not a 1m bucket: i={row.i[:_SHOWN]} t={row.t} T={row.last_ms}")
    if not low <= min(open_, close) <= max(open_, close) <= high:
        raise VenueMessageInvalid(f"candle breaks low <= open, close <= high: {row.ohlcv}")
    return row


def candles(data: bytes) -> tuple[list[CandleRow], list[Reject]]:
    """Rows of a `candleSnapshot` answer."""
    rows: list[CandleRow] = []
    rejects: list[Reject] = []
    for raw in _decode(_raws, data):
        try:
            rows.append(candle(raw))
        except VenueMessageInvalid as error:
            rejects.append(Reject(str(error), _shown(raw)))
    return rows, rejects


def funding(data: bytes) -> tuple[list[FundingRow], list[Reject]]:
    """Rows of a `fundingHistory` answer."""
    rows: list[FundingRow] = []
    rejects: list[Reject] = []
    for raw in _decode(_raws, data):
        try:
            row = _decode(_funding, raw)
            _check_time("time", row.time)
            number("fundingRate", row.rate)
            if row.premium is not None:
                number("premium", row.premium)
            rows.append(row)
        except VenueMessageInvalid as error:
            rejects.append(Reject(str(error), _shown(raw)))
    return rows, rejects


def listed(data: bytes) -> set[str]:
    """Names of the assets of a `meta` answer that are not delisted."""
    return {asset.name for asset in _decode(_meta, data).universe if not asset.is_delisted}


def venue_time_ms(data: bytes) -> int:
    """Venue time of an `exchangeStatus` answer."""
    status = _decode(_status, data)
    _check_time("time", status.time)
    return status.time


def contexts(data: bytes, assets: set[str]) -> tuple[dict[str, Context], list[Reject]]:
    """Contexts of `assets` in a `metaAndAssetCtxs` answer, by asset."""
    meta, raws = _decode(_meta_and_contexts, data)
    if len(meta.universe) != len(raws):
        raise VenueMessageInvalid(f"{len(meta.universe)} assets, {len(raws)} contexts")
    found: dict[str, Context] = {}
    rejects: list[Reject] = []
    for asset, raw in zip(meta.universe, raws, strict=True):
        if asset.name in assets:
            try:
                context = _decode(_context, raw)
                _check_context(context)
                found[asset.name] = context
            except VenueMessageInvalid as error:
                rejects.append(Reject(f"{asset.name}: {error}", _shown(raw)))
    return found, rejects


def _each_trade(raws: list[msgspec.Raw]) -> tuple[list[Row], list[Reject]]:
    rows: list[Row] = []
    rejects: list[Reject] = []
    for raw in raws:
        try:
            rows.append(trade(raw))
        except VenueMessageInvalid as error:
            rejects.append(Reject(str(error), _shown(raw)))
    return rows, rejects


def _checked_bbo(row: BboRow) -> BboRow:
    _check_time("time", row.time)
    prices = []
    for level in row.bbo:
        if level is not None:
            prices.append(price("px", level.px))
            size("sz", level.sz)
    if len(prices) == 2 and prices[0] >= prices[1]:
        raise VenueMessageInvalid(f"crossed book: bid {prices[0]} >= ask {prices[1]}")
    return row


def _checked_book(row: BookRow) -> BookRow:
    """Sides in order and not crossed; either may be empty."""
    _check_time("time", row.time)
    for side in row.levels:
        if len(side) > LEVELS_MAX:
            raise VenueMessageInvalid(f"{len(side)} levels on one side, at most {LEVELS_MAX} are taken")
        for level in side:
            size("sz", level.sz)
    bids, asks = [[price("px", level.px) for level in side] for side in row.levels]
    upwards = [*reversed(bids), *asks]
    if any(low >= high for low, high in pairwise(upwards)):
        raise VenueMessageInvalid(f"book is crossed or not best first: bids {bids}, asks {asks}")
    return row


def _check_time(name: str, time_ms: int) -> None:
    if not 0 < time_ms < TIME_MAX_MS:
        raise VenueMessageInvalid(f"{name} is no time: {time_ms}")


def _check_context(context: Context) -> None:
    price("markPx", context.mark_px)
    for name, text in (("oraclePx", context.oracle_px), ("midPx", context.mid_px)):
        if text is not None:
            price(name, text)
    if context.open_interest is not None:
        size("openInterest", context.open_interest)
    if context.funding is not None:
        number("funding", context.funding)


def _decode(decoder: msgspec.json.Decoder[T], data: bytes | msgspec.Raw) -> T:
    try:
        return decoder.decode(data)
    except _UNREADABLE as error:
        raise VenueMessageInvalid(str(error), _shown(data)) from error


def _shown(raw: bytes | msgspec.Raw) -> str:
    return bytes(raw).decode("utf-8", "replace")
