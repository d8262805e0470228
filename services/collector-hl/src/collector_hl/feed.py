"""What the socket says, as messages and watermarks in the order in which they must go out. No I/O.

Time reaches it as arguments: `now_s` monotonic seconds, `wall_ms` the receive time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from collector_hl import outgoing, parse
from collector_hl.asset_feed import AssetFeed, Known
from collector_hl.outgoing import CANDLES, EXCHANGE
from collector_hl.parse import BboRow, CandleRow, ClockRow, Context, CtxRow, FundingRow, TradeRow
from collector_hl.resume import Resume
from trading_core import ids
from trading_core.collect import gaps, metrics, numbers
from trading_core.collect.clock import VenueClock
from trading_core.collect.gaps import Channel, GapState
from trading_core.collect.stamp import Progress, Stamp, full_minute
from trading_core.config import HyperliquidConfig
from trading_core.errors import VenueMessageInvalid
from trading_core.messages import DeadLetterMessage, MarketData
from trading_core.model import MINUTE_MS

CHANNELS = ("trades", "candle", "bbo", "activeAssetCtx")
SETTLED_MS = 5_000
"""Venue time after a minute's end at which history is asked for its candle."""
PAYLOAD_MAX = 64 * 1024 // 2


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


class Feed:
    def __init__(self, assets: Sequence[str], config: HyperliquidConfig, resume: Resume, outbox: Outbox) -> None:
        self.clock = VenueClock(config.simulated_clock)
        self.stamp = Stamp(config.lateness_ms, config.candle_wait_ms, resume.watermark_ms)
        self.assets = {asset: AssetFeed(resume.known.get(asset, Known())) for asset in assets}
        self.gaps: dict[str, OpenGap] = {}
        self.live = asyncio.Event()
        """Every subscription of the present socket is acknowledged and venue time is known."""
        self.gap_opened = asyncio.Event()
        self.poll_due = asyncio.Event()
        self.rejects = 0
        self._config = config
        self._outbox = outbox
        self._resume = resume
        self._unacknowledged: set[tuple[str, str]] = set()
        self._heard_ms = 0
        self._poll_slot = -1
        self._was_live = False

    def subscriptions(self) -> list[dict[str, str]]:
        """Clock frames first, so that the first contexts already have a time."""
        wanted: list[dict[str, str]] = [{"type": "clock"}] if self._config.simulated_clock else []
        for channel in CHANNELS:
            for asset in self.assets:
                more = {"interval": "1m"} if channel == "candle" else {}
                wanted.append({"type": channel, "coin": asset, **more})
        return wanted

    def connected(self, now_s: float, wall_ms: int) -> None:
        metrics.CONNECTIONS.labels(EXCHANGE).inc()
        self._unacknowledged = {(one["type"], one.get("coin", "")) for one in self.subscriptions()}
        clock_ms = self.clock.now_ms(wall_ms) or 0
        for feed in self.assets.values():
            feed.heard = dict.fromkeys(CHANNELS, (now_s, clock_ms))

    def disconnected(self) -> None:
        self.live.clear()
        for feed in self.assets.values():
            feed.disconnected()

    def on_frame(self, data: bytes, now_s: float, wall_ms: int) -> None:
        """One frame. A bad one is kept in the dead-letter stream and disturbs nothing else."""
        try:
            channel, rows, rejects = parse.frame(data)
            for reject in rejects:
                self.reject(reject.reason, reject.payload, wall_ms)
            if channel == "trades":
                self._on_trades([row for row in rows if isinstance(row, TradeRow)], now_s, wall_ms)
            else:
                for row in rows:
                    self._on_row(row, now_s, wall_ms)
        except VenueMessageInvalid as error:
            self.reject(str(error), data.decode("utf-8", "replace"), wall_ms)

    def reject(self, reason: str, payload: str, wall_ms: int) -> None:
        self.rejects += 1
        metrics.REJECTED.labels(EXCHANGE).inc()
        # A dead letter is no market fact: its id tells it from an equal one, and a retry still has the same.
        name = f"dl:hl:{wall_ms}:{self.rejects}:{ids.h8(payload)}"
        self._outbox.put(
            DeadLetterMessage(
                id=name,
                source=f"venue.{EXCHANGE}",
                reason=reason,
                payload=payload[:PAYLOAD_MAX],
                received_time_ms=wall_ms,
            )
        )

    def advance(self, now_s: float, wall_ms: int) -> None:
        """Whatever has become due by time alone: closed bars, gaps, watermarks, closing gaps, polls."""
        clock_ms = self.clock.now_ms(wall_ms)
        if clock_ms is None:
            return
        for asset, feed in self.assets.items():
            row = feed.bars.overdue(clock_ms, self._heard_ms)
            if row is not None:
                self._publish_candle(asset, row, wall_ms)
        if not self.stamp.begun:
            return
        for asset in self.stamp.overdue(clock_ms, now_s):
            self._open_gap(asset, "candle missing", wall_ms)
        for watermark_ms in self.stamp.decide(clock_ms, now_s):
            self._outbox.put_watermark(watermark_ms)
        self._close_gaps(wall_ms)
        slot = clock_ms // (self._config.poll_interval_s * 1000)
        if slot != self._poll_slot:
            self._poll_slot = slot
            self.poll_due.set()

    def silent(self, now_s: float, wall_ms: int) -> str | None:
        """The first channel that has said nothing for its limit, on the monotonic and on the venue's clock."""
        limits = self._config.silence
        clock_ms = self.clock.now_ms(wall_ms)
        for asset, feed in self.assets.items():
            for channel, limit_s in (
                ("activeAssetCtx", limits.ctx_s), ("bbo", limits.bbo_s), ("candle", limits.candle_s),
            ):  # fmt: skip
                heard_s, heard_ms = feed.heard.get(channel, (now_s, 0))
                # Contexts come by wall time; the others only while venue time goes on.
                moved = channel == "activeAssetCtx" or clock_ms is None or clock_ms - heard_ms > limit_s * 1000
                if now_s - heard_s > limit_s and moved:
                    return f"{channel} of {asset}"
        return None

    def start_history(self, closed_ms: dict[str, list[CandleRow]], wall_ms: int) -> None:
        """History of a first start: visible when it happened, since nothing was decided yet."""
        for asset, rows in closed_ms.items():
            for row in rows:
                if row.s == asset and row.close_ms <= self.stamp.progress[asset].closed_ms:
                    message = outgoing.candle(row, self.stamp.visible(row.close_ms), wall_ms, backfilled=True)
                    self._outbox.put(message)

    def missing(self, asset: str, wall_ms: int) -> list[int]:
        """Close times of an open gap for which history must be asked."""
        clock_ms = self.clock.now_ms(wall_ms)
        if asset not in self.gaps or clock_ms is None:
            return []
        return self.stamp.progress[asset].missing(full_minute(clock_ms - SETTLED_MS))

    def backfilled(self, asset: str, missing: list[int], rows: list[CandleRow], give_up: bool, wall_ms: int) -> None:
        """History's answer to `missing`. With `give_up` what it does not hold is lost."""
        gap, progress = self.gaps[asset], self.stamp.progress[asset]
        found = {row.close_ms: row for row in rows if row.s == asset}
        for close_ms in missing:
            row = found.get(close_ms)
            if row is not None and close_ms > progress.closed_ms and close_ms not in progress.have:
                message = outgoing.candle(row, self.stamp.visible(close_ms), wall_ms, backfilled=True)
                self._outbox.put(message)
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

    @property
    def poll_slot_ms(self) -> int:
        """Start of the present poll's slot in venue time."""
        return self._poll_slot * self._config.poll_interval_s * 1000

    def on_poll(self, contexts: dict[str, Context], slot_ms: int, wall_ms: int) -> None:
        clock_ms = self.clock.now_ms(wall_ms)
        if clock_ms is None:
            return
        for asset, context in contexts.items():
            visible_ms = self.stamp.visible(clock_ms)
            self._outbox.put(outgoing.ctx(asset, context, clock_ms, visible_ms, wall_ms, poll_slot_ms=slot_ms))

    def on_funding(self, rows: list[FundingRow], wall_ms: int) -> None:
        for row in rows:
            self._outbox.put(outgoing.funding(row, self.stamp.visible(row.time), wall_ms))

    def on_dropped(self, asset: str, channel: Channel, from_ms: int, to_ms: int, wall_ms: int) -> None:
        self._lost(asset, channel, from_ms, to_ms, "spool full", wall_ms)

    def _on_row(self, row: parse.Row, now_s: float, wall_ms: int) -> None:
        match row:
            case ClockRow():
                self.clock.on_frame(row.time)
                self._heard_ms = row.time
                self.advance(now_s, wall_ms)
                if not self._unacknowledged:
                    self._go_live(wall_ms)
            case CandleRow():
                feed = self._heard(row.s, "candle", now_s, wall_ms)
                closed = feed.bars.update(row)
                if closed is not None:
                    self._publish_candle(row.s, closed, wall_ms)
                    self.advance(now_s, wall_ms)
            case BboRow():
                self._on_bbo(row, now_s, wall_ms)
            case CtxRow():
                feed = self._heard(row.coin, "activeAssetCtx", now_s, wall_ms)
                clock_ms = self.clock.now_ms(wall_ms)
                if clock_ms is not None and feed.is_news(row.ctx, clock_ms):
                    visible_ms = self.stamp.visible(clock_ms)
                    self._outbox.put(outgoing.ctx(row.coin, row.ctx, clock_ms, visible_ms, wall_ms))
            case parse.AckRow():
                self._unacknowledged.discard((row.type, row.coin))
                if not self._unacknowledged:
                    self._go_live(wall_ms)
            case parse.ErrorRow():
                raise VenueMessageInvalid(f"the venue says: {row.text}")

    def _heard(self, asset: str, channel: str, now_s: float, wall_ms: int) -> AssetFeed:
        feed = self.assets.get(asset)
        if feed is None:
            raise VenueMessageInvalid(f"{channel} of {asset!r}, which was not subscribed")
        clock_ms = self.clock.now_ms(wall_ms) or 0
        feed.heard[channel] = (now_s, clock_ms)
        self._heard_ms = clock_ms
        return feed

    def _on_trades(self, rows: list[TradeRow], now_s: float, wall_ms: int) -> None:
        if not rows:
            return
        asset = rows[0].coin
        feed = self._heard(asset, "trades", now_s, wall_ms)
        clock_ms = self.clock.now_ms(wall_ms)
        if clock_ms is None:
            return
        last_ms, backlog = feed.known.trade_ms, feed.backlog_due
        if backlog:
            feed.backlog_due = False
            # The first trades of all are history; later the backlog fills a hole as far as it reaches.
            feed.trades_from_ms = clock_ms if last_ms is None else last_ms
            if last_ms is not None and not feed.continues(rows):
                self._lost(asset, "trade", last_ms, min(row.time for row in rows), "reconnected", wall_ms)
        for row in feed.new_trades(rows):
            try:
                numbers.check_time(row.time, clock_ms)
                if row.coin != asset:
                    raise VenueMessageInvalid(f"trade of {row.coin!r} among those of {asset!r}")
            except VenueMessageInvalid as error:
                self.reject(str(error), repr(row), wall_ms)
                continue
            if not backlog:
                self.clock.on_event(row.time, wall_ms)
            self._outbox.put(outgoing.trade(row, self.stamp.visible(row.time), wall_ms))

    def _on_bbo(self, row: BboRow, now_s: float, wall_ms: int) -> None:
        feed = self._heard(row.coin, "bbo", now_s, wall_ms)
        clock_ms = self.clock.now_ms(wall_ms)
        if clock_ms is None:
            return
        numbers.check_time(row.time, clock_ms)
        message = outgoing.bbo(row, self.stamp.visible(row.time), wall_ms)
        if feed.is_new_bbo(row, message.id):
            self.clock.on_event(row.time, wall_ms)
            self._outbox.put(message)

    def _publish_candle(self, asset: str, row: CandleRow, wall_ms: int) -> None:
        progress = self.stamp.progress.get(asset)
        if progress is None or row.close_ms <= progress.closed_ms or row.close_ms in progress.have:
            # Before the start of the live flow, or known from history.
            return
        self._outbox.put(outgoing.candle(row, self.stamp.visible(row.close_ms), wall_ms, backfilled=False))
        progress.published(row.close_ms)

    def _go_live(self, wall_ms: int) -> None:
        """The socket is complete: what was missed since the last one is declared now."""
        clock_ms = self.clock.now_ms(wall_ms)
        if self.live.is_set() or clock_ms is None:
            return
        if not self._was_live:
            self._was_live = True
            self._take_up(clock_ms)
        for asset, feed in self.assets.items():
            # The limits of silence count from here where a channel has said nothing yet.
            feed.heard = {
                channel: (heard_s, heard_ms or clock_ms) for channel, (heard_s, heard_ms) in feed.heard.items()
            }
            if feed.lost_bbo_ms is not None and feed.lost_bbo_ms < clock_ms:
                self._lost(asset, "bbo", feed.lost_bbo_ms, clock_ms, "reconnected", wall_ms)
            if feed.lost_ctx_ms is not None and feed.lost_ctx_ms < clock_ms:
                self._lost(asset, "ctx", feed.lost_ctx_ms, clock_ms, "reconnected", wall_ms)
            feed.lost_bbo_ms = feed.lost_ctx_ms = None
            if asset not in self.gaps and full_minute(clock_ms) > self.stamp.progress[asset].closed_ms:
                self._open_gap(asset, "reconnected", wall_ms)
        self.live.set()
        if self._resume.watermark_ms is not None:
            self.stamp.begin()

    def _take_up(self, clock_ms: int) -> None:
        """Candle positions of this process: from the stream, or (a first start) from the present minute."""
        for asset in self.assets:
            closed_ms = self._resume.closed_ms.get(asset)
            self.stamp.progress[asset] = Progress(full_minute(clock_ms) if closed_ms is None else closed_ms)
            if asset in self._resume.gaps:
                self.gaps[asset] = OpenGap(self._resume.gaps[asset])
                self.stamp.progress[asset].in_gap = True
                for close_ms in self._resume.after_gap.get(asset, ()):
                    self.stamp.progress[asset].published(close_ms)
                self.gap_opened.set()

    def _open_gap(self, asset: str, reason: str, wall_ms: int) -> None:
        progress = self.stamp.progress[asset]
        gap = self.gaps[asset] = OpenGap(from_ms=progress.closed_ms + 1)
        visible_ms = self.stamp.visible(gap.from_ms)
        self._outbox.put(gaps.gap(EXCHANGE, asset, CANDLES, gap.from_ms, None, "open", reason, visible_ms, wall_ms))
        metrics.GAPS.labels(EXCHANGE, "open").inc()
        progress.in_gap = True
        self.gap_opened.set()

    def _close_gaps(self, wall_ms: int) -> None:
        """A gap closes once the watermark has passed all of it, so that every evaluation inside it has seen it."""
        watermark_ms = self.stamp.watermark_ms
        for asset, gap in list(self.gaps.items()):
            progress = self.stamp.progress[asset]
            if gap.to_ms is None or watermark_ms is None or watermark_ms < gap.to_ms:
                continue
            if progress.closed_ms < full_minute(watermark_ms):
                continue  # Passed without its candle while the gap was open: part of it, history is asked again.
            del self.gaps[asset]
            progress.in_gap = False
            state: GapState = "lost" if gap.lost else "filled"
            visible_ms = self.stamp.visible(gap.to_ms)
            self._outbox.put(
                gaps.gap(EXCHANGE, asset, CANDLES, gap.from_ms, gap.to_ms, state, "backfill", visible_ms, wall_ms)
            )
            metrics.GAPS.labels(EXCHANGE, state).inc()

    def _lost(self, asset: str, channel: Channel, from_ms: int, to_ms: int, reason: str, wall_ms: int) -> None:
        """A hole that history cannot fill is written once, with both ends."""
        visible_ms = self.stamp.visible(from_ms)
        self._outbox.put(gaps.gap(EXCHANGE, asset, channel, from_ms, to_ms, "lost", reason, visible_ms, wall_ms))
        metrics.GAPS.labels(EXCHANGE, "lost").inc()


def backfill_span_ms(close_times: list[int]) -> tuple[int, int]:
    """First and last open time of the candles that close at these times."""
    return close_times[0] - MINUTE_MS, close_times[-1] - MINUTE_MS
