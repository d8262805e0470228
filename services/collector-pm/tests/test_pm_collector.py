"""The collector as a process between a venue and a real nats-server; the venue's truth log is the judge."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from book_judge import check_promises
from polymarket_lab import Lab

from trading_core.bus.connection import Bus
from trading_core.messages import (
    AnyMessage,
    BookMessage,
    DeadLetterMessage,
    GapMessage,
    ProbMessage,
)
from trading_core.model import MINUTE_MS
from trading_core.streams import DLQ
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


async def check(lab: Lab, started_ms: int) -> list[AnyMessage]:
    """What was promised and what is owed; the messages of both streams."""
    market, books = await lab.streams()
    check_promises(market)
    check_promises(books)
    verdict = await lab.verdict(started_ms, SPEED)
    assert (verdict.missing, verdict.extra) == ([], []), verdict
    return [*market, *books]


def of_probs(messages: list[AnyMessage]) -> list[ProbMessage]:
    return [one for one in messages if isinstance(one, ProbMessage)]


async def found_results(lab: Lab, started_ms: int, until_ms: int) -> int:
    """How many results the venue reported of followed markets in this span; returns once all of them are known."""
    followed = {one.market for one in of_probs((await lab.streams())[0])}
    lines = [line["id"] for line in lab.truth("resolved") if started_ms < line["time"] < until_ms]
    told = {name for name in lines if name.rsplit(":", 1)[1] in followed}

    async def all_found() -> bool:
        market, _ = await lab.streams()
        return told <= {one.id for one in market}

    await eventually(all_found, 60)
    return len(told)


async def test_books_and_results_are_those_of_the_venue(lab: Lab) -> None:
    await lab.venue(SPEED)
    process = await lab.collector()
    started = await lab.first_watermark()
    await lab.passes(started + 7 * WINDOW_MS)
    assert await lab.stop(process) == 0
    until_ms = await lab.watermark_ms()
    messages = await check(lab, started)
    for one in messages:
        if isinstance(one, BookMessage):
            assert not one.bids or not one.asks or float(one.bids[0][0]) < float(one.asks[0][0])
    assert await found_results(lab, started, until_ms) >= 5
    polls = of_probs(messages)
    assert all(one.volume_24h is None and one.liquidity is None for one in polls)
    assert {one.fee_rate for one in polls} == {"0.07"}
    with_both = [one for one in polls if one.mid is not None]
    assert with_both
    assert all(float(one.spread or -1) > 0 for one in with_both)
    # Every window is followed before it opens, or what it did before is declared, and dropped after its result.
    holes = [one for one in messages if isinstance(one, GapMessage)]
    first_ms: dict[str, int] = {}
    for one in polls:
        first_ms.setdefault(one.market, one.event_time_ms)
        assert one.event_time_ms <= one.end_time_ms + 2 * MINUTE_MS
        if one.start_time_ms is not None and one.start_time_ms > started + WINDOW_MS:
            assert first_ms[one.market] < one.start_time_ms or any(
                hole.from_ms <= one.start_time_ms <= (hole.to_ms or 0) for hole in holes
            )
    assert len(first_ms) >= 8
    newest = [one for one in messages if isinstance(one, BookMessage)][-400:]
    # The last 400 snapshots are a few minutes: the windows in them and those of the next 15 minutes, no others.
    assert len({one.market for one in newest}) <= 9


async def test_frames_that_are_wrong_or_in_disorder_change_nothing_that_is_not_declared(lab: Lab) -> None:
    await lab.venue(SPEED)
    # As many sockets as markets, so that each fault meets several.
    await lab.collector(TRADING_EXCHANGES__POLYMARKET__TOKENS_PER_SOCKET="1")
    started = await lab.first_watermark()
    for kinds in (
        ("duplicate", "malformed", "unknown_event", "oversize", "trades", "tick_size"),
        ("out_of_order",),
        ("wrong_top", "empty_sides"),
    ):
        await lab.fault(*kinds)
        await lab.passes(await lab.watermark_ms() + WINDOW_MS)
        await lab.heal()
    await lab.passes(await lab.watermark_ms() + WINDOW_MS)
    messages = await check(lab, started)
    probs = of_probs(messages)
    assert any(one.last is not None for one in probs)
    letters = [one for one in await lab.messages(DLQ, "dlq.>") if isinstance(one, DeadLetterMessage)]
    assert {one.source for one in letters} == {"venue.polymarket"}


async def test_a_socket_that_is_silent_dead_or_cut_is_left_and_its_hole_declared(lab: Lab) -> None:
    await lab.venue(SPEED)
    process = await lab.collector(TRADING_EXCHANGES__POLYMARKET__SILENCE_S="1")
    started = await lab.first_watermark()
    await lab.passes(started + WINDOW_MS)
    await lab.fault("stall")
    await lab.logs("venue_silent")
    # Killed inside the hole, and what follows is cut as well.
    process.send_signal(signal.SIGKILL)
    await process.wait()
    await lab.heal()
    before = await lab.watermark_ms()
    await lab.collector(TRADING_EXCHANGES__POLYMARKET__SILENCE_S="1")
    await lab.passes(before + WINDOW_MS)
    await lab.fault("half_open")
    await lab.logs("venue_silent")
    await lab.heal()
    await lab.passes(await lab.watermark_ms() + 2 * WINDOW_MS)
    messages = await check(lab, started)
    gaps = [one for one in messages if isinstance(one, GapMessage)]
    assert {(one.channel, one.state, one.asset) for one in gaps if one.asset == "BTC"} == {("book", "lost", "BTC")}
    assert await found_results(lab, started, before) >= 1


async def test_what_opened_while_rest_was_useless_is_declared_and_results_are_found(lab: Lab) -> None:
    await lab.venue(SPEED)
    await lab.fault("no_result")
    # A window is asked for no sooner than a third of a second before it opens.
    await lab.collector(TRADING_EXCHANGES__POLYMARKET__SUBSCRIBE_AHEAD_S="100")
    started = await lab.first_watermark()
    for kind in ("rest_429", "rest_html", "rest_null", "rest_500", "rest_truncated"):
        await lab.fault(kind)
        await lab.logs("look_failed")
        await lab.heal()
    await lab.fault("rest_429", "late_result", "no_dump")
    await lab.passes(await lab.watermark_ms() + WINDOW_MS)
    await lab.heal()
    await lab.fault("no_result")
    await lab.passes(await lab.watermark_ms() + 2 * WINDOW_MS)
    until_ms = await lab.watermark_ms() - WINDOW_MS
    messages = await check(lab, started)
    assert [one for one in messages if isinstance(one, GapMessage)], "a window opened while nobody could look"
    assert await found_results(lab, started, until_ms) >= 1
