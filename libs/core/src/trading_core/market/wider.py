"""Wider candles, built only from complete 1m candles with UTC-aligned bounds."""

from __future__ import annotations

from math import fsum

from trading_core.market.series import CandleSeries
from trading_core.model import MINUTE_MS


class WiderSeries:
    """The candles of one wider interval over a 1m series, kept up by `closed` and `changed`.

    A wider candle exists exactly when all its 1m candles do: it is a function of those candles and of nothing
    else, whatever the order in which they came. Its volume is their sum, exactly rounded (`fsum`).
    """

    __slots__ = ("_minutes", "_per_candle", "series", "width_ms")

    def __init__(self, minutes: CandleSeries, width_ms: int) -> None:
        if width_ms <= MINUTE_MS or width_ms % MINUTE_MS:
            raise ValueError(f"a wider interval is a multiple of one minute, got {width_ms} ms")
        self._minutes = minutes
        self._per_candle = width_ms // MINUTE_MS
        self.width_ms = width_ms
        self.series = CandleSeries(width_ms, None if minutes.keep is None else minutes.keep // self._per_candle + 1)
        for row in range(len(minutes)):
            open_time_ms = minutes.open_time_at(row)
            if (open_time_ms + MINUTE_MS) % width_ms == 0:
                self._build(open_time_ms + MINUTE_MS - width_ms, row + 1)

    def closed(self, close_ms: int) -> None:
        """The newest 1m candle closed at `close_ms`, a multiple of the width: build the candle that it ends."""
        self._build(close_ms - self.width_ms, len(self._minutes))

    def changed(self, open_time_ms: int) -> None:
        """The 1m candle of `open_time_ms` was inserted or corrected: build the candle around it anew."""
        open_ms = open_time_ms - open_time_ms % self.width_ms
        self._build(open_ms, self._minutes.row_of(open_ms + self.width_ms))

    def _build(self, open_ms: int, end: int) -> None:
        """Put the candle of `open_ms`, whose 1m candles are the rows before `end`, if all of them exist."""
        minutes, first = self._minutes, end - self._per_candle
        # Open times are sorted, unique and on whole minutes: so many rows before the end starting there are all.
        if first < 0 or minutes.open_time_at(first) != open_ms:
            return
        window = minutes.window(first, end)
        self.series.put_row(
            open_ms,
            float(window.open[0]),
            max(window.high.tolist()),
            min(window.low.tolist()),
            float(window.close[-1]),
            fsum(window.volume.tolist()),
            minutes.visible_max(first, end),
        )
