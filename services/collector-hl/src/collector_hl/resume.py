"""Where the last start of the collector stopped, read from the stream itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from collector_hl.asset_feed import Known
from collector_hl.holes import CHANNELS
from collector_hl.outgoing import CANDLES, EXCHANGE
from trading_core.bus.connection import Bus
from trading_core.collect.gaps import Channel
from trading_core.collect.position import last_watermark_ms, read_back
from trading_core.collect.stamp import full_minute
from trading_core.messages import (
    AnyMessage,
    BboMessage,
    BookMessage,
    CandleMessage,
    CtxMessage,
    FundingMessage,
    GapMessage,
    TradeMessage,
    decode,
)
from trading_core.streams import BOOK, MARKET, book_subject, market_kind

_OURS: dict[str, Channel] = {channel: channel for channel in CHANNELS.values()}


@dataclass
class Resume:
    """Empty (`watermark_ms` None) on a first start."""

    watermark_ms: int | None = None
    closed_ms: dict[str, int] = field(default_factory=dict)
    """Asset → close time up to which every candle is in the stream or was declared missing."""
    known: dict[str, Known] = field(default_factory=dict)
    gaps: dict[str, int] = field(default_factory=dict)
    """Asset → `from_ms` of a candle gap that is still open."""
    holes: dict[str, dict[Channel, int]] = field(default_factory=dict)
    """Asset → channel without history → where its hole, still open, begins."""
    after_gap: dict[str, list[int]] = field(default_factory=dict)
    """Asset → close times of candles that came after the gap was opened."""
    funding_hour_ms: dict[str, int] = field(default_factory=dict)


async def read(bus: Bus, assets: Sequence[str]) -> Resume:
    """What the stream says. Without a watermark in it nothing was decided: a first start."""
    resume = Resume(watermark_ms=await last_watermark_ms(bus, EXCHANGE))
    if resume.watermark_ms is None:
        return resume
    opened = still_open(await _gaps(bus, assets))
    for asset in assets:
        candle = await _last(bus, asset, CANDLES)
        resume.known[asset] = await _known(bus, asset)
        funding = await _last(bus, asset, "funding")
        if isinstance(funding, FundingMessage):
            resume.funding_hour_ms[asset] = funding.hour_ms
        resume.holes[asset] = {
            channel: gap.from_ms for (of, channel), (gap, _) in opened.items() if of == asset and channel != CANDLES
        }
        if (asset, CANDLES) in opened:
            gap, ingest_time_ns = opened[asset, CANDLES]
            resume.gaps[asset] = gap.from_ms
            resume.closed_ms[asset] = gap.from_ms - 1
            resume.after_gap[asset] = await _candles_since(bus, asset, ingest_time_ns)
        elif isinstance(candle, CandleMessage):
            # Below the watermark nothing is missing: a candle or a closed gap stands for every minute.
            resume.closed_ms[asset] = max(candle.event_time_ms, full_minute(resume.watermark_ms))
        else:
            resume.closed_ms[asset] = full_minute(resume.watermark_ms)
    return resume


def still_open(gaps: Iterable[tuple[GapMessage, int]]) -> dict[tuple[str, Channel], tuple[GapMessage, int]]:
    """(asset, channel) → gap that no later message closes, with its ingest time; oldest message first. Pure."""
    opened: dict[tuple[str, Channel], tuple[GapMessage, int]] = {}
    for gap, ingest_time_ns in gaps:
        channel = _OURS.get(gap.channel)
        if channel is None:
            continue
        key = gap.asset, channel
        if gap.state == "open":
            opened[key] = gap, ingest_time_ns
        elif key in opened and opened[key][0].from_ms == gap.from_ms:
            del opened[key]
    return opened


async def _known(bus: Bus, asset: str) -> Known:
    known = Known()
    trade, bbo, ctx = [await _last(bus, asset, kind) for kind in ("trade", "bbo", "ctx")]
    if isinstance(trade, TradeMessage):
        known.trade_ms, known.trade_id = trade.event_time_ms, trade.id
    if isinstance(bbo, BboMessage):
        known.bbo_ms, known.bbo_id = bbo.event_time_ms, bbo.id
    if isinstance(ctx, CtxMessage):
        known.ctx_ms = ctx.event_time_ms
    delivered = await bus.last(BOOK, book_subject(EXCHANGE, asset))
    book = decode(delivered.data) if delivered is not None else None
    if isinstance(book, BookMessage):
        known.book_ms = book.event_time_ms
    return known


async def _gaps(bus: Bus, assets: Sequence[str]) -> list[tuple[GapMessage, int]]:
    found: list[tuple[GapMessage, int]] = []
    for delivered in await read_back(bus, MARKET, [market_kind(EXCHANGE, asset, "gap") for asset in assets]):
        message = decode(delivered.data)
        if isinstance(message, GapMessage):
            found.append((message, delivered.ingest_time_ns))
    return found


async def _candles_since(bus: Bus, asset: str, ingest_time_ns: int) -> list[int]:
    found = await read_back(bus, MARKET, [market_kind(EXCHANGE, asset, CANDLES)], ingest_time_ns)
    messages = [decode(delivered.data) for delivered in found]
    return [message.event_time_ms for message in messages if isinstance(message, CandleMessage)]


async def _last(bus: Bus, asset: str, kind: str) -> AnyMessage | None:
    delivered = await bus.last(MARKET, market_kind(EXCHANGE, asset, kind))
    return decode(delivered.data) if delivered is not None else None
