"""The feed alone: frames and time in, messages and watermarks out."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from collector_hl.asset_feed import Known, Seen
from collector_hl.feed import Feed
from collector_hl.parse import CandleRow
from collector_hl.resume import Resume, still_open
from trading_core.config import HyperliquidConfig, SilenceConfig
from trading_core.messages import (
    BboMessage,
    BookMessage,
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

    def candle(self, t: int, asset: str = "BTC", **changes: Any) -> None:
        numbers = {"o": "100.0", "h": "101.0", "l": "99.0", "c": "100.5", "v": "2.0", "n": 4}
        self.send("candle", {"t": t, "T": t + 59_999, "s": asset, "i": "1m", **numbers, **changes})

    def book(self, time_ms: int, bid: str = "100.0") -> None:
        levels = [[{"px": bid, "sz": "1.0", "n": 1}], [{"px": "101.0", "sz": "1.0", "n": 1}]]
        self.send("l2Book", {"coin": "BTC", "time": time_ms, "levels": levels, "fast": True})

    def everything(self, time_ms: int, tid: int = 1) -> None:
        """A frame of every channel that has no history."""
        self.trade(time_ms, tid)
        self.send("bbo", {"coin": "BTC", "time": time_ms, "bbo": [{"px": f"{tid}.0", "sz": "1.0"}, None]})
        self.book(time_ms)
        self.ctx(f"{tid}.0")

    def ctx(self, mark: str) -> None:
        self.send("activeAssetCtx", {"coin": "BTC", "ctx": {"markPx": mark, "funding": "0.0000125"}})

    def minute(self, k: int) -> None:
        """Venue time reaches the k-th minute after T0 and its first frames come."""
        self.clock(T0 + k * MINUTE_MS)
        self.candle(T0 + k * MINUTE_MS)


def a_trade(time_ms: int, tid: int = 1, **changes: Any) -> dict[str, Any]:
    return {"coin": "BTC", "side": "A", "px": "100.5", "sz": "1.0", "time": time_ms, "tid": tid} | changes


def a_book(bids: list[str], asks: list[str]) -> dict[str, Any]:
    levels = [[{"px": px, "sz": "1.0", "n": 1} for px in side] for side in (bids, asks)]
    return {"coin": "BTC", "time": T0, "levels": levels}


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


def test_books_are_published_twice_a_second_at_most_and_unchanged_ones_each_five_seconds() -> None:
    drive = Drive()
    drive.start()
    # Bid 1 at 0, another at 400 ms (too soon), a third from 500 ms on.
    for offset, bid in ((0, "1.0"), (400, "2.0"), (500, "3.0"), (1_000, "3.0"), (5_499, "3.0"), (5_500, "3.0")):
        drive.clock(T0 + offset)
        drive.book(T0 + offset, bid)
    assert [(one.event_time_ms - T0, one.book_time_ms - T0, one.bids[0][0]) for one in drive.box.of(BookMessage)] == [
        (0, 0, "1.0"), (500, 500, "3.0"), (5_500, 500, "3.0"),
    ]  # fmt: skip


def test_a_book_that_a_newer_one_has_overtaken_is_published_once_too() -> None:
    drive = Drive()
    drive.start()
    drive.clock(T0 + 3_000)
    for offset, bid in ((1_000, "1.0"), (3_000, "3.0"), (2_000, "2.0"), (2_000, "2.0"), (2_900, "2.5")):
        drive.book(T0 + offset, bid)
    assert [one.event_time_ms - T0 for one in drive.box.of(BookMessage)] == [1_000, 3_000, 2_000]


def test_a_late_frame_of_a_published_candle_is_a_revision_that_decides_nothing_of_the_past() -> None:
    drive = Drive()
    drive.start()
    drive.candle(T0)
    drive.minute(1)
    drive.candle(T0, n=5, c="100.7")
    drive.candle(T0, n=3, c="100.1")  # an older state that was overtaken
    first, revised = drive.box.of(CandleMessage)
    assert (first.close, revised.close, revised.backfilled) == ("100.5", "100.7", False)
    assert first.id != revised.id
    assert first.visible_ms == T0 + MINUTE_MS < revised.visible_ms


def test_history_that_differs_from_a_published_candle_revises_it_once() -> None:
    drive = Drive()
    drive.start()
    drive.candle(T0)
    drive.minute(1)
    for _ in range(2):
        drive.feed.candles.correct(msgspec.structs.replace(a_row(T0), c="100.2"), WALL_MS, from_history=True)
    first, revised = drive.box.of(CandleMessage)
    assert (revised.close, revised.backfilled) == ("100.2", True)
    assert revised.visible_ms > first.visible_ms


@pytest.mark.parametrize(
    ("channel", "data", "reason"),
    [
        ("trades", [a_trade(T0 + 60_000)], "ahead of venue time"),
        ("trades", [a_trade(T0, coin="DOGE")], "not subscribed"),
        ("trades", [a_trade(T0, px="nan")], "no decimal number"),
        ("bbo", {"coin": "BTC", "time": T0, "bbo": "?"}, "Expected `array`"),
        ("l2Book", {"coin": "BTC", "time": T0, "levels": [[]]}, "Expected `array` of length 2"),
        ("l2Book", a_book(["100.0"], ["100.0"]), "book is crossed"),
        ("l2Book", a_book(["99.0", "100.0"], []), "not best first"),
        ("l2Book", a_book(["100.0"], [str(200 + k) for k in range(21)]), "21 levels on one side"),
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
    missing = drive.feed.candles.missing("BTC", drive.feed.clock.now_ms(WALL_MS))
    assert missing == [T0 + MINUTE_MS]
    drive.feed.candles.backfilled("BTC", missing, [a_row(T0)], False, WALL_MS)
    drive.clock(T0 + MINUTE_MS + 7_000)
    [candle] = drive.box.of(CandleMessage)
    assert candle.backfilled
    assert candle.visible_ms > candle.event_time_ms
    _, closed = drive.box.of(GapMessage)
    assert (closed.state, closed.from_ms, closed.to_ms) == ("filled", T0 + 1, T0 + MINUTE_MS)
    assert closed.visible_ms > closed.to_ms
    assert closed.id == f"g:hl:BTC:candle_1m:{T0 + 1}:{T0 + MINUTE_MS}"


def test_a_bucket_that_a_short_silence_cut_off_is_left_to_history() -> None:
    drive = Drive()
    drive.start()
    drive.everything(T0)
    drive.candle(T0, c="100.1", n=1)
    # Three seconds of silence on both clocks, shorter than any limit, hide how the minute ended.
    drive.clock(T0 + MINUTE_MS + 1_000, wait_s=3.0)
    drive.ctx("101.0")
    drive.candle(T0 + MINUTE_MS)
    assert drive.box.of(CandleMessage) == []
    drive.clock(T0 + MINUTE_MS + 6_000, wait_s=5.0)
    [gap] = [gap for gap in drive.box.of(GapMessage) if gap.channel == "candle_1m"]
    assert (gap.state, gap.from_ms) == ("open", T0 + 1)


def test_a_venue_that_stood_still_for_seconds_has_cut_off_nothing() -> None:
    drive = Drive()
    drive.start()
    drive.everything(T0 + 59_500)
    drive.clock(T0 + 59_500)
    drive.candle(T0)
    # A busy simulator: three seconds by our clock, half of one by its own.
    drive.clock(T0 + MINUTE_MS, wait_s=3.0)
    drive.candle(T0 + MINUTE_MS)
    assert [candle.open_time_ms for candle in drive.box.of(CandleMessage)] == [T0]


def test_what_history_does_not_hold_is_lost_after_the_last_try() -> None:
    drive = Drive()
    drive.start()
    drive.clock(T0 + MINUTE_MS)
    drive.clock(T0 + MINUTE_MS + 6_000, wait_s=5.0)
    missing = drive.feed.candles.missing("BTC", drive.feed.clock.now_ms(WALL_MS))
    drive.feed.candles.backfilled("BTC", missing, [], False, WALL_MS)
    assert drive.feed.candles.gaps["BTC"].to_ms is None
    drive.feed.candles.backfilled("BTC", missing, [], True, WALL_MS)
    drive.clock(T0 + MINUTE_MS + 7_000)
    assert [gap.state for gap in drive.box.of(GapMessage)] == ["open", "lost"]


def test_a_reconnect_declares_what_was_missed_on_every_channel() -> None:
    drive = Drive()
    drive.start()
    drive.candle(T0)
    drive.clock(T0 + 20_000)
    drive.everything(T0 + 20_000)
    drive.feed.disconnected(WALL_MS)
    opened = drive.box.of(GapMessage)
    # All that came up to the last frame, less the lateness of 1,500 ms, or the channel's own newest if that is later.
    assert {gap.channel for gap in opened} == {"trade", "bbo", "book", "ctx"}
    assert {(gap.state, gap.from_ms) for gap in opened} == {("open", T0 + 20_000)}
    back_ms = T0 + 3 * MINUTE_MS + 30_000
    drive.connect(back_ms)
    drive.everything(back_ms, tid=5)
    closed = {gap.channel: gap for gap in drive.box.of(GapMessage)[len(opened) :]}
    assert (closed["candle_1m"].state, closed["candle_1m"].from_ms) == ("open", T0 + 1)
    for channel in ("trade", "bbo", "book", "ctx"):
        assert (closed[channel].state, closed[channel].from_ms, closed[channel].to_ms) == (
            "lost", T0 + 20_000, back_ms,
        )  # fmt: skip
    assert [trade.trade_id for trade in drive.box.of(TradeMessage)] == ["1", "5"]


def test_a_hole_begins_where_the_socket_was_last_heard_not_where_a_quiet_channel_was() -> None:
    drive = Drive()
    drive.start()
    drive.everything(T0)
    drive.clock(T0 + 40_000, wait_s=6.0)
    drive.ctx("101.0")
    drive.feed.disconnected(WALL_MS)
    # The quote of T0 still stood at T0 + 40 s, since other channels were heard; 1,500 ms may be on their way.
    # A book would have been repeated within a second: nobody knows whether it changed after T0.
    assert {gap.channel: gap.from_ms - T0 for gap in drive.box.of(GapMessage)} == {
        "trade": 38_500, "bbo": 38_500, "book": 0, "ctx": 40_000,
    }  # fmt: skip


def test_the_hole_of_a_silent_channel_begins_with_its_silence() -> None:
    drive = Drive()
    drive.start()
    drive.everything(T0)
    for second in range(1, 10):
        drive.clock(T0 + second * 1_000, wait_s=1.0)
        drive.ctx(f"{100 + second}.0")
        quiet = drive.feed.silent(drive.now_s, WALL_MS)
    assert quiet == ["l2Book of BTC"]
    drive.feed.disconnected(WALL_MS)
    from_ms = {gap.channel: gap.from_ms - T0 for gap in drive.box.of(GapMessage)}
    assert from_ms["book"] == 0
    assert from_ms["ctx"] == 9_000
    assert from_ms["bbo"] == 7_500


def test_a_hole_stays_one_while_its_channel_stays_silent() -> None:
    drive = Drive()
    drive.start()
    drive.everything(T0)
    drive.feed.disconnected(WALL_MS)
    drive.connect(T0 + 10_000)
    drive.ctx("101.0")
    drive.feed.disconnected(WALL_MS)
    drive.connect(T0 + 20_000)
    drive.everything(T0 + 20_000, tid=2)
    bbo = [gap for gap in drive.box.of(GapMessage) if gap.channel == "bbo"]
    assert [(gap.state, gap.from_ms - T0, gap.to_ms and gap.to_ms - T0) for gap in bbo] == [
        ("open", 0, None), ("lost", 0, 20_000),
    ]  # fmt: skip
    ctx = [gap for gap in drive.box.of(GapMessage) if gap.channel == "ctx"]
    assert [gap.state for gap in ctx] == ["open", "lost", "open", "lost"]
    assert len({gap.from_ms for gap in ctx}) == 2


def test_a_restart_declares_what_was_missed_since_the_last_watermark() -> None:
    drive = Drive(a_resume())
    drive.feed.disconnected(WALL_MS)
    drive.connect(T0 + 30_000)
    drive.everything(T0 + 30_000, tid=2)
    gaps = [gap for gap in drive.box.of(GapMessage) if gap.channel == "bbo"]
    assert [(gap.state, gap.from_ms - T0) for gap in gaps] == [("open", 10_000), ("lost", 10_000)]
    assert all(gap.visible_ms > T0 + 10_000 for gap in gaps)


def test_a_restart_closes_the_hole_that_was_left_open() -> None:
    drive = Drive(a_resume(holes={"BTC": {"book": T0 + 2_000}}))
    drive.feed.disconnected(WALL_MS)
    drive.connect(T0 + 30_000)
    drive.everything(T0 + 30_000, tid=2)
    [gap] = [gap for gap in drive.box.of(GapMessage) if gap.channel == "book"]
    assert (gap.state, gap.from_ms, gap.to_ms) == ("lost", T0 + 2_000, T0 + 30_000)


def test_a_feed_that_hears_nothing_is_not_healthy_long_before_it_is_left() -> None:
    drive = Drive()
    drive.start()
    drive.everything(T0)
    assert drive.feed.is_healthy(drive.now_s, WALL_MS)
    for _ in range(4):
        drive.now_s += 1.01
        healthy = drive.feed.is_healthy(drive.now_s, WALL_MS)
    assert not healthy
    drive.feed.disconnected(WALL_MS)
    assert not drive.feed.is_healthy(drive.now_s, WALL_MS)
    drive.connect(T0 + 10_000)
    # Subscribed again, yet the venue says nothing.
    assert not drive.feed.is_healthy(drive.now_s, WALL_MS)
    drive.everything(T0 + 10_000, tid=2)
    assert drive.feed.is_healthy(drive.now_s, WALL_MS)


def test_a_reconnect_within_a_minute_loses_no_candle() -> None:
    drive = Drive()
    drive.start()
    drive.candle(T0)
    drive.feed.disconnected(WALL_MS)
    drive.connect(T0 + 30_000)
    drive.candle(T0)
    drive.minute(1)
    assert [candle.backfilled for candle in drive.box.of(CandleMessage)] == [False]
    assert "candle_1m" not in {gap.channel for gap in drive.box.of(GapMessage)}


def test_a_backlog_that_reaches_back_fills_the_hole_in_the_trades() -> None:
    drive = Drive(a_resume())
    drive.feed.disconnected(WALL_MS)
    drive.connect(T0 + 40_000)
    drive.send("trades", [a_trade(T0 + 4_000, 0), a_trade(T0 + 5_000, 1), a_trade(T0 + 25_000, 2)])
    assert [trade.trade_id for trade in drive.box.of(TradeMessage)] == ["2"]
    gaps = [gap for gap in drive.box.of(GapMessage) if gap.channel == "trade"]
    assert [(gap.state, gap.to_ms) for gap in gaps] == [("open", None), ("filled", T0 + 40_000)]


def test_a_trade_repeated_by_the_backlog_of_a_new_socket_is_published_once() -> None:
    drive = Drive()
    drive.start()
    rows = [a_trade(T0 + k * 100, k) for k in range(1, 6)]
    for row in rows:
        drive.send("trades", [row])
    drive.feed.disconnected(WALL_MS)
    drive.connect(T0 + 2_000)
    # Two trades of one block: the same time, and only one of them was seen.
    drive.send("trades", [*rows, a_trade(T0 + 500, 6), a_trade(T0 + 1_500, 7)])
    assert [trade.trade_id for trade in drive.box.of(TradeMessage)] == ["1", "2", "3", "4", "5", "6", "7"]


def test_what_is_remembered_of_a_channel_is_bounded() -> None:
    seen = Seen(limit=3)
    assert [seen.is_new(name) for name in "abcabd"] == [True, True, True, False, False, True]
    assert len(seen) == 3
    assert not seen.is_new("b")
    assert seen.is_new("a"), "the oldest was given up"


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
    assert drive.feed.candles.missing("BTC", drive.feed.clock.now_ms(WALL_MS)) == [T0 + MINUTE_MS, T0 + 3 * MINUTE_MS]
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
    assert drive.feed.silent(drive.now_s + 7.9, WALL_MS) == []
    assert drive.feed.silent(drive.now_s + 8.1, WALL_MS) == ["activeAssetCtx of BTC", "l2Book of BTC"]


def at_the_real_venue(wall_ms: int) -> tuple[Feed, Outbox]:
    """A feed without clock frames whose subscriptions are acknowledged."""
    box = Outbox()
    feed = Feed(("BTC",), HyperliquidConfig(), Resume(), box)
    assert {"type": "clock"} not in feed.subscriptions()
    feed.connected(1.0, wall_ms)
    for subscription in feed.subscriptions():
        acknowledged = {
            "channel": "subscriptionResponse",
            "data": {"method": "subscribe", "subscription": subscription},
        }
        feed.on_frame(json.dumps(acknowledged).encode(), 1.0, wall_ms)
    assert feed.live.is_set()
    return feed, box


def test_a_quote_that_stood_before_we_asked_does_not_set_the_clock() -> None:
    """It may be a minute old: taken for news, everything that follows would be ahead of venue time and refused."""
    wall_ms = T0 + 90_000
    feed, box = at_the_real_venue(wall_ms)

    def quote(time_ms: int, bid: str) -> None:
        bbo = {"coin": "BTC", "time": time_ms, "bbo": [{"px": bid, "sz": "1.0"}, None]}
        feed.on_frame(json.dumps({"channel": "bbo", "data": bbo}).encode(), 1.0, wall_ms)

    quote(wall_ms - 60_000, "100.0")
    assert feed.clock.offset_ms == 0
    quote(wall_ms - 20, "101.0")
    assert feed.clock.offset_ms == -20
    assert [one.bid_price for one in box.of(BboMessage)] == ["100.0", "101.0"]
    feed.disconnected(wall_ms)
    feed.connected(2.0, wall_ms)
    quote(wall_ms - 30_000, "102.0")
    assert feed.clock.offset_ms == -20


def test_at_the_real_venue_time_is_receive_time_and_needs_no_clock_frames() -> None:
    wall_ms = T0 + 30_000
    feed, box = at_the_real_venue(wall_ms)
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
    left = still_open([a_gap("open", 1), a_gap("filled", 1), a_gap("open", 9), a_gap("open", 4, "ctx")])
    assert {key: gap.from_ms for key, (gap, _) in left.items()} == {("BTC", "candle_1m"): 9, ("BTC", "ctx"): 4}
