"""Recorded market messages for a tick backtest: how much of a span there is, and the messages themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from trading_core.archive.recorded import Ticks
from trading_core.backtest.feed import EXCHANGE
from trading_core.backtest.ticks import LiveMinutes
from trading_core.messages import MarketData
from trading_core.model import MINUTE_MS


async def live_minutes(ticks: Ticks, assets: Sequence[str], from_ms: int, to_ms: int) -> LiveMinutes:
    """The minutes of [from_ms, to_ms) whose candles came as they closed."""
    found = LiveMinutes.within(assets, from_ms, to_ms)
    for asset, close_ms in await ticks.live_closes(EXCHANGE, assets, from_ms, to_ms):
        found.opens[asset].add(close_ms - MINUTE_MS)
    return found


async def recorded_market(
    ticks: Ticks, exchanges: Sequence[str], assets: Sequence[str], history: int, from_ms: int, to_ms: int
) -> AsyncIterator[MarketData]:
    """What `run_ticks` takes: first what strategies that look back over `history` candles know at `from_ms` - 1 minute,
    then everything visible up to `to_ms`."""
    known_ms = from_ms - MINUTE_MS
    for exchange in exchanges:
        for asset in assets:
            for tick in await ticks.history(exchange, asset, known_ms, history):
                yield tick.message
    async for message in ticks.decided_upon(to_ms, after_ms=known_ms):
        if message.asset in assets:
            yield message
