"""Rows of the venue as messages of the bus, with their deterministic ids. Pure."""

from __future__ import annotations

from collector_hl.parse import BboRow, BookRow, CandleRow, Context, FundingRow, TradeRow
from trading_core import ids
from trading_core.collect.gaps import Channel
from trading_core.messages import BboMessage, BookMessage, CandleMessage, CtxMessage, FundingMessage, TradeMessage
from trading_core.model import HOUR_MS, MINUTE_MS, Exchange

EXCHANGE = Exchange.HYPERLIQUID.value
CANDLES: Channel = "candle_1m"


def trade(row: TradeRow, visible_ms: int, received_ms: int) -> TradeMessage:
    number = str(row.tid)
    return TradeMessage(
        id=ids.trade(EXCHANGE, row.coin, row.time, number),
        exchange=EXCHANGE,
        asset=row.coin,
        event_time_ms=row.time,
        visible_ms=visible_ms,
        received_time_ms=received_ms,
        price=row.px,
        size=row.sz,
        side="buy" if row.side == "B" else "sell",
        trade_id=number,
    )


def bbo(row: BboRow, visible_ms: int, received_ms: int) -> BboMessage:
    bid, ask = row.bbo
    return BboMessage(
        id=ids.bbo(EXCHANGE, row.coin, row.time, [[side.px, side.sz] if side else None for side in row.bbo]),
        exchange=EXCHANGE,
        asset=row.coin,
        event_time_ms=row.time,
        visible_ms=visible_ms,
        received_time_ms=received_ms,
        bid_price=bid.px if bid else None,
        bid_size=bid.sz if bid else None,
        ask_price=ask.px if ask else None,
        ask_size=ask.sz if ask else None,
    )


def book(row: BookRow, changed_ms: int, visible_ms: int, received_ms: int) -> BookMessage:
    """`changed_ms`: when these levels were first seen; the venue sends an unchanged book again."""
    bids, asks = [tuple((level.px, level.sz) for level in side) for side in row.levels]
    return BookMessage(
        id=ids.book(EXCHANGE, row.coin, row.time, [bids, asks]),
        exchange=EXCHANGE,
        asset=row.coin,
        event_time_ms=row.time,
        visible_ms=visible_ms,
        received_time_ms=received_ms,
        book_time_ms=changed_ms,
        bids=bids,
        asks=asks,
    )


def ctx(
    asset: str, context: Context, event_ms: int, visible_ms: int, received_ms: int, poll_slot_ms: int | None = None
) -> CtxMessage:
    """`poll_slot_ms`: start of the poll's slot in venue time, which names a polled context."""
    content = [context.mark_px, context.oracle_px, context.mid_px, context.open_interest, context.funding]
    named_ms, polled = (event_ms, False) if poll_slot_ms is None else (poll_slot_ms, True)
    return CtxMessage(
        id=ids.ctx(EXCHANGE, asset, named_ms, ["polled", *content] if polled else content),
        exchange=EXCHANGE,
        asset=asset,
        event_time_ms=event_ms,
        visible_ms=visible_ms,
        received_time_ms=received_ms,
        mark_price=context.mark_px,
        oracle_price=context.oracle_px,
        mid_price=context.mid_px,
        open_interest=context.open_interest,
        funding_estimate_1h=context.funding,
        polled=polled,
    )


def candle(row: CandleRow, visible_ms: int, received_ms: int, *, backfilled: bool) -> CandleMessage:
    return CandleMessage(
        id=ids.candle(EXCHANGE, row.s, "1m", row.t, list(row.ohlcv)),
        exchange=EXCHANGE,
        asset=row.s,
        event_time_ms=row.t + MINUTE_MS,
        visible_ms=visible_ms,
        received_time_ms=received_ms,
        open_time_ms=row.t,
        open=row.o,
        high=row.h,
        low=row.l,
        close=row.c,
        volume=row.v,
        trade_count=row.n,
        backfilled=backfilled,
    )


def funding(row: FundingRow, visible_ms: int, received_ms: int) -> FundingMessage:
    hour_ms = row.time // HOUR_MS * HOUR_MS
    return FundingMessage(
        id=ids.funding(EXCHANGE, row.coin, hour_ms),
        exchange=EXCHANGE,
        asset=row.coin,
        event_time_ms=row.time,
        visible_ms=visible_ms,
        received_time_ms=received_ms,
        hour_ms=hour_ms,
        rate=row.rate,
        premium=row.premium,
    )
