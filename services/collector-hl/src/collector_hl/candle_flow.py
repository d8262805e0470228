"""Candles on their way out: each once when closed, again when corrected, and the gaps where one is missing. No I/O.

A gap of candles lets the watermark pass; history fills it. It closes behind the watermark, so that every evaluation
inside it has seen it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from collector_hl import outgoing
from collector_hl.candles import Published
from collector_hl.outgoing import CANDLES, EXCHANGE
from collector_hl.parse import CandleRow
from trading_core.collect import gaps, metrics
from trading_core.collect.gaps import GapState
from trading_core.collect.stamp import Stamp, full_minute
from trading_core.messages import DeadLetterMessage, MarketData

SETTLED_MS = 5_000
"""Venue time after a minute's end at which history is asked for its candle."""


class Outbox(Protocol):
    def put(self, message: MarketData | DeadLetterMessage) -> None: ...
    def put_watermark(self, watermark_ms: int) -> None: ...


@dataclass
class OpenGap:
    """Candles of one asset are missing from `from_ms` on."""

    from_ms: int
    to_ms: int | None = None
    """Last minute that history filled or that is lost; None while history has not answered."""
    lost: bool = False
    tries: int = 0


class CandleFlow:
    def __init__(self, assets: Iterable[str], stamp: Stamp, outbox: Outbox) -> None:
        self.gaps: dict[str, OpenGap] = {}
        self.gap_opened = asyncio.Event()
        self._stamp = stamp
        self._outbox = outbox
        self._published = {asset: Published() for asset in assets}

    def publish(self, row: CandleRow, wall_ms: int) -> None:
        """A candle of the live flow."""
        progress = self._stamp.progress.get(row.s)
        if progress is None or row.close_ms <= progress.closed_ms or row.close_ms in progress.have:
            # Before the start of the live flow, or known from history.
            return
        self._put(row, self._stamp.visible(row.close_ms), wall_ms, backfilled=False)
        progress.published(row.close_ms)

    def correct(self, row: CandleRow, wall_ms: int, *, from_history: bool) -> None:
        """Publishes `row` again when it differs from what was published of its minute: a revision.

        It is visible later than what it corrects, so what strategies saw stays what they saw.
        """
        before_ms = self._published[row.s].correction(row, is_final=from_history)
        if before_ms is not None:
            visible_ms = max(self._stamp.visible(row.close_ms), before_ms + 1)
            self._put(row, visible_ms, wall_ms, backfilled=from_history)
            metrics.REVISED.labels(EXCHANGE).inc()

    def start_history(self, closed_ms: dict[str, list[CandleRow]], wall_ms: int) -> None:
        """History of a first start: visible when it happened, since nothing was decided yet."""
        for asset, rows in closed_ms.items():
            for row in rows:
                if row.s == asset and row.close_ms <= self._stamp.progress[asset].closed_ms:
                    self._put(row, self._stamp.visible(row.close_ms), wall_ms, backfilled=True)

    def missing(self, asset: str, clock_ms: int | None) -> list[int]:
        """Close times of an open gap for which history must be asked."""
        if asset not in self.gaps or clock_ms is None:
            return []
        return self._stamp.progress[asset].missing(full_minute(clock_ms - SETTLED_MS))

    def backfilled(self, asset: str, missing: list[int], rows: list[CandleRow], give_up: bool, wall_ms: int) -> None:
        """History's answer to `missing`. With `give_up` what it does not hold is lost."""
        gap, progress = self.gaps[asset], self._stamp.progress[asset]
        found = {row.close_ms: row for row in rows if row.s == asset}
        for close_ms in missing:
            row = found.get(close_ms)
            if row is not None and close_ms > progress.closed_ms and close_ms not in progress.have:
                self._put(row, self._stamp.visible(close_ms), wall_ms, backfilled=True)
                progress.published(close_ms)
        if give_up and any(close_ms not in found for close_ms in missing):
            gap.lost = True
            progress.declared(missing[-1])
        if missing:
            is_complete = progress.closed_ms >= missing[-1]
            gap.tries = 0 if is_complete else gap.tries + 1
            gap.to_ms = missing[-1] if is_complete else gap.to_ms
        elif gap.to_ms is None and progress.closed_ms >= gap.from_ms:
            gap.to_ms = progress.closed_ms  # The live flow brought it after all.

    def take_up(self, asset: str, from_ms: int, after_gap: Iterable[int]) -> None:
        """A gap that an earlier start left open; `after_gap`: close times of the candles that came since."""
        self.gaps[asset] = OpenGap(from_ms)
        progress = self._stamp.progress[asset]
        progress.in_gap = True
        for close_ms in after_gap:
            progress.published(close_ms)
        self.gap_opened.set()

    def open_gap(self, asset: str, reason: str, wall_ms: int) -> None:
        progress = self._stamp.progress[asset]
        gap = self.gaps[asset] = OpenGap(from_ms=progress.closed_ms + 1)
        self._put_gap(asset, gap.from_ms, None, "open", reason, wall_ms)
        progress.in_gap = True
        self.gap_opened.set()

    def close_gaps(self, wall_ms: int) -> None:
        """Those which the watermark has passed whole."""
        watermark_ms = self._stamp.watermark_ms
        for asset, gap in list(self.gaps.items()):
            progress = self._stamp.progress[asset]
            if gap.to_ms is None or watermark_ms is None or watermark_ms < gap.to_ms:
                continue
            if progress.closed_ms < full_minute(watermark_ms):
                continue  # Passed without its candle while the gap was open: part of it, history is asked again.
            del self.gaps[asset]
            progress.in_gap = False
            self._put_gap(asset, gap.from_ms, gap.to_ms, "lost" if gap.lost else "filled", "backfill", wall_ms)

    def _put(self, row: CandleRow, visible_ms: int, wall_ms: int, *, backfilled: bool) -> None:
        self._outbox.put(outgoing.candle(row, visible_ms, wall_ms, backfilled=backfilled))
        self._published[row.s].note(row, visible_ms)

    def _put_gap(
        self, asset: str, from_ms: int, to_ms: int | None, state: GapState, reason: str, wall_ms: int
    ) -> None:  # fmt: skip
        visible_ms = self._stamp.visible(from_ms if to_ms is None else to_ms)
        self._outbox.put(gaps.gap(EXCHANGE, asset, CANDLES, from_ms, to_ms, state, reason, visible_ms, wall_ms))
        metrics.GAPS.labels(EXCHANGE, state).inc()
