"""The feed without I/O: frames in, messages and watermarks out, in their order."""

from __future__ import annotations

import json
from typing import Any

from test_pm_book import T0, a_listing, a_row

from collector_pm.feed import Feed
from collector_pm.resume import is_change
from trading_core.config import PolymarketConfig
from trading_core.messages import BookMessage, DeadLetterMessage, GapMessage, MarketData, ProbMessage, ResolvedMessage
from trading_core.model import MINUTE_MS

MARKET, TOKEN, OTHER = "0x1", "1", "91"
Out = MarketData | DeadLetterMessage | int


class Outbox:
    def __init__(self) -> None:
        self.out: list[Out] = []

    def put(self, message: MarketData | DeadLetterMessage) -> None:
        self.out.append(message)

    def put_watermark(self, watermark_ms: int) -> None:
        self.out.append(watermark_ms)


class Bench:
    """A feed of BTC that follows one market, whose socket was opened at T0 of venue time."""

    def __init__(self, watermark_ms: int | None = None, **config: Any) -> None:
        self.box = Outbox()
        settings = PolymarketConfig(enabled=True, simulated_clock=True, **config)
        self.feed = Feed(("BTC",), settings, self.box, watermark_ms)
        self.now_s = 100.0
        self.feed.connected(0, self.now_s, 0)
        self.clock(T0)
        self.feed.listed([a_listing()], 0, {})
        self.feed.looked(T0, 0)

    def say(self, *events: dict[str, Any], line: int = 0) -> None:
        self.feed.on_frame(line, json.dumps(list(events)).encode(), self.now_s, 0)

    def clock(self, time_ms: int, line: int = 0) -> None:
        self.say({"event_type": "clock", "timestamp": str(time_ms)}, line=line)

    def dump(self, at_ms: int = T0, bid: str = "0.5", ask: str = "0.6", of: str = TOKEN) -> None:
        levels = {"bids": [{"price": bid, "size": "10"}], "asks": [{"price": ask, "size": "10"}]}
        head = {"event_type": "book", "market": MARKET, "asset_id": of, "timestamp": str(at_ms)}
        self.say({**head, **levels})

    def change(self, at_ms: int, price: str, size: str, top: tuple[str, str], side: str = "BUY") -> None:
        one = {"asset_id": TOKEN, "price": price, "size": size, "side": side, "best_bid": top[0], "best_ask": top[1]}
        mirror = {**one, "asset_id": OTHER, "price": "0.9", "best_bid": "0.1", "best_ask": "0.2"}
        head = {"event_type": "price_change", "market": MARKET, "timestamp": str(at_ms)}
        self.say({**head, "price_changes": [mirror, one]})

    def of(self, kind: type) -> list[Any]:
        return [one for one in self.box.out if isinstance(one, kind)]

    def holes(self) -> dict[int, int]:
        """Beginning to end, in ms since T0, as told last."""
        return {one.from_ms - T0: (one.to_ms or 0) - T0 for one in self.of(GapMessage)}

    def books(self) -> list[BookMessage]:
        return self.of(BookMessage)


def test_a_market_is_told_of_as_it_is_found_and_its_first_book_as_it_comes() -> None:
    bench = Bench()
    [poll] = bench.of(ProbMessage)
    assert (poll.market, poll.end_time_ms, poll.event_time_ms) == (MARKET, T0 + 5 * MINUTE_MS, T0)
    bench.dump(T0 - 3_000)
    [book] = bench.books()
    # Three seconds old, and known to stand now.
    assert (book.event_time_ms, book.book_time_ms, book.bids) == (T0, T0 - 3_000, (("0.5", "10"),))


def test_two_changes_within_half_a_second_are_one_snapshot_of_the_later_state() -> None:
    bench = Bench()
    bench.dump()
    bench.clock(T0 + 1_000)
    bench.change(T0 + 1_000, "0.51", "1", ("0.51", "0.6"))
    bench.change(T0 + 1_100, "0.52", "1", ("0.52", "0.6"))
    bench.change(T0 + 1_200, "0.53", "1", ("0.53", "0.6"))
    assert [one.event_time_ms for one in bench.books()] == [T0, T0 + 1_000]
    bench.clock(T0 + 1_500)
    assert [one.event_time_ms for one in bench.books()] == [T0, T0 + 1_000, T0 + 1_200]
    assert bench.books()[-1].bids[0] == ("0.53", "1")


