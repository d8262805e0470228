"""The collector as a process between a venue and a real nats-server; the venue's truth log is the judge."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from collector_lab import Lab, scripted_venue

from trading_core.bus.connection import Bus
from trading_core.messages import (
    AnyMessage,
    CandleMessage,
    CtxMessage,
    DeadLetterMessage,
    FundingMessage,
    GapMessage,
    MarketMessage,
    TradeMessage,
    WatermarkMessage,
)
from trading_core.model import HOUR_MS, MINUTE_MS
from trading_core.streams import BOOK, DLQ, MARKET, watermark_subject
from trading_core.testing import eventually

pytestmark = pytest.mark.integration
SPEED = 3_000.0
ASSETS = ("BTC", "ETH", "SOL")
CHANNELS = {"trades": "trade", "bbo": "bbo", "l2Book": "book", "activeAssetCtx": "ctx", "candle": "candle_1m"}


@pytest.fixture
async def lab(tmp_path: Path, nats_url: str, bus: Bus) -> AsyncIterator[Lab]:
    opened = Lab(tmp_path, nats_url, bus)
    try:
        yield opened
    finally:
        await opened.close()


async def watermark_ms(lab: Lab) -> int:
    delivered = await lab.bus.last(MARKET, watermark_subject(MARKET, "hyperliquid"))
    return int(json.loads(delivered.data)["watermark_ms"]) if delivered else 0


async def passes(lab: Lab, time_ms: int, timeout_s: float = 60) -> None:
    async def passed() -> bool:
        return await watermark_ms(lab) >= time_ms

    await eventually(passed, timeout_s)


async def first_watermark(lab: Lab) -> int:
    async def decided() -> int:
        return await watermark_ms(lab)

    return await eventually(decided)


async def all_gaps_closed(lab: Lab) -> bool:
    gaps = [one for one in await lab.messages(MARKET, "market.*.*.gap") if isinstance(one, GapMessage)]
    states = Counter(gap.state == "open" for gap in gaps if gap.channel == "candle_1m")
    return bool(gaps) and states[True] == states[False]


def watermarks(messages: list[AnyMessage]) -> list[int]:
    return [message.watermark_ms for message in messages if isinstance(message, WatermarkMessage)]


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
    minutes = [mark for mark in watermarks(messages) if mark % MINUTE_MS == 0]
    assert minutes == list(range(minutes[0], minutes[-1] + 1, MINUTE_MS))


def check_candles_before_watermarks(messages: list[AnyMessage]) -> None:
    """When the watermark reaches a minute, its candle or a gap for it stands before in the stream, for every asset."""
    covered = dict.fromkeys(ASSETS, 0)
    in_gap: set[str] = set()
    have: dict[str, set[int]] = {asset: set() for asset in ASSETS}
    for message in messages:
        match message:
            case CandleMessage():
                have[message.asset].add(message.event_time_ms)
            case GapMessage(channel="candle_1m"):
                (in_gap.add if message.state == "open" else in_gap.discard)(message.asset)
            case WatermarkMessage() if message.watermark_ms % MINUTE_MS == 0:
                for asset in ASSETS:
                    assert asset in in_gap or message.watermark_ms in have[asset], (asset, message.watermark_ms)
                    covered[asset] += 1
    assert min(covered.values()) > 0


def check_every_minute_has_its_candle(messages: list[AnyMessage]) -> None:
    for asset in ASSETS:
        closes = [one.event_time_ms for one in messages if isinstance(one, CandleMessage) and one.asset == asset]
        assert sorted(closes) == list(range(min(closes), max(closes) + 1, MINUTE_MS))


def check_no_id_twice(messages: list[AnyMessage]) -> None:
    assert [one for one, count in Counter(message.id for message in messages).items() if count > 1] == []


def holes(messages: list[AnyMessage]) -> list[GapMessage]:
    """Without those that the stop at the end opened and nobody could close."""
    gaps = [one for one in messages if isinstance(one, GapMessage)]
    return [gap for gap in gaps if gap.state != "open" or gap.channel == "candle_1m"]


async def everything(lab: Lab) -> list[AnyMessage]:
    """Both streams, one behind the other."""
    return [*await lab.messages(MARKET, "market.>"), *await lab.messages(BOOK, "book.>")]


def missing(lab: Lab, messages: list[AnyMessage], until_ms: int) -> list[dict[str, Any]]:
    """Events of the truth log that are not in the stream, up to a moment. A snapshot may repeat what is known."""
    have = {message.id for message in messages}
    return [
        line
        for line in lab.truth()
        if line["time"] <= until_ms and line["id"] not in have and line["channel"] != "snapshot"
    ]


def undeclared(messages: list[AnyMessage], lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Missing events that lie in no gap declared lost."""
    spans: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for gap in holes(messages):
        if gap.state == "lost" and gap.to_ms is not None:
            spans[gap.asset, gap.channel].append((gap.from_ms, gap.to_ms))
    return [
        line
        for line in lines
        if not any(a <= line["time"] <= b for a, b in spans[line["coin"], CHANNELS[line["channel"]]])
    ]


