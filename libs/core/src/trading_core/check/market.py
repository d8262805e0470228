"""A made-up market that gives every rule a chance: quiet and wild hours, extreme funding, missing minutes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from trading_core import ids
from trading_core.check.predictions import during, opinions
from trading_core.market.series import FloatArray, IntArray
from trading_core.market.state import MarketState
from trading_core.messages import CtxMessage
from trading_core.model import HOUR_MS, MINUTE_MS, Exchange

START = 1_700_006_400_000
"""A UTC midnight."""
_PRICES = {"BTC": 60_000.0, "ETH": 3_000.0}
_CALM, _WILD = 0.0005, 0.003
_STRETCH = 180


@dataclass(frozen=True)
class Minutes:
    """1m candles of one asset, shape (n,) each, from START on; where `present` is False the minute is missing."""

    open_time_ms: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    present: IntArray
    funding_rate: FloatArray
    """Settled at the hour that the minute opens, a fraction per hour; the others are unused."""
    open_interest: FloatArray
    opinions: FloatArray
    """What the prediction markets say of each minute, shape (4, n); see `predictions.py`."""


Market = dict[str, Minutes]


def made_up_market(minutes: int, seed: int) -> Market:
    """Two assets over so many minutes; another seed is another world."""
    chance = np.random.default_rng(seed)
    return {asset: _minutes(minutes, price, chance) for asset, price in _PRICES.items()}


def _minutes(count: int, price: float, chance: np.random.Generator) -> Minutes:
    stretches = -(-count // _STRETCH)
    wild = np.repeat(chance.random(stretches) < 0.4, _STRETCH)[:count]
    drift = np.repeat(chance.normal(0, 0.0002, stretches), _STRETCH)[:count]
    returns = chance.standard_t(4, count) * np.where(wild, _WILD, _CALM) + drift
    returns = np.clip(returns - np.linspace(0, returns.sum(), count) / count, -0.05, 0.05)
    close = np.round(price * np.exp(np.cumsum(returns)), 2)
    opened = np.concatenate(([price], close[:-1]))
    stretch = 1 + np.abs(chance.normal(0, _CALM, count))
    volume = chance.lognormal(2, 1, count) * np.where(np.abs(returns) > _WILD, 4, 1)
    hours = chance.normal(0, 0.00025, -(-count // 60) + 1)
    interest = 1_000 * np.exp(np.cumsum(chance.normal(0, 0.02, -(-count // 60) + 1)))
    present = np.ones(count, np.int64)
    for first in chance.integers(0, count, max(1, count // 3_000)):
        present[first : first + int(chance.integers(1, 4))] = 0
    return Minutes(
        open_time_ms=START + MINUTE_MS * np.arange(count, dtype=np.int64),
        open=opened, high=np.maximum(opened, close) * stretch, low=np.minimum(opened, close) / stretch, close=close,
        volume=volume, present=present,
        funding_rate=np.repeat(hours, 60)[:count], open_interest=np.repeat(interest, 60)[:count],
        opinions=opinions(close, chance),
    )  # fmt: skip


def feed(state: MarketState, minutes: Minutes, end: int, *, candles_from: int = 0) -> Iterator[int]:
    """Apply the first `end` minutes one by one; after each, the grid point at which it closed.

    The state gets what its exchanges say. candles_from: earlier minutes give no candle, as a resuming runner reads
    only those that it may look back over.
    """
    steps = [_FEEDS[exchange](state, minutes, end, candles_from) for exchange in state.exchanges]
    for open_ms in minutes.open_time_ms[:end].tolist():
        for step in steps:
            next(step)
        yield open_ms + MINUTE_MS


def _perpetual(state: MarketState, minutes: Minutes, end: int, candles_from: int) -> Iterator[None]:
    columns: Sequence[list[float]] = [
        column[:end].tolist()
        for column in (
            minutes.open_time_ms, minutes.open, minutes.high, minutes.low, minutes.close, minutes.volume,
            minutes.present, minutes.funding_rate, minutes.open_interest,
        )
    ]  # fmt: skip
    for number, row in enumerate(zip(*columns, strict=True)):
        time, opened, high, low, close, volume, present, rate, interest = row
        open_ms = int(time)
        if open_ms % HOUR_MS == 0:
            state.apply_funding(open_ms, open_ms + 11, Decimal(repr(rate)))
            state.apply(_context(state.asset, open_ms + 30_000, close, interest))
        if present and number >= candles_from:
            state.apply_row(open_ms, opened, high, low, close, volume)
        yield


def _predictions(state: MarketState, minutes: Minutes, end: int, _candles_from: int) -> Iterator[None]:
    opened = minutes.open_time_ms[:end].tolist()
    for open_ms, said in zip(opened, minutes.opinions[:, :end].T.tolist(), strict=True):
        for message in during(state.asset, open_ms, *said):
            state.apply(message)
        yield


_FEEDS = {Exchange.HYPERLIQUID.value: _perpetual, Exchange.POLYMARKET.value: _predictions}


def _context(asset: str, at_ms: int, price: float, interest: float) -> CtxMessage:
    return CtxMessage(
        id=ids.ctx("hyperliquid", asset, at_ms, price), exchange="hyperliquid", asset=asset, event_time_ms=at_ms,
        visible_ms=at_ms, mark_price=repr(price), open_interest=repr(interest), polled=True,
    )  # fmt: skip
