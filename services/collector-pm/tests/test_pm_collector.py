"""The collector as a process between a venue and a real nats-server; the venue's truth log is the judge."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from polymarket_lab import Lab

from trading_core.bus.connection import Bus
from trading_core.messages import (
    AnyMessage,
    BookMessage,
    GapMessage,
    MarketMessage,
    ProbMessage,
    ResolvedMessage,
    WatermarkMessage,
)
from trading_core.model import MINUTE_MS
from trading_core.streams import BOOK, MARKET
from trading_core.testing import eventually

pytestmark = pytest.mark.integration
SPEED = 300.0
WINDOW_MS = 5 * MINUTE_MS


@pytest.fixture
async def lab(tmp_path: Path, nats_url: str, bus: Bus) -> AsyncIterator[Lab]:
    opened = Lab(tmp_path, nats_url, bus)
    try:
        yield opened
    finally:
        await opened.close()


def check_promises(messages: list[AnyMessage]) -> None:
    """Nothing is visible at or below a watermark that stands before it in the stream, and every minute has one."""
    last = 0
    for message in messages:
        if isinstance(message, WatermarkMessage):
            assert message.watermark_ms > last
            last = message.watermark_ms
        elif isinstance(message, MarketMessage):
            assert message.visible_ms > last, message
            assert message.visible_ms >= message.event_time_ms
    marks = [message.watermark_ms for message in messages if isinstance(message, WatermarkMessage)]
    minutes = [mark for mark in marks if mark % MINUTE_MS == 0]
    assert minutes == list(range(minutes[0], minutes[-1] + 1, MINUTE_MS))
    assert [one for one, count in Counter(message.id for message in messages).items() if count > 1] == []


def untold(lab: Lab, messages: list[AnyMessage], from_ms: int, to_ms: int) -> list[str]:
    """States of books in the truth log that no snapshot has, but for those replaced within half a second."""
    have = {message.id for message in messages}
    lines = [line for line in lab.truth("market_book") if from_ms < line["time"] <= to_ms]
    by_market: dict[str, list[tuple[int, str]]] = {}
    for line in lines:
        by_market.setdefault(line["id"].split(":")[2], []).append((line["time"], line["id"]))
    missing = []
    for states in by_market.values():
        for place, (time_ms, name) in enumerate(states):
            replaced = place + 1 < len(states) and states[place + 1][0] - time_ms < 1_000
            if name not in have and not replaced:
                missing.append(name)
    return missing


async def test_books_and_results_are_those_of_the_venue(lab: Lab) -> None:
    await lab.venue(SPEED)
    process = await lab.collector()
    started = await lab.first_watermark()
    await lab.passes(started + 6 * WINDOW_MS)
    assert await lab.stop(process) == 0
    books, market = await lab.messages(BOOK, "book.>"), await lab.messages(MARKET, "market.>")
    check_promises(books)
    check_promises(market)
    until_ms = await lab.watermark_ms()
    # A window that ended just before the collector began says its last word a moment later: not followed any more.
    assert untold(lab, books, started + MINUTE_MS, until_ms) == []
    known = {(line["id"].split(":")[2], line["id"].rsplit(":", 1)[1]) for line in lab.truth("market_book")}
    snapshots = [one for one in books if isinstance(one, BookMessage)]
    for one in snapshots:
        assert not one.bids or not one.asks or float(one.bids[0][0]) < float(one.asks[0][0])
        # A book that is told again while it stands has the same levels; before its first state it is empty.
        assert (one.market, one.id.rsplit(":", 1)[1]) in known or not (one.bids or one.asks)
    results = {one.id: one for one in market if isinstance(one, ResolvedMessage)}
    # Not of a window that had ended before the collector began.
    expected = {line["id"] for line in lab.truth("resolved") if started + MINUTE_MS < line["time"] <= until_ms}
    assert len(expected) >= 5
    assert expected <= set(results)
    polls = [one for one in market if isinstance(one, ProbMessage)]
    assert all(one.volume_24h is None and one.liquidity is None for one in polls)
    assert {one.fee_rate for one in polls} == {"0.07"}
    with_both = [one for one in polls if one.mid is not None]
    assert with_both
    assert all(float(one.spread or -1) > 0 for one in with_both)


async def test_a_window_is_followed_before_it_opens_and_dropped_after_its_result(lab: Lab) -> None:
    await lab.venue(SPEED)
    await lab.collector()
    started = await lab.first_watermark()
    await lab.passes(started + 8 * WINDOW_MS)
    market = await lab.messages(MARKET, "market.*.*.prob.>")
    first_ms: dict[str, int] = {}
    last_ms: dict[str, int] = {}
    for one in market:
        assert isinstance(one, ProbMessage)
        first_ms.setdefault(one.market, one.event_time_ms)
        last_ms[one.market] = one.event_time_ms
        if one.start_time_ms is not None and one.start_time_ms > started + WINDOW_MS:
            assert first_ms[one.market] < one.start_time_ms
        assert one.event_time_ms <= one.end_time_ms + 2 * MINUTE_MS
    assert len(first_ms) >= 8
    beats = [one for one in (await lab.messages(BOOK, "book.>"))[-400:] if isinstance(one, BookMessage)]
    # The last 400 snapshots are a few minutes: the windows in them and those of the next 15 minutes, no others.
    assert len({one.market for one in beats}) <= 9


async def test_a_lost_socket_is_declared_and_books_go_on(lab: Lab) -> None:
    await lab.venue(SPEED)
    await lab.collector()
    started = await lab.first_watermark()
    await lab.passes(started + WINDOW_MS)
    await lab.control("/drop")

    async def lost() -> list[GapMessage]:
        found = await lab.messages(MARKET, "market.*.*.gap")
        return [one for one in found if isinstance(one, GapMessage)]

    [gap] = await eventually(lost, 60)
    assert (gap.channel, gap.state, gap.asset) == ("book", "lost", "BTC")
    assert gap.to_ms is not None
    await lab.passes(gap.to_ms + 2 * WINDOW_MS)
    books = await lab.messages(BOOK, "book.>")
    check_promises(books)
    assert untold(lab, books, gap.to_ms + 2 * MINUTE_MS, await lab.watermark_ms()) == []
    # What the venue told before the socket was lost is there too.
    assert untold(lab, books, started + MINUTE_MS, gap.from_ms - 1_000) == []


async def test_a_result_is_found_when_nobody_tells_it(lab: Lab) -> None:
    await lab.venue(SPEED)
    await lab.control(no_result=True)
    await lab.collector()
    started = await lab.first_watermark()
    await lab.passes(started + 4 * WINDOW_MS)
    lines = [line for line in lab.truth("resolved") if started + MINUTE_MS < line["time"] < started + 3 * WINDOW_MS]
    told = {line["id"] for line in lines}
    assert told

    async def all_found() -> bool:
        return told <= {one.id for one in await lab.messages(MARKET, "market.*.*.resolved.>")}

    await eventually(all_found, 60)


async def test_a_collector_that_was_killed_finds_the_results_it_missed(lab: Lab) -> None:
    await lab.venue(SPEED)
    process = await lab.collector()
    started = await lab.first_watermark()
    await lab.passes(started + 2 * WINDOW_MS)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    before = await lab.watermark_ms()
    await lab.collector()
    await lab.passes(before + 3 * WINDOW_MS)
    market = await lab.messages(MARKET, "market.>")
    check_promises(market)
    check_promises(await lab.messages(BOOK, "book.>"))
    gaps = [one for one in market if isinstance(one, GapMessage)]
    assert [one.from_ms for one in gaps if one.asset == "BTC"] == [before]
    followed = {one.market: one.end_time_ms for one in market if isinstance(one, ProbMessage)}
    results = {one.market for one in market if isinstance(one, ResolvedMessage)}
    assert {market for market, end_ms in followed.items() if started < end_ms < before + 2 * WINDOW_MS} <= results


async def test_a_silent_venue_is_left_for_a_new_socket(lab: Lab) -> None:
    await lab.venue(SPEED)
    await lab.collector(TRADING_EXCHANGES__POLYMARKET__SILENCE_S="1")
    started = await lab.first_watermark()
    await lab.passes(started + WINDOW_MS)
    await lab.control(is_silent=True)
    await eventually(lambda: "venue_silent" in (lab.folder / "log").read_text(), 60)
    await lab.control(is_silent=False)

    async def declared() -> bool:
        return bool(await lab.messages(MARKET, "market.*.*.gap"))

    await eventually(declared, 60)
    at = await lab.watermark_ms()
    await lab.passes(at + WINDOW_MS)
    until_ms = await lab.watermark_ms()
    # At this speed a second without a word may come again by itself: what is missing then is declared as well.
    lost = [gap for gap in await lab.messages(MARKET, "market.*.*.gap") if isinstance(gap, GapMessage)]
    missing = untold(lab, await lab.messages(BOOK, "book.>"), at + MINUTE_MS, until_ms)
    assert [name for name in missing if not any(inside(gap, int(name.split(":")[3])) for gap in lost)] == []


def inside(gap: GapMessage, time_ms: int) -> bool:
    """Whether a state of that moment may be missing for it: the last one before the gap may be its first victim."""
    return gap.from_ms - 1_000 <= time_ms <= (gap.to_ms or gap.from_ms)


async def test_wrong_best_prices_make_it_ask_for_the_book_again(lab: Lab) -> None:
    await lab.venue(SPEED)
    await lab.collector(TRADING_METRICS_PORT="0")
    started = await lab.first_watermark()
    await lab.passes(started + WINDOW_MS)
    await lab.control(wrong_top=True)
    at = await lab.watermark_ms()
    await lab.passes(at + WINDOW_MS)
    await lab.control(wrong_top=False)
    at = await lab.watermark_ms()
    await lab.passes(at + 2 * WINDOW_MS)
    books = await lab.messages(BOOK, "book.>")
    check_promises(books)
    assert untold(lab, books, at + WINDOW_MS, await lab.watermark_ms()) == []