def test_a_state_that_stood_for_half_a_second_is_told_though_the_next_one_came_first() -> None:
    bench = Bench()
    bench.dump()
    bench.clock(T0 + 1_000)
    bench.change(T0 + 1_000, "0.51", "1", ("0.51", "0.6"))
    bench.change(T0 + 1_300, "0.52", "1", ("0.52", "0.6"))
    bench.change(T0 + 1_800, "0.53", "1", ("0.53", "0.6"))
    assert [one.event_time_ms - T0 for one in bench.books()] == [0, 1_000, 1_300, 1_800]


def test_what_rest_shows_is_no_proof_that_the_socket_still_spoke() -> None:
    bench = Bench()
    bench.dump()
    bench.clock(T0 + 2_000)
    bench.change(T0 + 1_000, "0.51", "1", ("0.51", "0.6"))
    # The socket keeps the next change to itself; two seconds after REST has shown it, REST stands in.
    bench.feed.on_check([a_row(["0.58"], ["0.6"], T0 + 3_000)], T0 + 4_000, 0)
    bench.clock(T0 + 7_000)
    told = bench.books()
    assert [one.bids[0][0] for one in told][-1] == "0.58"
    assert max(one.book_time_ms for one in told if is_change(one)) == T0 + 1_000


def test_a_wrong_top_makes_the_book_unknown_until_it_is_told_whole() -> None:
    bench = Bench()
    bench.dump()
    bench.change(T0 + 1_000, "0.51", "1", ("0.55", "0.6"))
    assert bench.feed.resubscribe == {TOKEN}
    bench.change(T0 + 2_000, "0.52", "1", ("0.52", "0.6"))
    assert len(bench.books()) == 1
    bench.clock(T0 + 2_100)
    bench.dump(T0 + 2_100, "0.52")
    assert bench.books()[-1].bids == (("0.52", "10"),)


def test_rest_confirms_the_same_state_and_stands_in_for_what_the_socket_did_not_tell() -> None:
    bench = Bench()
    bench.dump(T0)
    bench.feed.on_check([a_row(["0.5"], ["0.6"], T0)], T0 + 3_000, 0)
    bench.feed.on_check([a_row(["0.5"], ["0.6"], T0)], T0 + 10_000, 0)
    assert [one.event_time_ms for one in bench.books()] == [T0, T0 + 10_000]
    # Newer than what is kept: given two seconds of venue time to come over the socket.
    missed = a_row(["0.58"], ["0.6"], T0 + 14_000)
    bench.feed.on_check([missed], T0 + 14_500, 0)
    bench.clock(T0 + 16_400)
    assert bench.books()[-1].bids[0][0] == "0.5"
    bench.clock(T0 + 16_500)
    assert (bench.books()[-1].bids[0][0], bench.feed.resubscribe) == ("0.58", {TOKEN})


def test_rest_says_nothing_when_the_socket_was_merely_slower() -> None:
    bench = Bench()
    bench.dump(T0)
    bench.feed.on_check([a_row(["0.58"], ["0.6"], T0 + 1_000)], T0 + 1_500, 0)
    bench.clock(T0 + 1_000)
    bench.change(T0 + 1_000, "0.58", "10", ("0.58", "0.6"))
    bench.clock(T0 + 5_000)
    assert bench.feed.resubscribe == set()


def test_a_book_that_stands_is_told_again_every_ten_seconds_of_venue_time() -> None:
    bench = Bench()
    bench.dump()
    for second in range(1, 31):
        bench.clock(T0 + second * 1_000)
    assert [one.event_time_ms - T0 for one in bench.books()] == [0, 9_999, 19_999, 29_999]
    assert {one.book_time_ms for one in bench.books()} == {T0}


