"""The feed alone: frames and time in, messages and watermarks out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collector_hl.asset_feed import Known
from collector_hl.feed import Feed
from collector_hl.parse import CandleRow
from collector_hl.resume import Resume, still_open
from trading_core.config import HyperliquidConfig, SilenceConfig
from trading_core.messages import (
    BboMessage,
    CandleMessage,
    CtxMessage,
    DeadLetterMessage,
    GapMessage,
    MarketData,
    TradeMessage,
)
from trading_core.model import MINUTE_MS

T0 = 1_792_980_000_000
WALL_MS = 1_800_000_000_000


class Outbox:
    """Keeps what went out, in order; a watermark as its number."""

    def __init__(self) -> None:
        self.out: list[MarketData | DeadLetterMessage | int] = []

    def put(self, message: MarketData | DeadLetterMessage) -> None:
        self.out.append(message)

    def put_watermark(self, watermark_ms: int) -> None:
        self.out.append(watermark_ms)

    def of(self, kind: type) -> list[Any]:
        return [one for one in self.out if type(one) is kind]


class Drive:
    """A feed on a simulated clock, with one asset unless stated."""

    def __init__(self, resume: Resume | None = None, assets: tuple[str, ...] = ("BTC",)) -> None:
        self.box = Outbox()
        config = HyperliquidConfig(simulated_clock=True, silence=SilenceConfig(ctx_s=8, bbo_s=60, candle_s=90))
        self.feed = Feed(assets, config, resume or Resume(), self.box)
        self.now_s = 100.0

    def send(self, channel: str, data: Any) -> None:
        self.feed.on_frame(json.dumps({"channel": channel, "data": data}).encode(), self.now_s, WALL_MS)

    def clock(self, time_ms: int, wait_s: float = 0.01) -> None:
        self.now_s += wait_s
        self.send("clock", {"time": time_ms, "speed": 300.0})

    def connect(self, time_ms: int) -> None:
        self.feed.connected(self.now_s, WALL_MS)
        for subscription in self.feed.subscriptions():
            self.send("subscriptionResponse", {"method": "subscribe", "subscription": subscription})
            if subscription["type"] == "clock":
                self.clock(time_ms)

    def start(self, time_ms: int = T0) -> None:
        self.connect(time_ms)
        self.feed.stamp.begin()
        self.clock(time_ms)

    def trade(self, time_ms: int, tid: int = 1, **changes: Any) -> None:
        self.send("trades", [a_trade(time_ms, tid, **changes)])

    def candle(self, t: int, asset: str = "BTC") -> None:
        numbers = {"o": "100.0", "h": "101.0", "l": "99.0", "c": "100.5", "v": "2.0"}
        self.send("candle", {"t": t, "T": t + 59_999, "s": asset, "i": "1m", "n": 4, **numbers})

    def ctx(self, mark: str) -> None:
        self.send("activeAssetCtx", {"coin": "BTC", "ctx": {"markPx": mark, "funding": "0.0000125"}})

    def minute(self, k: int) -> None:
        """Venue time reaches the k-th minute after T0 and its first frames come."""
        self.clock(T0 + k * MINUTE_MS)
        self.candle(T0 + k * MINUTE_MS)


def a_trade(time_ms: int, tid: int = 1, **changes: Any) -> dict[str, Any]:
    return {"coin": "BTC", "side": "A", "px": "100.5", "sz": "1.0", "time": time_ms, "tid": tid} | changes


def a_row(t: int) -> CandleRow:
    return CandleRow(t=t, last_ms=t + 59_999, s="BTC", i="1m", o="100.0", h="101.0", l="99.0", c="100.5", v="2.0", n=4)


def a_resume(**changes: Any) -> Resume:
    resume = Resume(watermark_ms=T0 + 10_000, closed_ms={"BTC": T0})
    resume.known["BTC"] = Known(T0 + 5_000, f"t:hl:BTC:{T0 + 5_000}:1", T0 + 5_000, "b:1", T0 + 5_000)
    for name, value in changes.items():
        setattr(resume, name, value)
    return resume


def test_a_trade_is_stamped_with_its_own_time_and_side() -> None:
    drive = Drive()
    drive.start()
    drive.clock(T0 + 20_000)
    drive.trade(T0 + 20_000)
    [trade] = drive.box.of(TradeMessage)
    assert (trade.side, trade.event_time_ms, trade.visible_ms) == ("sell", T0 + 20_000, T0 + 20_000)


def test_the_backlog_of_a_first_start_is_history_not_flow() -> None:
    drive = Drive()
    drive.start()
    drive.send("trades", [a_trade(T0 - 5_000, 1), a_trade(T0, 2)])
    assert [trade.trade_id for trade in drive.box.of(TradeMessage)] == ["2"]


def test_a_trade_is_published_once() -> None:
    drive = Drive()
    drive.start()
    for _ in range(2):
        drive.trade(T0 + 1_000)
    assert len(drive.box.of(TradeMessage)) == 1


def test_a_candle_is_published_once_when_the_next_one_begins() -> None:
    drive = Drive()
    drive.start()
    drive.candle(T0)
    drive.candle(T0)
    assert not drive.box.of(CandleMessage)
    drive.minute(1)
    [candle] = drive.box.of(CandleMessage)
    assert (candle.event_time_ms, candle.visible_ms, candle.backfilled) == (T0 + MINUTE_MS, T0 + MINUTE_MS, False)


def test_the_watermark_of_a_minute_follows_its_candle() -> None:
    drive = Drive()
    drive.start()
    drive.candle(T0)
    drive.minute(1)
    drive.clock(T0 + MINUTE_MS + 20_000)
    at = drive.box.out.index(T0 + MINUTE_MS)
    assert any(isinstance(one, CandleMessage) for one in drive.box.out[:at])


def test_a_context_is_published_when_it_changed_and_at_each_full_minute() -> None:
    drive = Drive()
    drive.start()
    for mark, offset in (("100.0", 0), ("100.0", 1_000), ("101.0", 2_000), ("101.0", 59_000), ("101.0", 60_000)):
        drive.clock(T0 + offset)
        drive.ctx(mark)
    contexts = drive.box.of(CtxMessage)
    assert [(one.mark_price, one.event_time_ms - T0) for one in contexts] == [
        ("100.0", 0), ("101.0", 2_000), ("101.0", 60_000),
    ]  # fmt: skip
    assert contexts[0].open_interest is None


def test_a_quote_is_published_once_also_when_a_newer_one_has_overtaken_it() -> None:
    drive = Drive()
    drive.start()
    for time_ms in (T0 + 2_000, T0 + 2_000, T0 + 1_000, T0 + 1_000, T0 + 2_000):
        sides = [{"px": "100.0", "sz": "1.0"}, {"px": "100.1", "sz": "1.0"}]
        drive.send("bbo", {"coin": "BTC", "time": time_ms, "bbo": sides})
    assert [quote.event_time_ms - T0 for quote in drive.box.of(BboMessage)] == [2_000, 1_000]


@pytest.mark.parametrize(
    ("channel", "data", "reason"),
    [
        ("trades", [a_trade(T0 + 60_000)], "ahead of venue time"),
        ("trades", [a_trade(T0, coin="DOGE")], "not subscribed"),
        ("trades", [a_trade(T0, px="nan")], "no decimal number"),
        ("bbo", {"coin": "BTC", "time": T0, "bbo": "?"}, "Expected `array`"),
        ("surprise", {}, "unknown channel"),
        ("error", "Already subscribed: {}", "the venue says: Already subscribed"),
    ],
)
def test_a_bad_message_is_kept_with_its_reason_and_disturbs_nothing(channel: str, data: Any, reason: str) -> None:
    drive = Drive()
    drive.start()
    drive.feed.assets["BTC"].backlog_due = False
    drive.send(channel, data)
    drive.trade(T0 + 1_000, tid=9)
    [letter] = drive.box.of(DeadLetterMessage)
    assert reason in letter.reason
    assert letter.payload
    assert drive.feed.rejects == 1
    assert [trade.trade_id for trade in drive.box.of(TradeMessage)] == ["9"]


def test_a_missing_candle_opens_a_gap_that_lets_the_watermark_pass() -> None:
    drive = Drive()
    drive.start()
    drive.clock(T0 + MINUTE_MS)
    drive.clock(T0 + MINUTE_MS + 5_000)
    assert not drive.box.of(GapMessage)
    drive.clock(T0 + MINUTE_MS + 6_000, wait_s=5.0)
    [gap] = drive.box.of(GapMessage)
    assert (gap.state, gap.channel, gap.from_ms, gap.to_ms) == ("open", "candle_1m", T0 + 1, None)
    # An evaluation at the minute itself must see it.
    assert gap.visible_ms <= T0 + MINUTE_MS
    assert drive.box.out.index(gap) < drive.box.out.index(T0 + MINUTE_MS)


def test_a_filled_gap_closes_after_the_watermark_has_passed_what_was_missing() -> None:
    drive = Drive()
    drive.start()
    drive.clock(T0 + MINUTE_MS)
    drive.clock(T0 + MINUTE_MS + 6_000, wait_s=5.0)
    missing = drive.feed.missing("BTC", WALL_MS)
    assert missing == [T0 + MINUTE_MS]
    drive.feed.backfilled("BTC", missing, [a_row(T0)], False, WALL_MS)
    drive.clock(T0 + MINUTE_MS + 7_000)
    [candle] = drive.box.of(CandleMessage)
    assert candle.backfilled
    assert candle.visible_ms > candle.event_time_ms
    _, closed = drive.box.of(GapMessage)
    assert (closed.state, closed.from_ms, closed.to_ms) == ("filled", T0 + 1, T0 + MINUTE_MS)
    assert closed.visible_ms > closed.to_ms
    assert closed.id == f"g:hl:BTC:candle_1m:{T0 + 1}:{T0 + MINUTE_MS}"


def test_what_history_does_not_hold_is_lost_after_the_last_try() -> None:
    drive = Drive()
    drive.start()
    drive.clock(T0 + MINUTE_MS)
    drive.clock(T0 + MINUTE_MS + 6_000, wait_s=5.0)
    missing = drive.feed.missing("BTC", WALL_MS)
    drive.feed.backfilled("BTC", missing, [], False, WALL_MS)
    assert drive.feed.gaps["BTC"].to_ms is None
    drive.feed.backfilled("BTC", missing, [], True, WALL_MS)
    drive.clock(T0 + MINUTE_MS + 7_000)
    assert [gap.state for gap in drive.box.of(GapMessage)] == ["open", "lost"]


def test_a_reconnect_declares_what_was_missed_on_every_channel() -> None:
    drive = Drive()
    drive.start()
    drive.candle(T0)
    drive.clock(T0 + 20_000)
    drive.ctx("100.0")
    drive.trade(T0 + 20_000)
    drive.send("bbo", {"coin": "BTC", "time": T0 + 20_000, "bbo": [{"px": "1.0", "sz": "1.0"}, None]})
    drive.feed.disconnected()
    drive.connect(T0 + 3 * MINUTE_MS + 30_000)
    drive.send("trades", [a_trade(T0 + 2 * MINUTE_MS, 5), a_trade(T0 + 3 * MINUTE_MS, 6)])
    gaps = {gap.channel: gap for gap in drive.box.of(GapMessage)}
    assert (gaps["candle_1m"].state, gaps["candle_1m"].from_ms) == ("open", T0 + 1)
    assert (gaps["bbo"].state, gaps["bbo"].from_ms, gaps["bbo"].to_ms) == (
        "lost", T0 + 20_000, T0 + 3 * MINUTE_MS + 30_000,
    )  # fmt: skip
    assert (gaps["trade"].from_ms, gaps["trade"].to_ms) == (T0 + 20_000, T0 + 2 * MINUTE_MS)
    assert gaps["ctx"].state == "lost"
    assert [trade.trade_id for trade in drive.box.of(TradeMessage)] == ["1", "5", "6"]


def test_a_reconnect_within_a_minute_loses_no_candle() -> None:
    drive = Drive()
    drive.start()
    drive.candle(T0)
    drive.feed.disconnected()
    drive.connect(T0 + 30_000)
    drive.candle(T0)
    drive.minute(1)
    assert [candle.backfilled for candle in drive.box.of(CandleMessage)] == [False]
    assert "candle_1m" not in {gap.channel for gap in drive.box.of(GapMessage)}


def test_a_backlog_that_reaches_back_leaves_no_hole_in_the_trades() -> None:
    drive = Drive(a_resume())
    drive.connect(T0 + 40_000)
    drive.send("trades", [a_trade(T0 + 4_000, 0), a_trade(T0 + 5_000, 1), a_trade(T0 + 25_000, 2)])
    assert [trade.trade_id for trade in drive.box.of(TradeMessage)] == ["2"]
    assert "trade" not in {gap.channel for gap in drive.box.of(GapMessage)}


def test_a_restart_goes_on_from_the_last_watermark() -> None:
    drive = Drive(a_resume())
    drive.connect(T0 + 40_000)
    drive.candle(T0)
    drive.minute(1)
    drive.clock(T0 + MINUTE_MS + 2_000, wait_s=1.1)
    marks = drive.box.of(int)
    assert marks[0] > T0 + 10_000
    assert marks[-1] == T0 + MINUTE_MS + 500
    assert "candle_1m" not in {gap.channel for gap in drive.box.of(GapMessage)}


def test_a_restart_takes_up_a_gap_that_was_left_open() -> None:
    drive = Drive(a_resume(gaps={"BTC": T0 + 1}, after_gap={"BTC": [T0 + 2 * MINUTE_MS]}))
    drive.connect(T0 + 3 * MINUTE_MS + 30_000)
    assert drive.feed.missing("BTC", WALL_MS) == [T0 + MINUTE_MS, T0 + 3 * MINUTE_MS]
    assert "candle_1m" not in {gap.channel for gap in drive.box.of(GapMessage)}


def test_after_a_long_absence_every_full_minute_still_gets_its_watermark() -> None:
    drive = Drive(a_resume())
    drive.connect(T0 + 30 * MINUTE_MS)
    drive.clock(T0 + 30 * MINUTE_MS + 5_000)
    minutes = [mark for mark in drive.box.of(int) if mark % MINUTE_MS == 0]
    assert minutes == [T0 + k * MINUTE_MS for k in range(1, 31)]


def test_a_silent_channel_is_noticed_on_both_clocks() -> None:
    drive = Drive()
    drive.start()
    assert drive.feed.silent(drive.now_s + 7.9, WALL_MS) is None
    assert drive.feed.silent(drive.now_s + 8.1, WALL_MS) == "activeAssetCtx of BTC"
    drive.now_s += 61
    drive.ctx("100.0")
    # Venue time stands still: no quote can be expected.
    assert drive.feed.silent(drive.now_s, WALL_MS) is None
    drive.clock(T0 + 61_000)
    assert drive.feed.silent(drive.now_s, WALL_MS) == "bbo of BTC"


def test_at_the_real_venue_time_is_receive_time_and_needs_no_clock_frames() -> None:
    box = Outbox()
    feed = Feed(("BTC",), HyperliquidConfig(), Resume(), box)
    assert {"type": "clock"} not in feed.subscriptions()
    wall_ms = T0 + 30_000
    feed.connected(1.0, wall_ms)
    for subscription in feed.subscriptions():
        acknowledged = {
            "channel": "subscriptionResponse",
            "data": {"method": "subscribe", "subscription": subscription},
        }
        feed.on_frame(json.dumps(acknowledged).encode(), 1.0, wall_ms)
    assert feed.live.is_set()
    feed.stamp.begin()
    feed.advance(2.0, wall_ms + 1_000)
    assert box.of(int) == [wall_ms + 1_000 - 1_500]


def test_only_the_gap_that_nothing_closes_is_still_open() -> None:
    def a_gap(state: Any, from_ms: int, channel: str = "candle_1m") -> tuple[GapMessage, int]:
        gap = GapMessage(
            id="g", exchange="hyperliquid", asset="BTC", event_time_ms=from_ms, visible_ms=from_ms,
            channel=channel, from_ms=from_ms, state=state,
        )  # fmt: skip
        return gap, 7

    assert still_open([a_gap("open", 1), a_gap("filled", 1), a_gap("lost", 5, "bbo")]) == {}
    [(gap, _)] = still_open([a_gap("open", 1), a_gap("filled", 1), a_gap("open", 9)]).values()
    assert gap.from_ms == 9