async def test_two_hours_at_high_speed_arrive_complete_and_once(lab: Lab) -> None:
    venue = await lab.venue(SPEED, "--hold")
    collector = await lab.collector()
    start_ms = await first_watermark(lab)
    await passes(lab, start_ms + 2 * HOUR_MS)
    assert await lab.stop(venue) == 0
    assert await lab.stop(collector) == 0

    messages = await lab.messages(MARKET, "market.>")
    marks = watermarks(messages)
    check_no_id_twice(messages)
    books = await lab.messages(BOOK, "book.>")
    assert missing(lab, [*messages, *books], marks[-1]) == []
    known = {line["id"] for line in lab.truth()}
    extra = [
        message.id
        for message in [*messages, *books]
        if isinstance(message, MarketMessage)
        and message.id not in known
        and not isinstance(message, FundingMessage | GapMessage)
        and not (isinstance(message, CtxMessage) and message.polled)
        and not (isinstance(message, CandleMessage) and message.backfilled)
    ]
    assert extra == []
    # In time at any speed: what happened decides, not how long the way took.
    flow = [
        one
        for one in [*messages, *books]
        if isinstance(one, MarketMessage) and one.id in known and not isinstance(one, FundingMessage)  # it is polled
    ]
    assert [(one.id, one.visible_ms - one.event_time_ms) for one in flow if one.visible_ms != one.event_time_ms] == []
    check_promises(messages)
    check_candles_before_watermarks(messages)
    check_every_minute_has_its_candle(messages)
    check_promises(books)
    assert watermarks(books) == marks
    assert holes(messages) == []


async def test_a_first_start_publishes_a_day_of_history_before_its_first_watermark(lab: Lab) -> None:
    await lab.venue(60.0, "--hold")
    await lab.collector()
    await first_watermark(lab)
    messages = await lab.messages(MARKET, "market.>")
    at = next(i for i, message in enumerate(messages) if isinstance(message, WatermarkMessage))
    history = [one for one in messages[:at] if isinstance(one, CandleMessage) and one.backfilled]
    assert Counter(candle.asset for candle in history) == dict.fromkeys(ASSETS, 24 * 60)
    assert all(candle.visible_ms == candle.event_time_ms for candle in history)
    rates = [one for one in messages[:at] if isinstance(one, FundingMessage)]
    assert {rate.asset for rate in rates} == set(ASSETS)
    assert all(rate.visible_ms == rate.event_time_ms for rate in rates)

    # The sample began 26 hours before: of the four days asked for, two hours are new, and the minutes since.
    said = await lab.backfill(4)
    decided_ms = await watermark_ms(lab)
    assert [line.split(":")[0] for line in said] == list(ASSETS)
    assert all("The venue keeps the newest 5,000 candles only." in line for line in said)
    messages = await lab.messages(MARKET, "market.>")
    check_no_id_twice(messages)
    check_every_minute_has_its_candle(messages)
    first_ms = history[0].event_time_ms
    older = [one for one in messages if isinstance(one, CandleMessage) and one.event_time_ms < first_ms]
    assert Counter(candle.asset for candle in older) == dict.fromkeys(ASSETS, 2 * 60)
    marks = watermarks(messages)
    # Visible right behind the newest watermark of the moment at which they were published.
    assert all(one.backfilled and marks[0] < one.visible_ms <= decided_ms + 1 for one in older)
    assert all("; 0 of them new." in line for line in await lab.backfill(4))