def test_the_watermark_stays_behind_the_slowest_socket() -> None:
    bench = Bench(tokens_per_socket=1)
    bench.feed.listed([a_listing(2)], 0, {})
    assert set(bench.feed.roster.lines()) == {0, 1}
    bench.feed.connected(1, bench.now_s, 0)
    bench.clock(T0, line=1)
    bench.feed.go_live(0)
    bench.now_s += 2
    bench.clock(T0 + 60_000)
    assert bench.feed.stamp.watermark_ms == T0 - 1_500
    bench.now_s += 2
    bench.clock(T0 + 61_500, line=1)
    bench.clock(T0 + 61_500)
    assert T0 + MINUTE_MS in bench.box.out
    # Whatever comes after a watermark is visible after it.
    bench.dump(T0 + 30_000)
    assert bench.books()[-1].visible_ms > (bench.feed.stamp.watermark_ms or 0)


def test_a_lost_socket_is_one_gap_with_both_ends() -> None:
    bench = Bench()
    bench.feed.listed([a_listing(2)], 0, {})
    bench.dump()
    bench.dump(of="2")
    bench.clock(T0 + 5_000)
    bench.change(T0 + 5_000, "0.51", "1", ("0.51", "0.6"))
    bench.feed.disconnected(0)
    bench.feed.connected(0, bench.now_s, 0)
    bench.clock(T0 + 9_000)
    bench.dump(T0 + 8_000, "0.52")
    bench.clock(T0 + 9_500)
    # One of the two books is not known yet.
    assert (bench.of(GapMessage), bench.feed.unknown_books(0)) == ([], 1)
    bench.dump(T0 + 8_000, of="2")
    assert bench.feed.unknown_books(0) == 0
    bench.clock(T0 + 9_600)
    [gap] = bench.of(GapMessage)
    assert (gap.channel, gap.from_ms, gap.to_ms, gap.state) == ("book", T0 + 5_000, T0 + 9_500, "lost")


def test_a_hole_is_told_before_every_watermark_while_it_lasts() -> None:
    """So a collector that is killed in the middle of one leaves nothing unsaid."""
    bench = Bench(lateness_ms=1_000)
    bench.dump()
    bench.feed.go_live(0)
    bench.feed.disconnected(0)
    bench.feed.connected(0, bench.now_s, 0)
    for second in (70, 130):
        bench.clock(T0 + second * 1_000)
    told = [(one.from_ms, one.to_ms) for one in bench.of(GapMessage)]
    # The first watermark of a start, then that of each full minute.
    marks = [one for one in bench.box.out if isinstance(one, int)]
    assert marks == [T0 + 69_000, T0 + 120_000]
    assert told == [(T0, mark) for mark in marks]
    for mark in marks:
        place = bench.box.out.index(mark)
        assert isinstance(bench.box.out[place - 1], GapMessage)
    bench.dump(T0 + 130_000)
    bench.clock(T0 + 130_100)
    # Of the same beginning, so it is the same hole, longer.
    assert [(one.from_ms, one.to_ms) for one in bench.of(GapMessage)][2:] == [(T0, T0 + 130_000)]


def test_a_window_whose_book_comes_after_its_opening_has_a_hole_from_then_on() -> None:
    bench = Bench()
    bench.dump()
    bench.feed.go_live(0)
    late = a_listing(2, start_ms=T0 + 20_000, end_ms=T0 + 5 * MINUTE_MS)
    bench.feed.listed([late], 0, {})
    bench.clock(T0 + 21_000)
    bench.dump(T0 + 15_000, of="2")
    bench.clock(T0 + 21_100)
    assert [(one.from_ms, one.to_ms) for one in bench.of(GapMessage)] == [(T0 + 20_000, T0 + 21_000)]


