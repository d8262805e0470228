"""The domain: what strategies see and what they say. Market data is float, times are UTC milliseconds."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Any

import msgspec

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000

INTERVALS_MS: dict[str, int] = {
    "1m": MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "1h": HOUR_MS,
    "4h": 4 * HOUR_MS,
    "1d": DAY_MS,
}


class Exchange(StrEnum):
    HYPERLIQUID = "hyperliquid"
    POLYMARKET = "polymarket"


class Direction(StrEnum):
    """What a strategy wants. PASS is what the evaluator records when it wants nothing."""

    LONG = "LONG"
    SHORT = "SHORT"
    CLOSE = "CLOSE"
    PASS = "PASS"  # noqa: S105 - the mission's word, not a secret


class Candle(msgspec.Struct, frozen=True, kw_only=True, tag="candle"):
    """One closed interval `[open_time_ms, open_time_ms + interval_ms)` of one asset.

    Prices are USD per base unit; `volume` is in base units (BTC, not USD).
    Invariant: `0 < low <= open, close <= high`, finite, checked when built.
    """

    asset: str
    open_time_ms: int
    interval_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float

    def __post_init__(self) -> None:
        numbers = (self.open, self.high, self.low, self.close, self.volume)
        if not all(map(math.isfinite, numbers)):
            raise ValueError(f"candle {self.asset} at {self.open_time_ms}: a number is not finite: {numbers}")
        if not (0 < self.low <= min(self.open, self.close) and max(self.open, self.close) <= self.high):
            raise ValueError(f"candle {self.asset} at {self.open_time_ms}: not 0 < low <= open, close <= high")
        if self.volume < 0:
            raise ValueError(f"candle {self.asset} at {self.open_time_ms}: volume {self.volume} is negative")

    @property
    def close_time_ms(self) -> int:
        """First millisecond after the interval: the moment at which the candle is known."""
        return self.open_time_ms + self.interval_ms


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy's opinion about one asset at one grid point; never a quantity.

    `confidence` 0 to 1; `entry_price` USD (Polymarket: probability of YES); `ts` the grid point, UTC ms;
    `metadata` the inputs that decided, JSON values only.
    """

    strategy: str
    asset: str
    exchange: str
    direction: Direction
    confidence: float
    entry_price: float
    metadata: dict[str, Any]
    ts: int
    instrument: str = ""
    """What is to be held: the coin (the default, `asset`) or one Polymarket market."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"confidence must be in [0, 1], got {self.confidence}")
        if not (math.isfinite(self.entry_price) and self.entry_price > 0):
            raise ValueError(f"entry_price must be finite and > 0, got {self.entry_price}")

    @property
    def held(self) -> str:
        return self.instrument or self.asset
