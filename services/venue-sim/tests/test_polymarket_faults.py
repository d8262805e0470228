"""What Polymarket does wrong on demand: the frames of one client, REST, and late results."""

from __future__ import annotations

import itertools
import json
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from test_polymarket import SLOW, Kept, Wire, events, open_market
from venue_lab import a_board, serving, the_board

from trading_core.testing import eventually
from venue_sim.polymarket import schedule
from venue_sim.polymarket.faults import Fault, Faults, Kind

FRAMES = ('{"event_type":"a"}', '{"event_type":"b"}', '{"event_type":"c"}')


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


def sent(*kinds: Kind) -> list[str]:
    """What a client gets for three frames under these faults, and for a fourth after them."""
    faults, held = Faults(), deque[str]()
    for kind in kinds:
        faults.start(Fault(kind=kind), 0.0)
    out = [frame for text in FRAMES for frame in faults.frames(text, held)]
    faults.clear()
    return [*out, *faults.frames('{"event_type":"d"}', held)]


def test_frames_are_kept_back_doubled_swapped_and_mixed_with_rubbish() -> None:
    a, b, c = FRAMES
    last = '{"event_type":"d"}'
    assert sent() == [a, b, c, last]
    assert sent("stall") == sent("half_open") == [last]
    assert sent("duplicate") == [a, a, b, b, c, c, last]
    assert sent("out_of_order") == [b, a, c, last]
    assert [text for text in sent("malformed") if not text.endswith("}")] == [text[: len(text) // 2] for text in FRAMES]
    assert [len(text) > 1024 * 1024 for text in sent("oversize")] == [False, True] * 3 + [False]
    assert sum("new_thing" in text for text in sent("unknown_event")) == 3


def test_a_fault_ends_by_itself_and_a_switch_by_being_switched() -> None:
    faults = Faults()
    faults.start(Fault(kind="stall", for_s=2), 10.0)
    assert (faults.over(11.9), faults.has("stall")) == ([], True)
    assert [one.kind for one in faults.over(12.0)] == ["stall"]
    assert not faults.has("stall")
    assert faults.switch(is_silent=True)["is_silent"]
    assert faults.has("stall")
    faults.switch(is_silent=False)
    assert not faults.has("stall")
    with pytest.raises(ValueError, match="is_loud"):
        faults.switch(is_loud=True)


def test_a_seed_gives_the_same_faults_again() -> None:
    first, again, other = (list(itertools.islice(schedule.by_chance(seed), 200)) for seed in (7, 7, 8))
    assert first == again != other
    assert {fault.kind for _, fault in first} == set(schedule.KINDS)


@pytest.mark.parametrize(
    ("kind", "status", "text"),
    [
        ("rest_429", 429, "<html>"),
        ("rest_html", 200, "<html>"),
        ("rest_null", 200, "null"),
        ("rest_500", 500, '{"error"'),
        ("rest_truncated", 200, '{"id"'),
    ],
)
async def test_rest_answers_wrongly_below_one_path(
    session: aiohttp.ClientSession, kind: str, status: int, text: str
) -> None:
    async with serving(speed=SLOW, polymarket=True) as (address, _):
        wire, path = Wire(session, address), f"/gamma/markets/slug/{open_market().slug}"
        control, fault = (
            f"http://{address}/control/faults",
            {"exchange": "polymarket", "kind": kind, "request": "gamma"},
        )
        async with session.post(control, json=fault) as got:
            assert [one["kind"] for one in await got.json()] == [kind]
        async with session.get(f"http://{address}{path}") as got:
            body = await got.text()
            assert (got.status, body[: len(text)]) == (status, text)
        if kind == "rest_truncated":
            with pytest.raises(json.JSONDecodeError):
                json.loads(body)
        assert await wire.get("/clob/ok") == (200, "OK")
        async with session.delete(control) as got:
            assert got.status == 200
        assert (await wire.get(path))[1]["slug"] == open_market().slug
        async with session.post(control, json={"exchange": "polymarket", "kind": "earthquake"}) as got:
            assert got.status == 422


async def test_a_late_result_is_told_and_shown_once_the_fault_ends(
    session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    market = open_market()
    async with serving(tmp_path / "truth", speed=3_000.0, polymarket=True) as (address, venue):
        assert venue.polymarket is not None
        await venue.polymarket.fault(Fault(kind="late_result", for_s=600), venue.now().time_ms)
        wire = Wire(session, address)
        socket = await wire.socket()
        await socket.send_json({"type": "market", "assets_ids": [], "custom_feature_enabled": True})
        await eventually(lambda: venue.now().time_ms > market.closed_ms + 1_000)
        assert (await wire.get(f"/gamma/markets/slug/{market.slug}"))[1]["closed"] is False
        assert (await wire.get(f"/clob/book?token_id={market.up_token}"))[0] == 200
        venue.heal()
        told: list[dict[str, Any]] = [{}]
        while told[0].get("market") != market.condition_id or told[0]["event_type"] != "market_resolved":
            told = await events(socket)
        assert int(told[0]["timestamp"]) > market.closed_ms
        assert (await wire.get(f"/gamma/markets/slug/{market.slug}"))[1]["closed"] is True
        venue.save()
    lines = [json.loads(line) for line in (tmp_path / "truth").read_text().splitlines()]
    assert [line["id"] for line in lines if line["channel"] == "fault"] == [
        "fault:late_result:begins", "fault:late_result:ends",
    ]  # fmt: skip
    [result] = [line["time"] for line in lines if line["id"] == f"r:pm:{market.condition_id}"]
    assert result == int(told[0]["timestamp"])


async def test_a_one_sided_book_is_what_the_venue_shows_everywhere(session: aiohttp.ClientSession) -> None:
    async with serving(speed=300.0, polymarket=True, board=a_board()) as (address, venue):
        assert venue.polymarket is not None
        market, kept = open_market(), Kept()
        await venue.polymarket.fault(Fault(kind="empty_sides", for_s=600), venue.now().time_ms)
        socket = await Wire(session, address).socket()
        await socket.send_json({"type": "market", "assets_ids": list(market.tokens)})
        changes = 0
        while changes < 5:
            for event in await events(socket):
                kept.apply(event)
                if event["event_type"] == "price_change":
                    changes += 1
                    assert {token: kept.top(token) for token in market.tokens} == kept.tops
        assert (kept.top(market.up_token)[0], kept.top(market.down_token)[1]) == ("0", "1")
        shown = (await Wire(session, address).get(f"/clob/book?token_id={market.up_token}"))[1]
        assert shown["bids"] == []


async def test_trades_and_a_finer_tick_are_told_on_demand_and_sockets_end(session: aiohttp.ClientSession) -> None:
    async with serving(speed=300.0, polymarket=True) as (address, venue):
        assert venue.polymarket is not None
        market = open_market()
        for kind in ("trades", "tick_size"):
            await venue.polymarket.fault(Fault(kind=kind, for_s=600), venue.now().time_ms)
        socket = await Wire(session, address).socket()
        await socket.send_json({"type": "market", "assets_ids": [market.up_token]})
        seen: dict[str, dict[str, Any]] = {}
        while not {"last_trade_price", "tick_size_change"} <= set(seen):
            seen |= {event["event_type"]: event for event in await events(socket)}
        assert seen["last_trade_price"]["price"] == market.window.last_price
        assert seen["tick_size_change"]["new_tick_size"] == "0.001"
        await venue.polymarket.fault(Fault(kind="refuse", code=1001, for_s=600), venue.now().time_ms)
        while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
            pass
        assert socket.close_code == 1001, message
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await Wire(session, address).socket()
    assert the_board().withheld == {}
