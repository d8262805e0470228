"""A made-up past as messages: what the venues would have said up to each grid point, and what the strategies said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trading_core import ids
from trading_core.market.series import FloatArray
from trading_core.messages import CtxMessage, FundingMessage, MarketData, SignalMessage
from trading_core.model import HOUR_MS, MINUTE_MS, Exchange
from trading_core.money import exact, plain
from trading_core.seed import opinions, prices
from trading_core.seed.opinions import Said
from trading_core.seed.prices import Walk
from trading_core.seed.windows import EXCHANGE as POLYMARKET
from trading_core.seed.windows import MINUTES, POLL_EVERY, RESULT_AFTER_MS, Window, windows
from trading_core.sequence.timeline import order_of
from trading_core.strategy.registry import LoadedStrategy

HYPERLIQUID = Exchange.HYPERLIQUID.value
FUNDING_AFTER_MS = 11
REST_MINUTES = 500
"""The end of the last day, which is drawn but not told: the past ends at 15:40, while positions and bets are open."""
BOOK_EVERY = 5
"""Minutes, while a bet on the market may be open; and whenever a strategy speaks."""


@dataclass(frozen=True)
class Wanted:
    """What the past is made of: `minutes`, whole days, are drawn from `from_ms` on, and told up to minute `end`."""

    seed: int
    from_ms: int
    minutes: int
    trades: int
    assets: tuple[str, ...]

    @property
    def end(self) -> int:
        return self.minutes - REST_MINUTES

    @property
    def to_ms(self) -> int:
        return self.from_ms + self.end * MINUTE_MS


class Tape:
    """The whole past. `minute` counts grid points: `from_ms` is 0, and the candle closing at `n` is row `n` - 1."""

    def __init__(self, wanted: Wanted, strategies: Sequence[LoadedStrategy]) -> None:
        self.wanted = wanted
        seed, from_ms, minutes = wanted.seed, wanted.from_ms, wanted.minutes
        missing = prices.holes(seed, minutes)
        self.walks = {asset: prices.walk(seed, asset, from_ms, minutes, missing) for asset in wanted.assets}
        self.windows: Mapping[str, list[Window]] = {
            asset: windows(walk, prices.generator(seed, "windows", asset)) for asset, walk in self.walks.items()
        }
        self.heard = next(iter(self.walks.values())).is_heard()
        self._strategies = {strategy.name: strategy for strategy in strategies}
        self._said: dict[int, list[tuple[str, str, Said]]] = defaultdict(list)
        self._books: dict[int, set[tuple[str, int]]] = defaultdict(set)
        """By minute the asset and the number of the window whose book is told."""
        on_coins = [strategy for strategy in strategies if strategy.exchanges[0] == HYPERLIQUID]
        bets = sum(self._bet(strategy) for strategy in strategies if strategy.exchanges[0] == POLYMARKET)
        # As many as are wanted by the end: those of the rest of the last day come on top.
        self._trade(on_coins, max(0, round(wanted.trades * minutes / wanted.end) - bets))
        self._rows = {asset: [column.tolist() for column in _columns(walk)] for asset, walk in self.walks.items()}

    def market(self, minute: int) -> list[MarketData]:
        """What became visible after the grid point before `minute`, up to it, in the order in which it is applied."""
        found = [*self._marks(minute), *self._funding(minute), *self._results(minute), *self._markets(minute)]
        return sorted(found, key=order_of)

    def signals(self, minute: int) -> list[SignalMessage]:
        ts = self.wanted.from_ms + minute * MINUTE_MS
        return [self._signal(ts, *said) for said in self._said.get(minute, ())]

    def close(self, asset: str, minute: int) -> float:
        found: float = self._rows[asset][0][minute - 1]
        return found

    def _bet(self, strategy: LoadedStrategy) -> int:
        """Puts down what a strategy on prediction markets says; how often."""
        count = 0
        for asset in self._assets_of(strategy):
            threshold = float(strategy.params.get("threshold", 0.75))
            for said in opinions.on_windows(threshold, self.windows[asset], self.heard):
                self._said[said.minute].append((strategy.name, asset, said))
                number, end = said.minute // MINUTES, said.minute // MINUTES * MINUTES + MINUTES
                later = range(said.minute + BOOK_EVERY - said.minute % BOOK_EVERY, end, BOOK_EVERY)
                for minute in (said.minute, *later):
                    self._books[minute].add((asset, number))
                count += 1
        return count

    def _trade(self, strategies: Sequence[LoadedStrategy], trades: int) -> None:
        wanted = opinions.shares([strategy.name for strategy in strategies], self.wanted.assets, trades)
        for strategy in strategies:
            for asset in self._assets_of(strategy):
                stream = opinions.Stream(
                    strategy.name, asset, strategy.interval_ms // MINUTE_MS, _timeout(strategy),
                    wanted[strategy.name, asset],
                )  # fmt: skip
                draw = prices.generator(self.wanted.seed, "signals", strategy.name, asset)
                for said in opinions.on_coin(draw, stream, self.walks[asset].close, self.heard):
                    self._said[said.minute].append((strategy.name, asset, said))

    def _assets_of(self, strategy: LoadedStrategy) -> list[str]:
        return [asset for asset in self.wanted.assets if asset in strategy.assets]

    def _signal(self, ts: int, name: str, asset: str, said: Said) -> SignalMessage:
        strategy = self._strategies[name]
        exchange, instrument = strategy.exchanges[0], said.market or asset
        minute = (ts - self.wanted.from_ms) // MINUTE_MS
        price = self._window(asset, minute).chance(minute) if said.market else self.close(asset, minute)
        return SignalMessage(
            id=ids.signal(name, exchange, instrument, ts), strategy=name, exchange=exchange, asset=asset,
            instrument=instrument, ts=ts, grid=strategy.grid, direction=said.direction, confidence=said.confidence,
            entry_price=repr(price), metadata=self._inputs(asset, minute, said, price), code_hash=strategy.code_hash,
            params_hash=strategy.params_hash,
        )  # fmt: skip

    def _inputs(self, asset: str, minute: int, said: Said, price: float) -> dict[str, Any]:
        """What stood on the tape at that time, and that the opinion itself was drawn."""
        if said.market:
            return {"made_up": True, "probability": price, "market": said.market}
        hour = prices.hour_index(0, minute * MINUTE_MS)
        funding = {} if hour < 0 else {"funding_rate_8h": str(round(8 * self._rows[asset][2][hour], 10))}
        return {"made_up": True, "close": price, "volume": self._rows[asset][1][minute - 1], **funding}

    def _window(self, asset: str, minute: int) -> Window:
        return self.windows[asset][minute // MINUTES]

    def _marks(self, minute: int) -> Iterator[CtxMessage]:
        if not self.heard[minute - 1]:
            return
        ts, hour = self.wanted.from_ms + minute * MINUTE_MS, max(0, minute // 60 - 1)
        for asset, (closes, _, rates, interest) in self._rows.items():
            price, contracts, rate = repr(closes[minute - 1]), repr(interest[hour]), plain(exact(rates[minute // 60]))
            yield CtxMessage(
                id=ids.ctx(HYPERLIQUID, asset, ts, [price, contracts]), exchange=HYPERLIQUID, asset=asset,
                event_time_ms=ts, visible_ms=ts, mark_price=price, oracle_price=price, open_interest=contracts,
                funding_estimate_1h=rate,
            )  # fmt: skip

    def _funding(self, minute: int) -> Iterator[FundingMessage]:
        """The rate of the full hour at the grid point before."""
        hour_ms = self.wanted.from_ms + (minute - 1) * MINUTE_MS
        number = prices.hour_index(self.wanted.from_ms, hour_ms)
        if hour_ms % HOUR_MS or number < 0:
            return
        for asset, (_, _, rates, _) in self._rows.items():
            stamp_ms = hour_ms + FUNDING_AFTER_MS
            yield FundingMessage(
                id=ids.funding(HYPERLIQUID, asset, hour_ms), exchange=HYPERLIQUID, asset=asset, event_time_ms=stamp_ms,
                visible_ms=stamp_ms, hour_ms=hour_ms, rate=plain(exact(rates[number])),
            )  # fmt: skip

    def _markets(self, minute: int) -> Iterator[MarketData]:
        told = self._books.get(minute, set())
        for asset, of in sorted(told):
            yield self.windows[asset][of].book(minute)
        number = minute // MINUTES
        polled = {(asset, number) for asset in self.windows} if minute % POLL_EVERY == 0 else set()
        # Whoever reads only polls, as the dashboard does when it starts, then knows the price of the newest book.
        for asset, of in sorted(polled | told):
            if of < len(self.windows[asset]):
                yield self.windows[asset][of].poll(minute)

    def _results(self, minute: int) -> Iterator[MarketData]:
        """Those that became visible after the grid point before."""
        since = -(-RESULT_AFTER_MS // MINUTE_MS)
        if (minute - since) % MINUTES or minute <= since:
            return
        number = (minute - since) // MINUTES - 1
        for found in self.windows.values():
            if 0 <= number < len(found):
                yield found[number].result()


def _columns(walk: Walk) -> tuple[FloatArray, ...]:
    return walk.close, walk.volume, walk.funding_rate_1h, walk.open_interest


def _timeout(strategy: LoadedStrategy) -> int | None:
    return strategy.rules.timeout_m if "timeout_m" in strategy.rules.model_fields_set else 60
