"""What the venue shows after print number p: pure functions of the sample, so a restart shows the same.

Print p is the (p mod 4)-th of minute p div 4, for all assets at once. Nothing here looks past p.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from trading_core.model import DAY_MS, MINUTE_MS
from venue_sim import prints
from venue_sim.sample import AssetSample, Sample

INTERVALS_MS = {
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": 60 * MINUTE_MS,
    "2h": 120 * MINUTE_MS,
    "4h": 240 * MINUTE_MS,
    "8h": 480 * MINUTE_MS,
    "12h": 720 * MINUTE_MS,
    "1d": DAY_MS,
}
CANDLES_KEPT = 5_000
BACKLOG = 30
BOOK_LEVELS = 20
FAST_LEVELS = 5
NO_HASH = "0x" + "0" * 64
NO_USER = "0x" + "0" * 40
Json = dict[str, Any]


@dataclass(frozen=True)
class Market:
    """The sample moved by `shift_ms` (whole UTC days)."""

    sample: Sample
    shift_ms: int

    @property
    def coins(self) -> tuple[str, ...]:
        return tuple(self.sample.assets)

    @property
    def prints(self) -> int:
        return self.sample.minutes * prints.PER_MINUTE

    @property
    def first_ms(self) -> int:
        return self.sample.first_ms + self.shift_ms

    @property
    def end_ms(self) -> int:
        return self.sample.end_ms + self.shift_ms

    def time_ms(self, p: int) -> int:
        return self.first_ms + p // 4 * MINUTE_MS + prints.OFFSETS_MS[p % 4]

    def last_print_at(self, time_ms: int) -> int:
        """The newest print at or before `time_ms`; -1 before the first."""
        minute, offset = divmod(time_ms - self.first_ms, MINUTE_MS)
        done = sum(1 for at in prints.OFFSETS_MS if at <= offset)
        return max(-1, min(minute * 4 + done, self.prints) - 1)

    def price(self, coin: str, p: int) -> float:
        asset, i = self.sample.assets[coin], p // 4
        return prints.prices(float(asset.open[i]), float(asset.high[i]), float(asset.low[i]), float(asset.close[i]))[
            p % 4
        ]

    def trade(self, coin: str, p: int) -> Json:
        asset = self.sample.assets[coin]
        price = self.price(coin, p)
        before = self.price(coin, p - 1) if p else price
        time_ms = self.time_ms(p)
        digest = hashlib.blake2b(f"{coin}:{time_ms}".encode(), digest_size=8).digest()
        return {
            "coin": coin,
            "side": "B" if price >= before else "A",
            "px": repr(price),
            "sz": self._size(asset, p),
            "time": time_ms,
            "hash": NO_HASH,
            "tid": int.from_bytes(digest, "big") >> 14,
            "users": [NO_USER, NO_USER],
        }

    def backlog(self, coin: str, p: int, count: int = BACKLOG) -> list[Json]:
        """The newest trades, oldest first."""
        return [self.trade(coin, q) for q in range(max(0, p + 1 - count), p + 1)]

    def candle(self, coin: str, interval: str, p: int, bucket_ms: int | None = None) -> Json | None:
        """The bucket holding print p, or the one opening at `bucket_ms`, as far as print p; None before the data."""
        width = INTERVALS_MS[interval]
        asset = self.sample.assets[coin]
        now_ms = self.time_ms(p)
        open_ms = now_ms // width * width if bucket_ms is None else bucket_ms
        first = max(0, (open_ms - self.first_ms) // MINUTE_MS)
        last = min((open_ms + width - self.first_ms) // MINUTE_MS - 1, p // 4)
        if last < first:
            return None
        # All minutes before `last` are whole; the running one counts as far as its prints have come.
        done = p - last * 4 + 1 if last == p // 4 else 4
        running = [self.price(coin, last * 4 + k) for k in range(done)]
        lots = int(asset.lots_before[last] - asset.lots_before[first])
        lots += sum(prints.sizes(int(asset.volume_lots[last]))[:done])
        highs = [float(asset.high[first:last].max())] if last > first else []
        lows = [float(asset.low[first:last].min())] if last > first else []
        return {
            "t": open_ms,
            "T": open_ms + width - 1,
            "s": coin,
            "i": interval,
            "o": repr(float(asset.open[first])),
            "c": repr(running[-1]),
            "h": repr(max(running + highs)),
            "l": repr(min(running + lows)),
            "v": prints.decimal(lots, asset.spec.size_decimals),
            "n": (last - first) * 4 + done,
        }

    def candles(self, coin: str, interval: str, p: int, start_ms: int, end_ms: int | None) -> list[Json]:
        """Rows from the bucket containing `start_ms` to the running one, at most the newest 5,000 of the venue."""
        width = INTERVALS_MS[interval]
        newest = self.time_ms(p) // width * width
        last = newest if end_ms is None else min(newest, end_ms // width * width)
        oldest = max(newest - (CANDLES_KEPT - 1) * width, self.first_ms // width * width)
        rows = (
            self.candle(coin, interval, p, bucket_ms)
            for bucket_ms in range(max(start_ms // width * width, oldest), last + 1, width)
        )
        return [row for row in rows if row is not None]

    def bid_ask(self, coin: str, p: int) -> tuple[str, str]:
        """Half a tick below and above the print."""
        [bid], [ask] = self._ladder(coin, p, 1)
        return bid["px"], ask["px"]

    def bbo(self, coin: str, p: int) -> Json:
        bids, asks = self._ladder(coin, p, 1)
        return {"coin": coin, "time": self.time_ms(p), "bbo": [*bids, *asks]}

    def book(self, coin: str, p: int, levels: int = BOOK_LEVELS) -> Json:
        """The quote and a plain ladder behind it. The sample knows no depth: all but the middle is made up."""
        return {"coin": coin, "time": self.time_ms(p), "levels": self._ladder(coin, p, levels)}

    def _ladder(self, coin: str, p: int, levels: int) -> list[list[Json]]:
        """Bids and asks, best first: half a tick off the print, then a tick apart; the print's size at each."""
        asset = self.sample.assets[coin]
        price, size, digits = self.price(coin, p), self._size(asset, p), asset.spec.tick_decimals + 1
        away = [asset.spec.tick * (k + 0.5) for k in range(levels)]
        return [
            [{"px": repr(round(price + side * far, digits)), "sz": size, "n": 1} for far in away] for side in (-1, 1)
        ]

    def mids(self, p: int) -> dict[str, str]:
        return {coin: repr(self.price(coin, p)) for coin in self.coins}

    def ctx(self, coin: str, p: int) -> Json:
        """Asset context without `openInterest`: the sample has none. `funding` is the rate settled last."""
        asset = self.sample.assets[coin]
        i = p // 4
        day_ago = max(0, i - DAY_MS // MINUTE_MS)
        price = repr(self.price(coin, p))
        settled = asset.funding.last_at(self.time_ms(p) - self.shift_ms)
        lots = int(asset.lots_before[i] - asset.lots_before[day_ago])
        return {
            "funding": prints.rate(settled[1] if settled else 0.0),
            "prevDayPx": repr(float(asset.open[day_ago])),
            "dayNtlVlm": repr(round(float(asset.notional_before[i] - asset.notional_before[day_ago]), 2)),
            "premium": "0.0",
            "oraclePx": price,
            "markPx": price,
            "midPx": price,
            "impactPxs": list(self.bid_ask(coin, p)),
            "dayBaseVlm": prints.decimal(lots, asset.spec.size_decimals),
        }

    def funding(self, coin: str, now_ms: int, start_ms: int, end_ms: int | None) -> list[Json]:
        """Rows settled in [start, end] and not after now, oldest first, at most 500."""
        source = self.sample.assets[coin].funding
        last = min(now_ms, now_ms if end_ms is None else end_ms)
        rows = [
            {"coin": coin, "fundingRate": prints.rate(rate), "time": stamp + self.shift_ms}
            for stamp, rate in zip(source.stamps_ms, source.rates, strict=True)
            if start_ms <= stamp + self.shift_ms <= last
        ]
        return rows[:500]

    def _size(self, asset: AssetSample, p: int) -> str:
        lots = prints.sizes(int(asset.volume_lots[p // 4]))[p % 4]
        return prints.decimal(lots, asset.spec.size_decimals)
