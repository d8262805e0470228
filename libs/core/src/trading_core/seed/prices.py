"""Made-up prices of coins: seeded random walks in columns, with funding, open interest and holes. No market is meant.

Everything drawn comes from `numpy.random.default_rng` with the seed and a name of ours, so that no series depends on
how many others were drawn.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np

from trading_core.market.series import FloatArray, IntArray
from trading_core.model import HOUR_MS, MINUTE_MS

FIRST_PRICES = {"BTC": 84_250.0, "ETH": 2_120.0, "SOL": 139.0}
OTHER_FIRST_PRICE = 25.0
SIGNIFICANT_DIGITS = 6
MINUTE_VOLATILITY = 0.0011
"""Of a calm minute; an hour has its own multiple of it."""


@dataclass(frozen=True)
class Hole:
    """Minutes [first, end) of the walk in which nobody listened; `filled`: their candles were read afterwards."""

    first: int
    end: int
    filled: bool


@dataclass(frozen=True)
class Walk:
    """One asset. Row `n` of the columns is the candle that opens `n` minutes after `from_ms`.

    `funding_rate_1h` and `open_interest` have one value per hour, the first for the hour that ends at `from_ms` + 1 h.
    """

    asset: str
    from_ms: int
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    funding_rate_1h: FloatArray
    open_interest: FloatArray
    holes: tuple[Hole, ...]

    @property
    def minutes(self) -> int:
        return len(self.close)

    def open_ms(self, minute: int) -> int:
        return self.from_ms + minute * MINUTE_MS

    def is_heard(self) -> IntArray:
        """1 for each minute in which somebody listened, else 0."""
        heard = np.ones(self.minutes, np.int64)
        for hole in self.holes:
            heard[hole.first : hole.end] = 0
        return heard

    def has_candle(self) -> IntArray:
        """1 for each minute whose candle there is, heard or read afterwards."""
        there = np.ones(self.minutes, np.int64)
        for hole in self.holes:
            there[hole.first : hole.end] = hole.filled
        return there


def generator(seed: int, *names: str) -> np.random.Generator:
    """A generator of its own for each name."""
    return np.random.default_rng([seed, *(zlib.crc32(name.encode()) for name in names)])


def holes(seed: int, minutes: int) -> tuple[Hole, ...]:
    """About one outage in eight days, of 2 to 40 minutes; two of three are filled. None in the first or last hours."""
    draw = generator(seed, "holes")
    found = []
    for day in range(4, minutes // 1440, 8):
        first = day * 1440 + int(draw.integers(120, 1200))
        found.append(Hole(first, first + int(draw.integers(2, 40)), bool(draw.random() < 2 / 3)))
    return tuple(found)


def walk(seed: int, asset: str, from_ms: int, minutes: int, missing: tuple[Hole, ...]) -> Walk:
    """`minutes` candles from `from_ms`, a full hour, on."""
    draw = generator(seed, "walk", asset)
    hours = -(-minutes // 60)
    scale = np.repeat(np.exp(_slow(draw, hours, 0.97, 0.11)), 60)[:minutes]
    moves = draw.standard_t(5, minutes) * math.sqrt(3 / 5) * scale * MINUTE_VOLATILITY
    first = FIRST_PRICES.get(asset, OTHER_FIRST_PRICE)
    digits = SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(first))
    # Pulled back to where it began, as a free walk would leave the scale of the chart within weeks.
    path = np.empty(minutes + 1)
    path[0] = level = 0.0
    for minute, move in enumerate(moves.tolist(), start=1):
        level += move - 2e-5 * level
        path[minute] = level
    prices = np.round(first * np.exp(path), digits)
    opens, closes = prices[:-1], prices[1:]
    wicks = np.abs(draw.normal(0, 0.35, (2, minutes))) * scale * MINUTE_VOLATILITY
    high = np.round(np.maximum(opens, closes) * (1 + wicks[0]), digits)
    low = np.round(np.minimum(opens, closes) * (1 - wicks[1]), digits)
    volume = np.round(2e6 / first * scale * draw.lognormal(0, 0.7, minutes), 3)
    rates = np.round(1.25e-5 + 4e-5 * _slow(draw, hours, 0.93, 0.36), 8)
    interest = np.round(3e9 / first * np.exp(_slow(draw, hours, 0.99, 0.02)), 2)
    return Walk(asset, from_ms, opens, high, low, closes, volume, rates, interest, missing)


def hour_index(from_ms: int, ts_ms: int) -> int:
    """Which value of an hourly column is the newest known at `ts_ms`; below 0 before the first."""
    return (ts_ms - from_ms) // HOUR_MS - 1


def _slow(draw: np.random.Generator, count: int, memory: float, step: float) -> FloatArray:
    """A series that forgets slowly: each value is `memory` times the one before plus a normal step."""
    found = np.empty(count)
    value = 0.0
    for number, normal in enumerate(draw.normal(0, step, count).tolist()):
        value = memory * value + normal
        found[number] = value
    return found