async def test_each_full_hour_brings_its_funding_row_and_each_minute_its_poll(lab: Lab) -> None:
    await lab.venue(1_000.0, "--hold")
    await lab.collector()
    start_ms = await first_watermark(lab)
    await passes(lab, start_ms + 2 * HOUR_MS)
    messages = await lab.messages(MARKET, "market.>")
    hours = [one.hour_ms for one in messages if isinstance(one, FundingMessage) and one.asset == "BTC"]
    assert hours == sorted(set(hours))
    assert hours[-1] >= start_ms // HOUR_MS * HOUR_MS + HOUR_MS
    polls = [one for one in messages if isinstance(one, CtxMessage) and one.polled and one.asset == "ETH"]
    slots = {one.id.split(":")[3] for one in polls}
    assert len(slots) == len(polls) > 90
    assert all(one.open_interest is None for one in polls)


async def test_a_killed_collector_leaves_a_gap_that_is_filled_and_no_id_twice(lab: Lab) -> None:
    venue = await lab.venue(600.0, "--hold")
    killed = await lab.collector()
    start_ms = await first_watermark(lab)
    await passes(lab, start_ms + 20 * MINUTE_MS)
    killed.kill()
    await killed.wait()
    stopped_ms = await watermark_ms(lab)

    collector = await lab.collector()
    await passes(lab, stopped_ms + 60 * MINUTE_MS)

    await eventually(lambda: all_gaps_closed(lab))
    assert await lab.stop(venue) == 0
    assert await lab.stop(collector) == 0

    messages = await lab.messages(MARKET, "market.>")
    check_no_id_twice(messages)
    check_promises(messages)
    check_candles_before_watermarks(messages)
    check_every_minute_has_its_candle(messages)
    gaps = [one for one in messages if isinstance(one, GapMessage)]
    for asset in ASSETS:
        opened, filled = [gap for gap in gaps if gap.asset == asset and gap.channel == "candle_1m"][:2]
        assert (opened.state, filled.state, opened.from_ms) == ("open", "filled", filled.from_ms)
        assert filled.to_ms is not None
        # Every evaluation inside the gap has seen it open, and none has seen it closed.
        assert opened.visible_ms <= opened.from_ms + MINUTE_MS - 1
        assert filled.visible_ms > filled.to_ms
        backfilled = [
            one for one in messages
            if isinstance(one, CandleMessage) and one.asset == asset
            and opened.from_ms <= one.event_time_ms <= filled.to_ms
        ]  # fmt: skip
        assert all(one.backfilled for one in backfilled)
    assert undeclared(messages, missing(lab, await everything(lab), watermarks(messages)[-1])) == []


async def test_a_venue_that_comes_back_is_taken_up_again(lab: Lab) -> None:
    venue = await lab.venue(300.0, "--hold")
    collector = await lab.collector()
    start_ms = await first_watermark(lab)
    await passes(lab, start_ms + 5 * MINUTE_MS)
    port = lab.address.rsplit(":", 1)[1]
    assert await lab.stop(venue) == 0
    before_ms = await watermark_ms(lab)
    venue = await lab.venue(300.0, "--hold", "--port", port)
    await passes(lab, before_ms + 10 * MINUTE_MS)
    assert await lab.stop(venue) == 0
    assert await lab.stop(collector) == 0
    messages = await lab.messages(MARKET, "market.>")
    check_no_id_twice(messages)
    check_promises(messages)
    check_every_minute_has_its_candle(messages)
    # The venue stood still while nobody listened, so nothing is missing.
    assert missing(lab, await everything(lab), watermarks(messages)[-1]) == []


