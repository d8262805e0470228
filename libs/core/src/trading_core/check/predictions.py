"""Made-up prediction markets on a made-up price: rolling windows of five minutes, one open and the next one known."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from trading_core import ids
from trading_core.market.series import FloatArray
from trading_core.messages import BookMessage, MarketData, ProbMessage, ResolvedMessage
from trading_core.model import MINUTE_MS, Exchange

_EXCHANGE = Exchange.POLYMARKET.value
_WINDOW_MS = 5 * MINUTE_MS
_STEEP = 400.0
"""A move of 0.25 % since the window opened makes the leading side nearly sure."""
_POLLED_MS, _BOOK_MS, _RESULT_MS = 20_000, 50_000, 3_000
"""After a minute, or a window's end, has begun."""


def opinions(close: FloatArray, chance: np.random.Generator) -> FloatArray:
    """Probability of Up, spread, 24 h volume, liquidity of each minute, shape (4, n); not-a-number: unknown."""
    count = len(close)
    minute = np.arange(count)
    opened = close[np.maximum(minute // 5 * 5 - 1, 0)]
    probability = 1 / (1 + np.exp(-_STEEP * (close / opened - 1) + chance.normal(0, 0.6, count)))
    columns = np.stack([
        np.clip(probability, 0.04, 0.96), chance.choice([0.01, 0.02, 0.04, 0.06], count),
        chance.lognormal(8, 1.2, count), chance.lognormal(7.5, 1.2, count),
    ])  # fmt: skip
    columns[:, chance.random(count) < 0.02] = np.nan
    columns[2:, chance.random(count) < 0.05] = np.nan
    return columns


@lru_cache(maxsize=100_000)  # A check leads through the same world many times.
def during(
    asset: str, open_ms: int, probability: float, spread: float, volume: float, liquidity: float
) -> tuple[MarketData, ...]:
    """What the venue says of the markets of `asset` during the minute that opens at `open_ms`, in event-time order.

    Volume of 24 h and liquidity in USD. A minute without a probability has polls and no book.
    """
    start_ms = open_ms // _WINDOW_MS * _WINDOW_MS
    figures = [None if np.isnan(figure) else f"{figure:.2f}" for figure in (volume, liquidity)]
    said: list[MarketData] = [_result(asset, start_ms - _WINDOW_MS, probability)] if open_ms == start_ms else []
    for window_ms in (start_ms, start_ms + _WINDOW_MS):
        said.append(_poll(asset, window_ms, open_ms + _POLLED_MS, *figures))
    if not np.isnan(probability):
        said.append(_book(asset, start_ms, open_ms + _BOOK_MS, probability, spread))
    return tuple(said)


def _market(asset: str, start_ms: int) -> str:
    return f"0x{asset.lower().encode().hex()}{start_ms:x}"


def _poll(asset: str, start_ms: int, at_ms: int, volume: str | None, liquidity: str | None) -> ProbMessage:
    market = _market(asset, start_ms)
    return ProbMessage(
        id=ids.prob(_EXCHANGE, market, at_ms, [volume, liquidity]), exchange=_EXCHANGE, asset=asset,
        event_time_ms=at_ms, visible_ms=at_ms, market=market, slug=f"{asset.lower()}-updown-5m-{start_ms // 1000}",
        title=f"{asset} Up or Down", start_time_ms=start_ms, end_time_ms=start_ms + _WINDOW_MS,
        yes_token=f"{market}1", no_token=f"{market}2", volume_24h=volume, liquidity=liquidity,
    )  # fmt: skip


def _book(asset: str, start_ms: int, at_ms: int, probability: float, spread: float) -> BookMessage:
    market = _market(asset, start_ms)
    bid = min(max(round(probability - spread / 2, 2), 0.01), 0.99 - spread)
    bids, asks = ((f"{bid:.2f}", "100"),), ((f"{bid + spread:.2f}", "100"),)
    return BookMessage(
        id=ids.book(_EXCHANGE, market, at_ms, [bids, asks]), exchange=_EXCHANGE, asset=asset, event_time_ms=at_ms,
        visible_ms=at_ms, market=market, book_time_ms=at_ms, bids=bids, asks=asks,
    )  # fmt: skip


def _result(asset: str, start_ms: int, probability: float) -> ResolvedMessage:
    """Which side won does not matter to any rule; it follows from the world, as everything here."""
    market, at_ms = _market(asset, start_ms), start_ms + _WINDOW_MS + _RESULT_MS
    return ResolvedMessage(
        id=ids.resolved(_EXCHANGE, market), exchange=_EXCHANGE, asset=asset, event_time_ms=at_ms, visible_ms=at_ms,
        market=market, yes_payout="1" if probability > 0.5 else "0",
    )  # fmt: skip
