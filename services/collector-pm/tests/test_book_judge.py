"""The judge of books finds what it is there to find."""

from __future__ import annotations

from typing import Any

from book_judge import judge

from trading_core.collect import gaps
from trading_core.messages import AnyMessage, BookMessage

SPEED = 1.0


def a_state(time_ms: int, digest: str = "aa") -> dict[str, Any]:
    return {"id": f"bk:pm:0x1:{time_ms}:{digest}", "time": time_ms, "channel": "market_book"}


def a_fault(time_ms: int, what: str) -> dict[str, Any]:
    return {"id": f"fault:stall:{what}", "time": time_ms, "channel": "fault"}


def a_book(time_ms: int, digest: str = "aa", told_ms: int | None = None) -> BookMessage:
    at_ms = told_ms or time_ms
    return BookMessage(
        id=f"bk:pm:0x1:{at_ms}:{digest}", exchange="polymarket", asset="BTC", event_time_ms=at_ms, visible_ms=at_ms,
        received_time_ms=0, market="0x1", book_time_ms=time_ms, bids=(("0.5", "1"),), asks=(),
    )  # fmt: skip


def a_hole(from_ms: int, to_ms: int) -> AnyMessage:
    return gaps.gap("polymarket", "BTC", "book", from_ms, to_ms, "lost", "", from_ms, 0)


def test_a_state_may_be_missing_only_if_replaced_at_once_or_declared() -> None:
    truth = [a_state(1_000), a_state(1_400, "bb"), a_state(3_000), a_state(4_000), a_state(5_000, "cc")]
    books = [a_book(1_400, "bb", told_ms=2_000), a_book(5_000, "cc")]
    assert judge(truth, books, 0, 9_000, SPEED).missing == [("0x1", 3_000, "aa")]
    assert judge(truth, [*books, a_hole(2_500, 3_500)], 0, 9_000, SPEED).missing == []
    assert judge(truth, books, 3_000, 9_000, SPEED).missing == []


def test_a_book_that_the_venue_never_had_is_found() -> None:
    truth = [a_state(1_000), a_state(2_000, "bb")]
    books = [a_book(1_000), a_book(2_000, "bb"), a_book(2_000, "cc", told_ms=3_000)]
    assert judge(truth, books, 0, 9_000, SPEED).extra == ["bk:pm:0x1:3000:cc"]
    assert judge(truth, [*books, a_hole(2_500, 3_500)], 0, 9_000, SPEED).extra == []


def test_a_hole_lies_within_five_seconds_of_what_went_wrong() -> None:
    truth = [a_state(1_000), a_fault(10_000, "begins"), a_fault(12_000, "ends")]
    assert judge(truth, [a_hole(5_000, 17_000)], 0, 9_000, SPEED).beyond == []
    assert judge(truth, [a_hole(4_999, 12_000)], 0, 9_000, SPEED).beyond == [(4_999, 12_000)]
    assert judge(truth[:1], [a_hole(5_000, 17_000)], 0, 9_000, SPEED).beyond == [(5_000, 17_000)]
