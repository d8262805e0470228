"""What a collector publishes in some made-up hours: the market data of runner and parity tests."""

from __future__ import annotations

import random
from dataclasses import dataclass

from message_builders import a_mark
from msgspec.structs import replace

from trading_core import ids
from trading_core.messages import CandleMessage, FundingMessage, MarketData
from trading_core.model import HOUR_MS, MINUTE_MS

ASSETS = {"BTC": 100_000.0, "ETH": 4_000.0, "SOL": 150.0}
START = 1_759_968_000_000
"""2025-10-09 00:00 UTC: the first watermark."""
WARM_UP = 24 * 60
LIVE = 180


@dataclass(frozen=True)
class Recording:
    """What a collector publishes: a day of backfilled candles, then minutes with marks, candles and funding."""

    backfill: list[MarketData]
    minutes: list[list[MarketData]]
    start: int = START

    @property
    def last_ts(self) -> int:
        return self.start + len(self.minutes) * MINUTE_MS


def a_recording(seed: int, start: int = START, live: int = LIVE) -> Recording:
    chance = random.Random(seed)
    prices = dict(ASSETS)

    def candles(open_ms: int, *, backfilled: bool) -> list[MarketData]:
        found: list[MarketData] = []
        for asset, opened in prices.items():
            closed = opened * (1 + chance.gauss(0, 0.002))
            prices[asset] = closed
            numbers = [opened, max(opened, closed), min(opened, closed), closed, chance.uniform(1, 50)]
            texts = [f"{number:.6g}" for number in numbers]
            found.append(
                CandleMessage(
                    id=ids.candle("hyperliquid", asset, "1m", open_ms, texts),
                    exchange="hyperliquid", asset=asset, event_time_ms=open_ms + MINUTE_MS,
                    visible_ms=open_ms + MINUTE_MS, open_time_ms=open_ms, open=texts[0], high=texts[1],
                    low=texts[2], close=texts[3], volume=texts[4], backfilled=backfilled,
                )
            )  # fmt: skip
        return found

    backfill = [c for n in range(WARM_UP) for c in candles(start - (WARM_UP - n) * MINUTE_MS, backfilled=True)]
    minutes: list[list[MarketData]] = []
    for number in range(1, live + 1):
        ts = start + number * MINUTE_MS
        found = candles(ts - MINUTE_MS, backfilled=False)
        for asset, price in prices.items():
            found.append(a_mark(ts - 20_000, f"{price * 0.9999:.6g}", asset=asset))
            found.append(a_mark(ts, f"{price:.6g}", asset=asset))
            poll = a_mark(ts - 10_000, f"{price:.6g}", asset=asset)
            found.append(replace(poll, polled=True, open_interest=f"{chance.uniform(900, 1_100):.6g}"))
            if (ts - 5 * MINUTE_MS) % HOUR_MS == 0:
                hour = ts - 5 * MINUTE_MS
                found.append(
                    FundingMessage(
                        id=ids.funding("hyperliquid", asset, hour), exchange="hyperliquid", asset=asset,
                        event_time_ms=hour + 20, visible_ms=ts - 1_000, hour_ms=hour,
                        rate=f"{chance.gauss(0, 0.0001):.10f}",
                    )
                )  # fmt: skip
        minutes.append(found)
    return Recording(backfill, minutes, start)