def test_a_window_that_is_found_in_time_has_none_whenever_it_came_near() -> None:
    bench = Bench()
    bench.dump()
    bench.feed.go_live(0)
    bench.clock(T0 + 50_000)
    bench.feed.listed([a_listing(2, start_ms=T0 + MINUTE_MS)], 0, {})
    bench.dump(T0, of="2")
    bench.clock(T0 + 2 * MINUTE_MS)
    assert bench.of(GapMessage) == []


def test_what_came_near_while_the_catalogue_was_not_read_is_lost_since_the_last_good_look() -> None:
    bench = Bench(subscribe_ahead_s=60)
    bench.dump()
    bench.feed.go_live(0)
    bench.feed.look_failed()
    bench.clock(T0 + 90_000)
    # One came near before the last good look, the other, whose opening is still ahead, 40 s after it.
    early, late = a_listing(2, start_ms=T0 + 30_000), a_listing(3, start_ms=T0 + 100_000)
    bench.feed.listed([early, late], 0, {})
    bench.feed.looked(T0 + 90_000, 0)
    bench.dump(T0, of="2")
    bench.dump(T0, of="3")
    bench.clock(T0 + 95_000)
    # And a window that opened after the 60 s that were known then might have been a short one.
    assert bench.holes() == {0: 90_000, 40_000: 90_000, 60_000: 90_000}


def test_windows_that_opened_and_ended_between_two_looks_are_lost_unseen() -> None:
    bench = Bench(subscribe_ahead_s=60)
    bench.dump()
    bench.feed.go_live(0)
    bench.clock(T0 + 50_000)
    bench.feed.looked(T0 + 50_000, 0)
    bench.clock(T0 + 400_000)
    bench.feed.looked(T0 + 400_000, 0)
    # At T0 + 50 s every window was known that opens within the 60 s after it; so it was told before the watermark, too.
    found = [(one.from_ms - T0, (one.to_ms or 0) - T0) for one in bench.of(GapMessage)]
    assert found == [(110_000, 360_000), (110_000, 400_000)]
    first = next(place for place, one in enumerate(bench.box.out) if isinstance(one, GapMessage))
    assert bench.box.out[first + 1] == T0 + 60_000


def test_a_market_that_the_venue_lists_late_is_owed_from_then_on() -> None:
    bench = Bench()
    bench.dump()
    bench.feed.go_live(0)
    bench.clock(T0 + 90_000)
    new = a_listing(2)
    bench.feed.listed([new], 0, {new.slug: T0 + 60_000})
    bench.dump(T0 + 70_000, of="2")
    bench.clock(T0 + 95_000)
    assert [(one.from_ms, one.to_ms) for one in bench.of(GapMessage)] == [(T0 + 60_000, T0 + 90_000)]


def test_a_book_that_never_comes_is_asked_for_again_and_its_hole_ends_with_its_market() -> None:
    bench = Bench()
    bench.feed.go_live(0)
    bench.feed.asked([TOKEN], bench.now_s)
    bench.now_s += 11
    bench.clock(T0 + 11_000)
    assert (bench.feed.unverified(bench.now_s, 0), bench.feed.resubscribe) == ([TOKEN], {TOKEN})
    # REST stands in for it, and what lies between two of its answers is lost all the same.
    bench.feed.on_check([a_row(["0.5"], ["0.6"], T0)], T0 + 11_000, 0)
    assert bench.books()[-1].event_time_ms == T0 + 11_000
    bench.change(T0 + 12_000, "0.51", "1", ("0.51", "0.6"))
    bench.clock(T0 + 13_000)
    assert bench.books()[-1].bids == (("0.5", "10"),)
    bench.say(
        {"event_type": "market_resolved", "market": MARKET, "winning_asset_id": TOKEN, "timestamp": str(T0 + 13_000)}
    )
    bench.clock(T0 + 14_000)
    assert (bench.of(GapMessage)[-1].from_ms, bench.of(GapMessage)[-1].to_ms) == (T0, T0 + 13_000)


