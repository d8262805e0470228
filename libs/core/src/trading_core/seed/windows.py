"""Made-up prediction markets: will the walk end its hour higher? Their probabilities follow from the walk."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trading_core import ids
from trading_core.db.times import utc
from trading_core.market.series import FloatArray
from trading_core.messages import BookMessage, Level, ProbMessage, ResolvedMessage
from trading_core.model import MINUTE_MS, Exchange
from trading_core.seed.prices import MINUTE_VOLATILITY, Walk

EXCHANGE = Exchange.POLYMARKET.value
MINUTES = 60
POLL_EVERY = 10
LOOKS_BACK = 180
"""Minutes."""
TICK = "0.01"
RESULT_AFTER_MS = 90_000


@dataclass(frozen=True)
class Window:
    """One hour of one asset; minutes count from the beginning of the walk, `probability` has one a minute."""

    asset: str
    market: str
    first: int
    start_ms: int
    probability: FloatArray
    goes_up: bool
    volume: float

    @property
    def end(self) -> int:
        return self.first + MINUTES

    @property
    def end_ms(self) -> int:
        return self.start_ms + MINUTES * MINUTE_MS

    def chance(self, minute: int) -> float:
        """At the end of minute `minute`: of the YES/Up token, a multiple of the tick from 0.02 to 0.98."""
        return float(self.probability[minute - self.first])

    def poll(self, minute: int) -> ProbMessage:
        ts = self._ts(minute)
        middle, bid, ask = self._quotes(minute)
        asset, start = self.asset, utc(self.start_ms)
        content = [bid, ask, middle]
        return ProbMessage(
            id=ids.prob(EXCHANGE, self.market, ts, content), exchange=EXCHANGE, asset=asset, event_time_ms=ts,
            visible_ms=ts, market=self.market, slug=f"made-up-{asset.lower()}-{start:%Y-%m-%d-%H}",
            title=f"Made up: {asset} up or down, {start:%B %-d, %H:%M} UTC", start_time_ms=self.start_ms,
            end_time_ms=self.end_ms, yes_token=f"{self.market}1", no_token=f"{self.market}2", bid=bid, ask=ask,
            mid=middle, last=middle, spread="0.02", volume_24h=f"{self.volume:.2f}",
            liquidity=f"{self.volume / 4:.2f}", tick_size=TICK, min_size="5",
        )  # fmt: skip

    def book(self, minute: int) -> BookMessage:
        ts = self._ts(minute)
        _, bid, ask = self._quotes(minute)
        bids, asks = _levels(float(bid), -1), _levels(float(ask), 1)
        return BookMessage(
            id=ids.book(EXCHANGE, self.market, ts, [bids, asks]), exchange=EXCHANGE, asset=self.asset,
            event_time_ms=ts, visible_ms=ts, market=self.market, book_time_ms=ts, bids=bids, asks=asks, tick_size=TICK,
        )  # fmt: skip

    def result(self) -> ResolvedMessage:
        ts = self.end_ms + RESULT_AFTER_MS
        return ResolvedMessage(
            id=ids.resolved(EXCHANGE, self.market), exchange=EXCHANGE, asset=self.asset, event_time_ms=ts,
            visible_ms=ts, market=self.market, yes_payout="1" if self.goes_up else "0",
        )  # fmt: skip

    def _ts(self, minute: int) -> int:
        return self.start_ms + (minute - self.first) * MINUTE_MS

    def _quotes(self, minute: int) -> tuple[str, str, str]:
        """Middle, bid and ask as the venue prints them."""
        middle = self.chance(minute)
        return f"{middle:.2f}", f"{middle - 0.01:.2f}", f"{middle + 0.01:.2f}"


def windows(walk: Walk, draw: np.random.Generator) -> list[Window]:
    """One for each whole hour of the walk."""
    # At minute m of the window m prices are known: the one before its first candle, and m closes.
    prices = np.concatenate((walk.open[:1], walk.close))
    left = np.sqrt(np.maximum(np.arange(MINUTES, -1, -1), 1))
    moves = np.diff(np.log(prices))
    found = []
    for first in range(0, walk.minutes - MINUTES + 1, MINUTES):
        path = prices[first : first + MINUTES + 1]
        # As restless as the walk has been of late: a fair price, as far as one could know.
        lately = moves[max(0, first - LOOKS_BACK) : first]
        spread = left * (float(lately.std()) if first else MINUTE_VOLATILITY)
        scores = np.log(path / path[0]) / spread
        chances = np.array([0.5 * math.erfc(-score / math.sqrt(2)) for score in scores.tolist()])
        start_ms = walk.open_ms(first)
        found.append(
            Window(
                asset=walk.asset,
                market=str(market_number(walk.asset, start_ms)),
                first=first,
                start_ms=start_ms,
                probability=np.clip(np.round(chances, 2), 0.02, 0.98),
                goes_up=bool(path[-1] >= path[0]),
                volume=float(np.round(draw.lognormal(9, 0.8), 2)),
            )
        )
    return found


def market_number(asset: str, start_ms: int) -> int:
    """A number for a market that looks like those of the venue and follows from what it is about."""
    return int(ids.h8([asset, start_ms]), 16) + 10**9


def _levels(best: float, step: int) -> tuple[Level, ...]:
    """Up to three prices a tick apart, larger sizes further out; none outside the range of a probability."""
    prices = [best + step * 0.01 * number for number in range(3)]
    return tuple((f"{price:.2f}", f"{400 + 300 * n}") for n, price in enumerate(prices) if 0.005 < price < 0.995)
