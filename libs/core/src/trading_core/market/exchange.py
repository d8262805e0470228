"""What is known of one asset on one exchange. Changed by `MarketState` only; strategies see it by a snapshot."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from trading_core.market.prediction import PredictionMarkets
from trading_core.market.series import CandleSeries
from trading_core.market.wider import WiderSeries
from trading_core.model import HOUR_MS, INTERVALS_MS, MINUTE_MS, Exchange
from trading_core.money import exact

OPEN_INTEREST_HOURS = 1_000
"""How many hours of open interest stay: a look-back of 168 h and room for longer ones."""
CLOSED_GAPS = 1_000
"""How many closed gaps are remembered, so that a message read twice does not open one again."""


class ExchangeState:
    """Candles, mark, settled funding, open interest and open gaps, each the newest that was applied.

    Of two versions of one thing the one with the newer event time stays, of equals the one applied last, so the
    state follows from the set of events far more than from their order.
    """

    __slots__ = (
        "_closed_gaps",
        "_estimate_text", "_gaps", "_open_interest", "_wider", "asset", "backfilled_close_ms", "exchange",
        "funding_estimate_ms", "funding_hour_ms", "funding_id", "funding_rate", "funding_stamp_ms", "mark_id",
        "mark_price", "mark_time_ms", "markets", "minutes",
    )  # fmt: skip

    def __init__(self, exchange: str, asset: str, history: int | None) -> None:
        self.exchange = exchange
        self.asset = asset
        self.minutes = CandleSeries(MINUTE_MS, history)
        self._wider: dict[str, WiderSeries] = {}
        self.markets = PredictionMarkets()
        """Of an exchange of predictions; such a one has no candles and no mark of the asset."""
        self.backfilled_close_ms = -1
        """Close time of the newest candle that came by a backfill; -1 when there is none."""
        self.mark_price: float | None = None
        self.mark_time_ms = -1
        self.mark_id = ""
        self.funding_rate: Decimal | None = None
        self.funding_hour_ms = -1
        self.funding_stamp_ms = -1
        self.funding_id = ""
        self._estimate_text: str | None = None
        self.funding_estimate_ms = -1
        self._open_interest: dict[int, tuple[int, float]] = {}
        self._gaps: dict[tuple[str, int], int | None] = {}
        self._closed_gaps: dict[tuple[str, int], None] = {}

    @property
    def intervals(self) -> tuple[str, ...]:
        """Those of which there is a series already."""
        return ("1m", *self._wider)

    def series(self, interval: str) -> CandleSeries:
        """The candles of `interval`; a wider series is built on first use and kept up from then on."""
        if interval == "1m":
            return self.minutes
        wider = self._wider.get(interval)
        if wider is None:
            wider = self._wider[interval] = WiderSeries(self.minutes, INTERVALS_MS[interval])
        return wider.series

    def put_candle(
        self, open_time_ms: int, open: float, high: float, low: float, close: float, volume: float, visible_ms: int
    ) -> bool:
        """Append, insert or correct a 1m candle and every wider one it belongs to; whether anything changed."""
        minutes = self.minutes
        if open_time_ms > minutes.newest_open_ms:
            minutes.append_row(open_time_ms, open, high, low, close, volume, visible_ms)
            close_ms = open_time_ms + MINUTE_MS
            for wider in self._wider.values():
                if close_ms % wider.width_ms == 0:
                    wider.closed(close_ms)
            return True
        if not minutes.put_row(open_time_ms, open, high, low, close, volume, visible_ms):
            return False
        for wider in self._wider.values():
            wider.changed(open_time_ms)
        return True

    def set_mark(self, price: float, time_ms: int, event_id: str) -> None:
        if time_ms >= self.mark_time_ms:
            self.mark_price, self.mark_time_ms, self.mark_id = price, time_ms, event_id

    def set_funding(self, hour_ms: int, stamp_ms: int, rate: Decimal, event_id: str) -> None:
        if stamp_ms >= self.funding_stamp_ms:
            self.funding_hour_ms, self.funding_stamp_ms = hour_ms, stamp_ms
            self.funding_rate, self.funding_id = rate, event_id

    def set_funding_estimate(self, text: str, time_ms: int) -> None:
        """`text`: as the venue printed it. Every mark brings one, and hardly anybody asks: it is read when it is."""
        if time_ms >= self.funding_estimate_ms:
            self._estimate_text, self.funding_estimate_ms = text, time_ms

    @property
    def funding_estimate_1h(self) -> Decimal | None:
        return None if self._estimate_text is None else exact(float(self._estimate_text))

    def put_open_interest(self, value: float, time_ms: int) -> None:
        """Keep the last value of each hour (h − 1 h, h], keyed by h."""
        hour_ms = -(-time_ms // HOUR_MS) * HOUR_MS
        held = self._open_interest.get(hour_ms)
        if held is not None and held[0] > time_ms:
            return
        self._open_interest[hour_ms] = (time_ms, value)
        if len(self._open_interest) > OPEN_INTEREST_HOURS:
            del self._open_interest[min(self._open_interest)]

    def newest_open_interest(self) -> tuple[int, float] | None:
        """(event time, value) of the newest open interest."""
        return self._open_interest[max(self._open_interest)] if self._open_interest else None

    def open_interest_at(self, hour_ms: int) -> float | None:
        """The last open interest with event time in (hour − 1 h, hour]."""
        held = self._open_interest.get(hour_ms)
        return None if held is None else held[1]

    def open_gap(self, channel: str, from_ms: int, to_ms: int | None) -> None:
        if (channel, from_ms) not in self._closed_gaps:
            self._gaps[channel, from_ms] = to_ms

    def close_gap(self, channel: str, from_ms: int) -> None:
        """Closed for good: its opening, read again or only now, does not open it any more."""
        self._gaps.pop((channel, from_ms), None)
        self._closed_gaps[channel, from_ms] = None
        if len(self._closed_gaps) > CLOSED_GAPS:
            del self._closed_gaps[next(iter(self._closed_gaps))]

    def in_gap(self, ts: int) -> bool:
        """Whether a gap that is still open covers `ts`, both ends included."""
        if not self._gaps:  # asked at every evaluation, and there is hardly ever one
            return False
        return any(from_ms <= ts and (to_ms is None or ts <= to_ms) for (_, from_ms), to_ms in self._gaps.items())

    def seen(self) -> dict[str, Any]:
        """Ids and times of the newest events behind an evaluation, as JSON values.

        Nothing for an exchange of predictions: a signal names those of the market it chose.
        """
        if self.exchange == Exchange.POLYMARKET:
            return {}
        return {
            "candle_close_ms": self.minutes.newest_close_ms,
            "mark_id": self.mark_id,
            "mark_ms": self.mark_time_ms,
            "funding_id": self.funding_id,
            "funding_hour_ms": self.funding_hour_ms,
        }