def test_a_socket_that_keeps_a_change_to_itself_is_stalled() -> None:
    bench = Bench()
    bench.dump()
    bench.clock(T0 + 6_000)
    bench.feed.on_check([a_row(["0.58"], ["0.6"], T0 + 5_000)], T0 + 6_000, 0)
    bench.clock(T0 + 8_000)
    # A young socket is not left for what REST alone says.
    assert bench.feed.silent(bench.now_s, 0) == []
    assert bench.feed.silent(bench.now_s + 10.1, 0) == [0]
    # Another market of the same socket was told of meanwhile: only this book is asked for again.
    bench.say({"event_type": "last_trade_price", "asset_id": "7", "price": "0.5", "timestamp": str(T0 + 8_000)})
    assert bench.feed.silent(bench.now_s + 10.1, 0) == []


def test_a_socket_without_a_frame_is_dead_whatever_venue_time_does() -> None:
    bench = Bench()
    bench.feed.on_frame(0, b"PONG", bench.now_s + 5, 0)
    assert bench.feed.silent(bench.now_s + 34, 0) == []
    assert bench.feed.silent(bench.now_s + 36, 0) == [0]


def test_levels_that_differ_below_the_best_are_found_by_rest() -> None:
    bench = Bench()
    bench.dump()
    bench.clock(T0 + 5_000)
    bench.feed.on_check([a_row(["0.5"], ["0.6"], T0)], T0 + 4_000, 0)
    bench.change(T0 + 5_000, "0.45", "7", ("0.5", "0.6"))
    bench.feed.on_check([a_row(["0.5", "0.45"], ["0.6"], T0 + 5_000)], T0 + 5_100, 0)
    assert bench.feed.resubscribe == {TOKEN}
    bench.clock(T0 + 6_000)
    bench.dump(T0 + 5_500)
    bench.clock(T0 + 6_100)
    # Right it was when REST was last found to show the same.
    assert [(one.from_ms, one.to_ms) for one in bench.of(GapMessage)] == [(T0 + 4_000, T0 + 6_000)]


def test_a_market_that_has_ended_is_not_waited_for_at_the_start() -> None:
    bench = Bench()
    bench.feed.listed([a_listing(2, start_ms=T0 - 5 * MINUTE_MS, end_ms=T0)], 0, {})
    assert not bench.feed.has_books()
    bench.dump()
    assert (bench.feed.has_books(), bench.feed.books_came.is_set()) == (True, True)


def test_a_restart_declares_what_lies_between() -> None:
    bench = Bench(watermark_ms=T0 - 90_000)
    bench.feed.go_live(0)
    [gap] = bench.of(GapMessage)
    assert (gap.asset, gap.from_ms, gap.to_ms) == ("BTC", T0 - 90_000, T0)
    assert all(one.visible_ms > T0 - 90_000 for one in bench.of(ProbMessage))


def test_a_restart_mistrusts_a_silence_before_its_last_watermark() -> None:
    box = Outbox()
    settings = PolymarketConfig(enabled=True, simulated_clock=True)
    feed = Feed(("BTC", "ETH"), settings, box, T0 - 90_000, {"BTC": T0 - 97_000, "ETH": T0 - 80_000})
    feed.connected(0, 100.0, 0)
    feed.on_frame(0, json.dumps([{"event_type": "clock", "timestamp": str(T0)}]).encode(), 100.0, 0)
    feed.go_live(0)
    found = [(one.asset, one.from_ms - T0) for one in box.out if isinstance(one, GapMessage)]
    assert found == [("BTC", -97_000), ("ETH", -90_000)]


