"""One asset's way through history, minute by minute."""

from __future__ import annotations

from collections.abc import Sequence

from trading_core import ids
from trading_core.backtest.history import FundingRow, History, between
from trading_core.broker.book import instrument_key
from trading_core.broker.inputs import Bar, Mark
from trading_core.market.state import MarketState
from trading_core.model import MINUTE_MS, Candle, Exchange
from trading_core.money import EXACT

EXCHANGE = Exchange.HYPERLIQUID.value
_NEVER = 1 << 62


class Feed:
    """One asset's way through history: the next bar, the next funding row, the market state they go into."""

    __slots__ = (
        "_close", "_funding", "_high", "_interval_h", "_low", "_next", "_next_funding", "_open", "_open_time",
        "_volume", "asset", "has_new_mark", "key", "next_close_ms", "next_stamp_ms", "rates", "state",
    )  # fmt: skip

    def __init__(self, asset: str, history: History, from_ms: int, to_ms: int, keep: int, interval_h: int) -> None:
        self.asset = asset
        self.key = instrument_key(EXCHANGE, asset)
        self.state = MarketState(asset, (EXCHANGE,), history=keep)
        self.has_new_mark = False
        bars = between(history.candles[asset], 0, to_ms)
        warm_up = len(between(bars, 0, from_ms).open_time_ms)
        first = max(0, warm_up - keep)
        # Python numbers: reading single items out of numpy arrays costs more than the loop around it.
        self._open_time: list[int] = bars.open_time_ms[first:].tolist()
        self._open: list[float] = bars.open[first:].tolist()
        self._high: list[float] = bars.high[first:].tolist()
        self._low: list[float] = bars.low[first:].tolist()
        self._close: list[float] = bars.close[first:].tolist()
        self._volume: list[float] = bars.volume[first:].tolist()
        self._next = 0
        self.next_close_ms = self._open_time[0] + MINUTE_MS if self._open_time else _NEVER
        self._funding: Sequence[FundingRow] = history.funding.get(asset, ())
        self._interval_h = interval_h
        self._next_funding = 0
        self.next_stamp_ms = self._funding[0].stamp_ms if self._funding else _NEVER
        self.rates = {row.hour_ms: row for row in self._funding}
        """By hour; rows are sorted by stamp, so of two rows of one hour the later stays."""
        while self.next_close_ms <= from_ms:
            self.take_bar()
            self.has_new_mark = True

    def take_bar(self) -> None:
        """Make the next bar known to strategies, and its close the mark they see."""
        at = self._next
        self.state.apply_row(
            self._open_time[at], self._open[at], self._high[at], self._low[at], self._close[at], self._volume[at]
        )
        self._next = at + 1
        more = self._next < len(self._open_time)
        self.next_close_ms = self._open_time[self._next] + MINUTE_MS if more else _NEVER

    def last_bar(self) -> Bar:
        at = self._next - 1
        candle = Candle(
            asset=self.asset,
            open_time_ms=self._open_time[at],
            interval_ms=MINUTE_MS,
            open=self._open[at],
            high=self._high[at],
            low=self._low[at],
            close=self._close[at],
            volume=self._volume[at],
        )
        return Bar(EXCHANGE, self.asset, candle)

    def last_mark(self) -> Mark:
        at = self._next - 1
        opened_ms = self._open_time[at]
        event_id = f"c:{ids.SHORT[EXCHANGE]}:{self.asset}:1m:{opened_ms}"
        closed_ms = opened_ms + MINUTE_MS
        return Mark(EXCHANGE, self.asset, self.asset, self._close[at], event_id, closed_ms, closed_ms)

    def take_funding(self, ts_ms: int) -> None:
        """Make the rates stamped up to `ts_ms` known to strategies, as a rate per hour."""
        while self.next_stamp_ms <= ts_ms:
            row = self._funding[self._next_funding]
            hourly = row.rate if self._interval_h == 1 else EXACT.divide(row.rate, self._interval_h)
            self.state.apply_funding(row.hour_ms, row.stamp_ms, hourly)
            self._next_funding += 1
            more = self._next_funding < len(self._funding)
            self.next_stamp_ms = self._funding[self._next_funding].stamp_ms if more else _NEVER