async def test_a_coin_that_is_off_the_list_for_a_while_costs_the_others_nothing(lab: Lab) -> None:
    venue = await lab.venue(300.0, "--hold")
    collector = await lab.collector()
    await passes(lab, await first_watermark(lab) + 5 * MINUTE_MS)
    async with httpx.AsyncClient(base_url=lab.address, timeout=30) as control:
        await control.post("/control/faults", json={"kind": "delisted", "coin": "SOL", "for_s": 600})
        await eventually(lambda: '"left_out": ["SOL"]' in lab.log.read_text())
        # Its candles are missing, which holds nobody up.
        await passes(lab, await watermark_ms(lab) + 30 * MINUTE_MS)
        await control.delete("/control/faults")
    await eventually(lambda: "socket_renewed" in lab.log.read_text())
    await passes(lab, await watermark_ms(lab) + 30 * MINUTE_MS)
    await eventually(lambda: all_gaps_closed(lab))
    assert await lab.stop(venue) == 0
    assert await lab.stop(collector) == 0
    messages = await lab.messages(MARKET, "market.>")
    check_no_id_twice(messages)
    check_promises(messages)
    check_every_minute_has_its_candle(messages)
    states = {gap.asset: gap.state for gap in holes(messages) if gap.channel == "candle_1m"}
    assert states["SOL"] == "filled"
    assert undeclared(messages, missing(lab, await everything(lab), watermarks(messages)[-1])) == []


async def test_nats_away_for_a_while_costs_nothing(lab: Lab) -> None:
    await lab.nats_by_proxy()
    venue = await lab.venue(SPEED, "--hold")
    collector = await lab.collector()
    start_ms = await first_watermark(lab)
    await passes(lab, start_ms + 20 * MINUTE_MS)
    await lab.cut_nats()
    last = len(lab.truth())
    await eventually(lambda: len(lab.truth()) > last + 500)
    await lab.restore_nats()
    before_ms = await watermark_ms(lab)
    await passes(lab, before_ms + 2 * HOUR_MS)
    assert await lab.stop(venue) == 0
    assert await lab.stop(collector) == 0
    messages = await lab.messages(MARKET, "market.>")
    check_no_id_twice(messages)
    check_promises(messages)
    check_candles_before_watermarks(messages)
    assert missing(lab, await everything(lab), watermarks(messages)[-1]) == []
    assert holes(messages) == []


async def test_garbage_from_the_venue_is_kept_with_its_reason_and_the_rest_goes_on(lab: Lab) -> None:
    garbage = ["{", '{"channel":"trades","data":[{"coin":"BTC"}]}', '{"channel":"bbo","data":{"coin":"BTC"}}']
    good = {"coin": "BTC", "side": "B", "px": "100.0", "sz": "1.0", "time": 1_800_000_000_500, "tid": 7}
    frames = [*garbage, json.dumps({"channel": "trades", "data": [good]})]
    async with scripted_venue(1_800_000_000_000, frames) as address:
        (lab.folder / "address").write_text(address)
        await lab.collector(TRADING_ASSETS='["BTC"]')

        async def arrived() -> list[AnyMessage]:
            return await lab.messages(MARKET, "market.*.*.trade")

        [trade] = await eventually(arrived)
        letters = [one for one in await lab.messages(DLQ, "dlq.>") if isinstance(one, DeadLetterMessage)]
    assert isinstance(trade, TradeMessage)
    assert trade.trade_id == "7"
    assert [letter.payload for letter in letters[:1]] == ["{"]
    assert len(letters) == len(garbage)
    assert all(letter.reason for letter in letters)


async def test_an_asset_that_the_venue_does_not_trade_stops_the_collector_by_name(lab: Lab) -> None:
    await lab.venue(1.0)
    collector = await lab.collector(TRADING_ASSETS='["BTC","NOPE"]')
    assert await collector.wait() == 2