def test_a_socket_that_is_ahead_of_the_others_is_believed_and_its_results_wait_for_them() -> None:
    bench = Bench(tokens_per_socket=1)
    bench.feed.listed([a_listing(2)], 0, {})
    bench.feed.connected(1, bench.now_s, 0)
    bench.clock(T0, line=1)
    bench.dump()
    told = {"event_type": "market_resolved", "market": MARKET, "winning_asset_id": TOKEN, "timestamp": str(T0 + 60_000)}
    bench.clock(T0 + 60_000, line=1)
    head = {"event_type": "book", "market": "0x2", "asset_id": "2", "timestamp": str(T0 + 60_000)}
    levels = [{"price": "0.5", "size": "10"}]
    bench.say({**head, "bids": levels, "asks": []}, told, line=1)
    # A minute ahead of the other socket: no reason to refuse what it says.
    assert (bench.feed.rejects, [one.market for one in bench.books()]) == (0, [MARKET, "0x2"])
    assert bench.of(ResolvedMessage) == []
    bench.clock(T0 + 59_000)
    bench.change(T0 + 59_000, "0.51", "1", ("0.51", "0.6"))
    bench.clock(T0 + 60_000)
    # Its last state is told before it is let go, though half a second has not passed since the one before.
    assert bench.books()[-1].bids[0] == ("0.51", "1")
    assert [one.event_time_ms for one in bench.of(ResolvedMessage)] == [T0 + 60_000]


def test_a_result_ends_the_market_whoever_tells_it_and_only_once() -> None:
    bench = Bench()
    told = {"event_type": "market_resolved", "market": MARKET, "winning_asset_id": OTHER, "timestamp": str(T0 + 1)}
    bench.say(told, told)
    bench.clock(T0 + 1)
    bench.feed.on_winner(MARKET, TOKEN, 0)
    [result] = bench.of(ResolvedMessage)
    assert (result.yes_payout, result.id) == ("0", f"r:pm:{MARKET}")
    assert bench.feed.roster.lines() == {0: set()}
    bench.feed.listed([a_listing()], 0, {})
    assert len(bench.feed.roster) == 0


def test_a_winner_that_is_no_token_of_the_market_is_kept_as_a_dead_letter() -> None:
    bench = Bench()
    bench.say({"event_type": "market_resolved", "market": MARKET, "winning_asset_id": "7", "timestamp": str(T0 + 1)})
    assert "winning_asset_id" in bench.of(DeadLetterMessage)[0].reason
    assert bench.of(ResolvedMessage) == []


def test_a_window_without_a_result_is_unsubscribed_a_minute_after_its_end() -> None:
    bench = Bench()
    bench.clock(T0 + 6 * MINUTE_MS)
    assert bench.feed.roster.lines() == {0: set()}
    assert [one.listing.market for one in bench.feed.roster.ended()] == [MARKET]
    bench.feed.on_poll([a_listing(closed=True, yes_payout="0.5")], 0)
    assert [one.yes_payout for one in bench.of(ResolvedMessage)] == ["0.5"]


def test_only_near_markets_of_ours_are_followed() -> None:
    bench = Bench()
    far = a_listing(2, start_ms=T0 + 301_000, end_ms=T0 + 10 * MINUTE_MS)
    over = a_listing(3, end_ms=T0 - MINUTE_MS)
    closed, foreign = a_listing(4, closed=True), a_listing(5, slug="eth-updown-5m-1")
    level = a_listing(6, slug="bitcoin-above-64k-on-march-11", start_ms=None, end_ms=T0 + 60 * MINUTE_MS)
    assert bench.feed.listed([far, over, closed, foreign, level], 0, {}) == [far]
    assert {one.listing.market for one in bench.feed.roster} == {MARKET, "0x6"}


def test_a_socket_that_says_nothing_of_the_market_is_silent_though_its_clock_goes_on() -> None:
    bench = Bench()
    bench.dump()
    bench.now_s += 31
    bench.clock(T0 + 29_000)
    assert bench.feed.silent(bench.now_s, 0) == []
    bench.clock(T0 + 31_000)
    assert bench.feed.silent(bench.now_s, 0) == [0]


def test_a_poll_says_what_the_book_says_and_leaves_open_what_nobody_says() -> None:
    bench = Bench()
    bench.dump()
    bench.feed.on_poll([a_listing(bid="0.1", ask="0.9", volume_24h="12.5")], 0)
    poll = bench.of(ProbMessage)[-1]
    assert (poll.bid, poll.ask, poll.mid, poll.spread) == ("0.5", "0.6", "0.55", "0.1")
    assert (poll.volume_24h, poll.liquidity, poll.last) == ("12.5", None, None)
