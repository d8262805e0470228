"""History straight from the MARKET stream: what it still holds, as candles or message by message."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import numpy as np

from trading_core import messages
from trading_core.backtest.feed import EXCHANGE
from trading_core.backtest.history import FundingRow, History, candle_columns, funding_rows
from trading_core.backtest.postgres import Span
from trading_core.backtest.sources import JETSTREAM
from trading_core.backtest.ticks import LiveMinutes
from trading_core.bus.connection import REACH_S, Bus, reach, where
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.errors import ConfigError, MessageInvalid
from trading_core.market.series import Candles
from trading_core.messages import AnyMessage, CandleMessage, FundingMessage, MarketData, WatermarkMessage
from trading_core.model import MINUTE_MS
from trading_core.sequence.timeline import Timeline
from trading_core.streams import MARKET, market_kind, watermark_subject

_BATCH = 2_000
_DECIDED_UPON = ("ctx", "candle_1m", "funding", "gap")


@contextlib.asynccontextmanager
async def stream(url: str) -> AsyncIterator[Bus]:
    """A bus whose MARKET stream answers. ConfigError, saying what to do, when there is none."""
    bus = await reach(url, name="backtest/1")
    try:
        try:
            async with asyncio.timeout(REACH_S):
                await bus.first(MARKET, "market.>")
        except TimeoutError as error:
            raise ConfigError(
                f"--source jetstream: {where(url)} has no stream {MARKET.name}. `python -m trading_core provision` "
                "makes it; the platform fills it."
            ) from error
        yield bus
    finally:
        await bus.close()


async def read_history(
    url: str, assets: Sequence[str], from_ms: int, to_ms: int
) -> tuple[History, dict[str, Span], LiveMinutes]:
    """Every candle and settled rate before `to_ms` that the stream holds, what exists by asset, and which minutes of
    [from_ms, to_ms) the platform watched. Of two versions of a candle the later one counts, as in the database."""
    rows: dict[str, dict[int, CandleMessage]] = {asset: {} for asset in assets}
    rates: dict[str, dict[int, FundingMessage]] = {asset: {} for asset in assets}
    live = LiveMinutes.within(assets, from_ms, to_ms)
    async with stream(url) as bus:
        subjects = [market_kind(EXCHANGE, asset, kind) for asset in assets for kind in ("candle_1m", "funding")]
        async for batch in until_now(bus, subjects):
            for message in batch:
                if isinstance(message, CandleMessage):
                    rows[message.asset][message.open_time_ms] = message
                    live.see(message)
                elif isinstance(message, FundingMessage):
                    held = rates[message.asset].get(message.hour_ms)
                    if held is None or message.event_time_ms >= held.event_time_ms:
                        rates[message.asset][message.hour_ms] = message
    spans = {asset: Span(min(found), max(found)) for asset, found in rows.items() if found}
    candles = {asset: _columns(asset, found, to_ms) for asset, found in rows.items()}
    return History(candles, {asset: _rates(found, to_ms) for asset, found in rates.items()}, JETSTREAM), spans, live


def _columns(asset: str, found: dict[int, CandleMessage], to_ms: int) -> Candles:
    rows = [
        (opened_ms, float(m.open), float(m.high), float(m.low), float(m.close), float(m.volume))
        for opened_ms, m in sorted(found.items())
        if opened_ms < to_ms
    ]
    table = np.array(rows, np.float64).reshape(-1, 6)
    return candle_columns(asset, table[:, 0].astype(np.int64), *(table[:, column] for column in range(1, 6)))


def _rates(found: dict[int, FundingMessage], to_ms: int) -> list[FundingRow]:
    # A minute past the end: the stamp of a rate lies a little behind its hour.
    known = [message for message in found.values() if message.event_time_ms < to_ms + MINUTE_MS]
    return funding_rows([message.event_time_ms for message in known], [float(message.rate) for message in known])


async def tick_spans(url: str, assets: Sequence[str]) -> dict[str, Span]:
    """First and last mark that the stream holds, by asset."""
    found: dict[str, Span] = {}
    async with stream(url) as bus:
        for asset in assets:
            subject = market_kind(EXCHANGE, asset, "ctx")
            ends = [await bus.first(MARKET, subject), await bus.last(MARKET, subject)]
            times = [messages.decode(end.data) for end in ends if end is not None]
            visible = [message.visible_ms for message in times if isinstance(message, MarketData)]
            if visible:
                found[asset] = Span(visible[0], visible[-1])
    return found


async def streamed_market(url: str, assets: Sequence[str], to_ms: int) -> AsyncIterator[MarketData]:
    """What `run_ticks` takes: all that the stream holds of these assets and is visible up to `to_ms`.

    From the stream's beginning, since the open interest of a week and the candles of days are what strategies know;
    to its end as of now, or to the watermark that says that nothing visible by `to_ms` can follow.
    """
    async with stream(url) as bus:
        async for message in in_order(bus, assets, to_ms):
            yield message


async def in_order(bus: Bus, assets: Sequence[str], to_ms: int) -> AsyncIterator[MarketData]:
    """The same of a bus that is there already."""
    timeline = Timeline([EXCHANGE], [MARKET.name])
    subjects = [market_kind(EXCHANGE, asset, kind) for asset in assets for kind in _DECIDED_UPON]
    async for batch in until_now(bus, [*subjects, watermark_subject(MARKET, EXCHANGE)]):
        for message in batch:
            if isinstance(message, MarketData | WatermarkMessage):
                timeline.add(MARKET.name, message)
        watermark = timeline.watermark(EXCHANGE)
        for ordered in timeline.take(EXCHANGE, min(watermark, to_ms)):
            yield ordered
        if watermark >= to_ms:
            return
    for ordered in timeline.take(EXCHANGE, to_ms):
        yield ordered


async def until_now(bus: Bus, subjects: Sequence[str]) -> AsyncIterator[list[AnyMessage]]:
    """What the stream holds of `subjects` at this moment, decoded, in its order; what cannot be decoded is left out."""
    newest = await bus.last(MARKET, "market.>")
    if newest is None:
        return
    reader = OrderedPull(bus, MARKET, subjects, Start.all(), batch=_BATCH)
    async with contextlib.aclosing(reader.batches()) as batches:
        async for batch in batches:
            found: list[AnyMessage] = []
            for delivered in batch:
                with contextlib.suppress(MessageInvalid):  # the recorder keeps it among the dead letters
                    found.append(messages.decode(delivered.data))
            yield found
            if reader.caught_up or (batch and batch[-1].sequence >= newest.sequence):
                return
