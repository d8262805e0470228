"""What the socket says, as messages and watermarks in the order in which they must go out. No I/O.

Time reaches it as arguments: `now_s` monotonic seconds, `wall_ms` the receive time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from collector_hl import outgoing, parse
from collector_hl.asset_feed import AssetFeed, Known
from collector_hl.candle_flow import CandleFlow, Outbox
from collector_hl.holes import CHANNELS, UNFILLED, Holes
from collector_hl.outgoing import EXCHANGE
from collector_hl.parse import BboRow, BookRow, CandleRow, ClockRow, Context, CtxRow, FundingRow, TradeRow
from collector_hl.refusals import Refusals
from collector_hl.resume import Resume
from collector_hl.watch import BY_WALL_TIME, Watch
from trading_core.collect import gaps, metrics, numbers
from trading_core.collect.clock import VenueClock
from trading_core.collect.gaps import Channel, GapState
from trading_core.collect.rejects import dead_letter
from trading_core.collect.stamp import Progress, Stamp, full_minute
from trading_core.config import HyperliquidConfig
from trading_core.errors import VenueMessageInvalid

QUIET_PART = 0.5
"""Of a limit of silence: after so much of it the feed is no longer called healthy."""
_EXTRA: dict[str, dict[str, Any]] = {"candle": {"interval": "1m"}, "l2Book": {"fast": True}}


class Feed:
    def __init__(self, assets: Sequence[str], config: HyperliquidConfig, resume: Resume, outbox: Outbox) -> None:
        self.clock = VenueClock(config.simulated_clock)
        self.stamp = Stamp(config.lateness_ms, config.candle_wait_ms, resume.watermark_ms)
        self.candles = CandleFlow(assets, self.stamp, outbox)
        self.assets = {
            asset: AssetFeed(resume.known.get(asset, Known()), holes=Holes(resume.holes.get(asset))) for asset in assets
        }
        self.live = asyncio.Event()
        """Every subscription of the present socket is acknowledged and venue time is known."""
        self.poll_due = asyncio.Event()
        self.renewal_due = asyncio.Event()
        """The present socket does not ask for everything that it could."""
        self.rejects = 0
        self._config = config
        self._outbox = outbox
        self._resume = resume
        self._watch = Watch(config.silence)
        self.refusals = Refusals()
        self._unacknowledged: dict[tuple[str, str], None] = {}
        self._connected_s = 0.0
        self._poll_slot = -1
        self._was_live = False

    def subscriptions(self) -> list[dict[str, Any]]:
        """Clock frames first, so that the first contexts already have a time."""
        wanted: list[dict[str, Any]] = [{"type": "clock"}] if self._config.simulated_clock else []
        wanted += [
            {"type": channel, "coin": asset, **_EXTRA.get(channel, {})}
            for channel in CHANNELS
            for asset in self.assets
            if self.refusals.takes(channel, asset)
        ]
        return wanted

    def connected(self, now_s: float, wall_ms: int) -> None:
        metrics.CONNECTIONS.labels(EXCHANGE).inc()
        self._unacknowledged = {(one["type"], one.get("coin", "")): None for one in self.subscriptions()}
        self._connected_s = now_s
        clock_ms = self.clock.now_ms(wall_ms) or 0
        for channel, asset in self._unacknowledged:
            if channel in CHANNELS:
                self._watch.begin(asset, channel, now_s, clock_ms)

    def was_refused(self, now_s: float) -> bool:
        """A socket has ended: whether the venue seems to have cut it for a subscription; before `disconnected`."""
        first = next(iter(self._unacknowledged), None)
        acknowledged = len(self.subscriptions()) - len(self._unacknowledged)
        return self.refusals.closed(now_s - self._connected_s, first, acknowledged)

    def disconnected(self, wall_ms: int) -> None:
        """Also before the first socket: whatever went on since the last start has been missed."""
        self.live.clear()
        for asset, feed in self.assets.items():
            feed.disconnected()
            for venue_channel, channel in UNFILLED.items():
                known_ms = feed.known.at_ms(channel)
                if known_ms is not None:
                    self._open_hole(asset, channel, max(known_ms, self._sure_ms(asset, venue_channel)), wall_ms)
        self._watch.end()

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
        self._outbox.put(dead_letter(EXCHANGE, self.rejects, reason, payload, wall_ms))

    def advance(self, now_s: float, wall_ms: int) -> None:
        """Whatever has become due by time alone: closed bars, gaps, watermarks, closing gaps, polls."""
        clock_ms = self.clock.now_ms(wall_ms)
        if clock_ms is None:
            return
        for feed in self.assets.values():
            for row in feed.bars.overdue(clock_ms, self._watch.newest_ms):
                self.candles.publish(row, wall_ms)
        if not self.stamp.begun:
            return
        for asset in self.stamp.overdue(clock_ms, now_s):
            self.candles.open_gap(asset, "candle missing", wall_ms)
        for watermark_ms in self.stamp.decide(clock_ms, now_s):
            self._outbox.put_watermark(watermark_ms)
        self.candles.close_gaps(wall_ms)
        slot = clock_ms // (self._config.poll_interval_s * 1000)
        if slot != self._poll_slot:
            self._poll_slot = slot
            self.poll_due.set()

    def silent(self, now_s: float, wall_ms: int) -> list[str]:
        """The channels that have said nothing for their limit."""
        silent = self._watch.silent(now_s, self.clock.now_ms(wall_ms))
        return sorted(f"{channel} of {asset}" for asset, channel in silent)

    def is_healthy(self, now_s: float, wall_ms: int) -> bool:
        """Subscribed, and what the venue repeats all the time is being heard."""
        quiet = self._watch.silent(now_s, self.clock.now_ms(wall_ms), QUIET_PART)
        repeated = {CHANNELS[channel] for channel in BY_WALL_TIME}
        return (
            self.live.is_set()
            and not quiet
            and not any(repeated & feed.holes.open.keys() for feed in self.assets.values())
        )

    def relist(self, listed: set[str]) -> None:
        """What the venue lists now: a new socket asks for assets that are back."""
        if self.refusals.listed_again(listed):
            self.renewal_due.set()

    @property
    def open_gaps(self) -> int:
        return len(self.candles.gaps) + sum(len(feed.holes.open) for feed in self.assets.values())

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
        self._put_gap(asset, channel, from_ms, to_ms, "lost", "spool full", wall_ms)

    def _on_row(self, row: parse.Row, now_s: float, wall_ms: int) -> None:
        match row:
            case ClockRow():
                self.clock.on_frame(row.time)
                self._watch.clock_known(row.time)
                self.advance(now_s, wall_ms)
                if not self._unacknowledged:
                    self._go_live(wall_ms)
            case CandleRow():
                self._on_candle(row, now_s, wall_ms)
            case BboRow():
                self._on_bbo(row, now_s, wall_ms)
            case BookRow():
                self._on_book(row, now_s, wall_ms)
            case CtxRow():
                self._on_context(row, now_s, wall_ms)
            case parse.AckRow():
                self._unacknowledged.pop((row.type, row.coin), None)
                if not self._unacknowledged:
                    self._go_live(wall_ms)
            case parse.ErrorRow():
                raise VenueMessageInvalid(f"the venue says: {row.text}")

    def _heard(self, asset: str, channel: str, now_s: float, wall_ms: int) -> tuple[AssetFeed, int | None]:
        """The asset's feed and venue time, None while unknown."""
        feed = self.assets.get(asset)
        if feed is None:
            raise VenueMessageInvalid(f"{channel} of {asset!r}, which was not subscribed")
        clock_ms = self.clock.now_ms(wall_ms)
        if self._watch.was_broken(now_s, clock_ms or 0):
            for each in self.assets.values():
                each.bars.restart()  # what the silence swallowed may have been the last trades of a bucket
        self._watch.hear(asset, channel, now_s, clock_ms or 0)
        return feed, clock_ms

    def _on_trades(self, rows: list[TradeRow], now_s: float, wall_ms: int) -> None:
        if not rows:
            return
        asset = rows[0].coin
        feed, clock_ms = self._heard(asset, "trades", now_s, wall_ms)
        if clock_ms is None:
            return
        last_ms, backlog = feed.known.trade_ms, feed.backlog_due
        if backlog:
            feed.backlog_due = False
            # The first trades of all are history; later the backlog fills a hole as far as it reaches.
            feed.trades_from_ms = clock_ms if last_ms is None else last_ms
            self._close_trade_hole(asset, min(row.time for row in rows), clock_ms, wall_ms)
        for row in rows:
            message = outgoing.trade(row, self.stamp.visible(row.time), wall_ms)
            if not feed.is_new_trade(row, message.id):
                continue
            try:
                numbers.check_time(row.time, clock_ms)
                if row.coin != asset:
                    raise VenueMessageInvalid(f"trade of {row.coin!r} among those of {asset!r}")
            except VenueMessageInvalid as error:
                self.reject(str(error), repr(row), wall_ms)
                continue
            if not backlog:
                self.clock.on_event(row.time, wall_ms)
                feed.bars.traded(row.time)
            self._outbox.put(message)

    def _on_candle(self, row: CandleRow, now_s: float, wall_ms: int) -> None:
        feed, _ = self._heard(row.s, "candle", now_s, wall_ms)
        closed = feed.bars.update(row)
        for one in closed:
            self.candles.publish(one, wall_ms)
        if closed:
            self.advance(now_s, wall_ms)
        else:
            self.candles.correct(row, wall_ms, from_history=False)

    def _on_bbo(self, row: BboRow, now_s: float, wall_ms: int) -> None:
        feed, clock_ms = self._heard(row.coin, "bbo", now_s, wall_ms)
        if clock_ms is None:
            return
        numbers.check_time(row.time, clock_ms)
        self._close_hole(row.coin, "bbo", clock_ms, wall_ms)
        message = outgoing.bbo(row, self.stamp.visible(row.time), wall_ms)
        standing, feed.standing_due = feed.standing_due, False
        if feed.is_new_bbo(row, message.id):
            if not standing:
                self.clock.on_event(row.time, wall_ms)
                metrics.EVENT_DELAY_SECONDS.labels(EXCHANGE).observe(self.clock.delay_ms(row.time, wall_ms) / 1000)
            self._outbox.put(message)

    def _on_book(self, row: BookRow, now_s: float, wall_ms: int) -> None:
        feed, clock_ms = self._heard(row.coin, "l2Book", now_s, wall_ms)
        if clock_ms is None:
            return
        numbers.check_time(row.time, clock_ms)
        self._close_hole(row.coin, "book", clock_ms, wall_ms)
        changed_ms = feed.book_changed_ms(row)
        if changed_ms is not None:
            self._outbox.put(outgoing.book(row, changed_ms, self.stamp.visible(row.time), wall_ms))

    def _on_context(self, row: CtxRow, now_s: float, wall_ms: int) -> None:
        feed, clock_ms = self._heard(row.coin, "activeAssetCtx", now_s, wall_ms)
        if clock_ms is None:
            return
        self._close_hole(row.coin, "ctx", clock_ms, wall_ms)
        if feed.is_news(row.ctx, clock_ms):
            self._outbox.put(outgoing.ctx(row.coin, row.ctx, clock_ms, self.stamp.visible(clock_ms), wall_ms))

    def _go_live(self, wall_ms: int) -> None:
        """The socket is complete: candles that were missed since the last one are declared now."""
        clock_ms = self.clock.now_ms(wall_ms)
        if self.live.is_set() or clock_ms is None:
            return
        if not self._was_live:
            self._was_live = True
            self._take_up(clock_ms)
        for asset in self.assets:
            if asset not in self.candles.gaps and full_minute(clock_ms) > self.stamp.progress[asset].closed_ms:
                self.candles.open_gap(asset, "reconnected", wall_ms)
        self.live.set()
        if self._resume.watermark_ms is not None:
            self.stamp.begin()

    def _take_up(self, clock_ms: int) -> None:
        """Candle positions of this process: from the stream, or (a first start) from the present minute."""
        for asset in self.assets:
            closed_ms = self._resume.closed_ms.get(asset)
            self.stamp.progress[asset] = Progress(full_minute(clock_ms) if closed_ms is None else closed_ms)
            if asset in self._resume.gaps:
                self.candles.take_up(asset, self._resume.gaps[asset], self._resume.after_gap.get(asset, ()))

    def _sure_ms(self, asset: str, channel: str) -> int:
        """Up to when everything of a channel has come; before the first socket that is the last watermark."""
        lateness_ms = self._config.lateness_ms
        return max(self._watch.sure_ms(asset, channel, lateness_ms), self._resume.watermark_ms or 0)

    def _open_hole(self, asset: str, channel: Channel, sure_ms: int, wall_ms: int) -> None:
        from_ms = self.assets[asset].holes.begin(channel, sure_ms)
        if from_ms is not None:
            self._put_gap(asset, channel, from_ms, None, "open", "connection lost", wall_ms)

    def _close_hole(
        self, asset: str, channel: Channel, to_ms: int, wall_ms: int, state: GapState = "lost"
    ) -> None:  # fmt: skip
        ends = self.assets[asset].holes.end(channel, to_ms)
        if ends is not None:
            self._put_gap(asset, channel, *ends, state, "connection lost", wall_ms)

    def _close_trade_hole(self, asset: str, oldest_ms: int, clock_ms: int, wall_ms: int) -> None:
        """The backlog fills what it reaches back over."""
        from_ms = self.assets[asset].holes.open.get("trade")
        if from_ms is not None and oldest_ms <= from_ms:
            self._close_hole(asset, "trade", clock_ms, wall_ms, "filled")
        else:
            self._close_hole(asset, "trade", oldest_ms, wall_ms)

    def _put_gap(
        self, asset: str, channel: Channel, from_ms: int, to_ms: int | None, state: GapState, reason: str, wall_ms: int
    ) -> None:
        visible_ms = self.stamp.visible(from_ms if to_ms is None else to_ms)
        self._outbox.put(gaps.gap(EXCHANGE, asset, channel, from_ms, to_ms, state, reason, visible_ms, wall_ms))
        metrics.GAPS.labels(EXCHANGE, state).inc()
