"""The kept book, the names of windows, and which markets are followed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_pm import windows
from collector_pm.book import KeptBook
from collector_pm.followed import Roster
from collector_pm.listing import Listing
from collector_pm.parse import BookRow, Change, Level
from trading_core.model import HOUR_MS, MINUTE_MS

T0 = 1_786_728_600_000
"""2026-08-14 17:30 UTC, 13:30 in New York: a full quarter of an hour."""


def a_row(bids: list[str], asks: list[str], timestamp: int = T0) -> BookRow:
    levels = [[Level(price, "10") for price in side] for side in (bids, asks)]
    return BookRow(market="0x1", asset_id="1", timestamp=timestamp, bids=levels[0], asks=levels[1])


def a_change(price: str, size: str, side: Any = "BUY", top: tuple[str, str] = ("0.5", "0.6")) -> Change:
    return Change(asset_id="1", price=price, size=size, side=side, best_bid=top[0], best_ask=top[1])


def a_book() -> KeptBook:
    book = KeptBook()
    assert book.replace(a_row(["0.4", "0.5"], ["0.7", "0.6"]), T0) == "applied"
    return book


def a_listing(number: int = 1, **changes: Any) -> Listing:
    values: dict[str, Any] = {
        "market": f"0x{number}", "slug": f"btc-updown-5m-{number}", "title": "", "start_ms": T0,
        "end_ms": T0 + 5 * MINUTE_MS, "yes_token": str(number), "no_token": f"9{number}", "closed": False,
    }  # fmt: skip
    unknown = dict.fromkeys(
        (
            "yes_payout", "bid", "ask", "last", "volume_24h", "liquidity", "tick_size", "min_size", "fee_rate",
            "fee_exponent",
        )
    )  # fmt: skip
    return Listing(**{**values, **unknown, **changes})


def test_the_best_level_is_found_wherever_it_stands() -> None:
    assert a_book().top() == ("0.5", "0.6")
    bids, asks = a_book().levels()
    assert [price for price, _ in bids] == ["0.5", "0.4"]
    assert [price for price, _ in asks] == ["0.6", "0.7"]


def test_a_size_is_the_new_total_and_none_removes_the_level() -> None:
    book = a_book()
    assert book.change(T0 + 1, [a_change("0.5", "3")], T0 + 1) == "applied"
    assert dict(book.levels()[0])["0.5"] == "3"
    assert book.change(T0 + 2, [a_change("0.5", "0", top=("0.4", "0.6"))], T0 + 2) == "applied"
    assert book.top() == ("0.4", "0.6")


def test_a_change_told_twice_changes_nothing_and_an_older_one_is_left_out() -> None:
    book = a_book()
    assert book.change(T0 + 5, [a_change("0.5", "3")], T0 + 5) == "applied"
    assert book.change(T0 + 6, [a_change("0.5", "4")], T0 + 6) == "applied"
    for timestamp_ms, size in ((T0 + 5, "3"), (T0 + 6, "4")):
        assert book.change(timestamp_ms, [a_change("0.5", size)], T0 + 7) == "old"
    # From before the whole book that was told.
    assert book.change(T0 - 1, [a_change("0.5", "9")], T0 + 7) == "old"
    assert dict(book.levels()[0])["0.5"] == "4"


def test_a_change_that_comes_behind_a_later_one_leaves_the_book_unknown() -> None:
    book = a_book()
    assert book.change(T0 + 6, [a_change("0.4", "4")], T0 + 6) == "applied"
    assert book.change(T0 + 5, [a_change("0.3", "3")], T0 + 6) == "order"
    assert not book.is_known


def test_changes_that_come_before_their_whole_book_are_applied_to_it() -> None:
    book = KeptBook()
    assert book.change(T0 + 1, [a_change("0.4", "3")], T0 + 1) == "old"
    assert book.change(T0 + 3, [a_change("0.5", "0", top=("0.4", "0.6"))], T0 + 3) == "old"
    # The whole book of T0 + 2 has the first of them in it.
    assert book.replace(a_row(["0.5", "0.4"], ["0.6"], T0 + 2), T0 + 4) == "applied"
    assert (book.levels()[0], book.changed_ms) == ((("0.4", "10"),), T0 + 3)


def test_rest_shows_the_present_a_past_a_newer_or_another_book() -> None:
    book = a_book()
    assert book.change(T0 + 5, [a_change("0.4", "3")], T0 + 5) == "applied"
    assert book.compare(a_row(["0.4", "0.5"], ["0.7", "0.6"], T0)) == "past"
    assert book.compare(a_row(["0.5"], ["0.7", "0.6"], T0)) == "differs", "best prices are not all"
    assert book.compare(a_row(["0.5"], ["0.6"], T0 + 6)) == "newer"
    assert book.compare(a_row(["0.5"], ["0.6"], T0 - 1)) == "forgotten"
    again = [a_change("0.4", "10")]
    assert book.change(T0 + 7, again, T0 + 7) == "applied"
    # The time that REST names may be later than the change, or earlier: what it shows is the kept book.
    assert book.compare(a_row(["0.4", "0.5"], ["0.7", "0.6"], T0 + 9)) == "present"
    assert book.compare(a_row(["0.4", "0.5"], ["0.7", "0.6"], T0)) == "present"


def test_other_best_prices_than_the_venue_s_are_a_mismatch() -> None:
    book = a_book()
    assert book.change(T0 + 1, [a_change("0.4", "3", top=("0.45", "0.6"))], T0 + 1) == "top"
    assert not book.is_known


def test_a_crossed_book_is_a_mismatch() -> None:
    book = KeptBook()
    assert book.replace(a_row(["0.5"], ["0.5"]), T0) == "crossed"


def test_an_empty_side_is_written_as_the_venue_does() -> None:
    book = KeptBook()
    assert book.replace(a_row([], []), T0) == "applied"
    assert book.top() == ("0", "1")
    assert book.change(T0 + 1, [a_change("0.3", "1", top=("0.3", "1"))], T0 + 1) == "applied"


@given(st.lists(st.tuples(st.integers(1, 49), st.integers(0, 3), st.booleans()), max_size=40))
def test_applying_changes_gives_the_book_they_describe(moves: list[tuple[int, int, bool]]) -> None:
    """Bids below and asks above one half, so that no sequence can cross; compared with two plain dicts."""
    book, sides = KeptBook(), {"BUY": {}, "SELL": {}}  # type: tuple[KeptBook, dict[Any, dict[int, int]]]
    book.replace(a_row([], []), T0)
    for number, (cents, size, is_bid) in enumerate(moves):
        side, place = ("BUY", cents) if is_bid else ("SELL", 100 - cents)
        if size:
            sides[side][place] = size
        else:
            sides[side].pop(place, None)
        top = (_text(max(sides["BUY"], default=0)), _text(min(sides["SELL"], default=100)))
        assert book.change(T0 + number, [a_change(_text(place), str(size), side, top)], T0) == "applied"


def _text(cents: int) -> str:
    return {0: "0", 100: "1"}.get(cents, f"{cents / 100:.2f}".rstrip("0"))


def test_windows_are_named_by_the_second_they_open() -> None:
    named = windows.named(["BTC"], ["5m", "15m", "4h"], T0 + 1_000, T0 + 2 * MINUTE_MS)
    assert named.markets == {
        f"btc-updown-5m-{T0 // 1000}",
        f"btc-updown-15m-{T0 // 1000}",
        f"btc-updown-4h-{T0 // 1000 // 14_400 * 14_400}",
    }
    ahead = windows.named(["ETH"], ["5m"], T0, T0 + 5 * MINUTE_MS).markets
    assert ahead == {f"eth-updown-5m-{(T0 + k * 5 * MINUTE_MS) // 1000}" for k in (0, 1)}


def test_hours_and_days_are_named_by_the_clock_of_new_york() -> None:
    hours = windows.named(["SOL"], ["1h"], T0, T0).markets
    assert hours == {"solana-up-or-down-august-14-1pm-et", "solana-up-or-down-august-14-2026-1pm-et"}
    # In January New York is five hours behind: 05:30 UTC is half past midnight.
    winter = windows.named(["BTC"], ["1h"], 1_768_455_000_000, 1_768_455_000_000).markets
    assert "bitcoin-up-or-down-january-15-2026-12am-et" in winter
    days = windows.named(["BTC"], ["1d", "price"], T0, T0)
    assert {"bitcoin-up-or-down-on-august-14-2026", "bitcoin-up-or-down-on-august-15"} <= days.markets
    assert {"bitcoin-above-on-august-14", "bitcoin-above-on-august-15-2026"} <= days.events


@pytest.mark.parametrize(
    ("slug", "asset"),
    [
        ("btc-updown-5m-1", "BTC"),
        ("ethereum-up-or-down-september-20-2026-8pm-et", "ETH"),
        ("solana-above-150-on-march-11", "SOL"),
        ("xrp-updown-5m-1", None),
        ("will-it-rain", None),
    ],
)
def test_the_asset_is_read_from_the_slug(slug: str, asset: str | None) -> None:
    assert windows.asset_of(slug) == asset


def test_every_window_of_a_year_is_named() -> None:
    """Whatever the hour and the time of year: the names of an hour differ from those of the next."""
    seen: set[str] = set()
    for hour in range(0, 365 * 24, 7):
        at = T0 + hour * HOUR_MS
        names = windows.named(["BTC"], ["1h"], at, at).markets
        assert len(names) == 2
        assert any(name.endswith("-et") for name in names)
        seen |= names
    # 365 × 24 / 7 hours under two spellings, but for the hour that autumn repeats.
    assert len(seen) >= 2 * (365 * 24 // 7) - 2


def test_a_new_socket_is_begun_when_one_is_full_and_numbers_do_not_grow() -> None:
    roster = Roster(tokens_per_socket=2)
    for number in range(1, 6):
        roster.add("BTC", a_listing(number))
    assert {line: len(tokens) for line, tokens in roster.lines().items()} == {0: 2, 1: 2, 2: 1}
    for followed in roster:
        roster.remove(followed)
    assert roster.lines() == {0: set()}
    for number in range(10, 5_000):
        one = roster.add("BTC", a_listing(number))
        assert one is not None
        roster.remove(one)
    assert (len(roster), roster.lines()) == (0, {0: set()})
    assert roster.add("BTC", a_listing(4_999)) is None


def test_an_ended_market_is_unsubscribed_and_its_result_still_waited_for() -> None:
    roster = Roster(tokens_per_socket=2)
    one = roster.add("BTC", a_listing())
    assert one is not None
    roster.end(one)
    assert roster.lines() == {0: set()}
    assert roster.ended() == [one]
