"""The wire as the venue's reference describes it, seen by a raw client."""

from __future__ import annotations

import asyncio
import itertools
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from venue_lab import serving, the_market

from trading_core.model import MINUTE_MS
from trading_core.testing import eventually
from venue_sim.clock import read_state

SLOW = 0.001
"""A speed at which no print comes during a test."""


async def asked(address: str, body: Any, **more: Any) -> tuple[int, str]:
    headers = {"Content-Type": "application/json"} | more.pop("headers", {})
    data = body if isinstance(body, str) else json.dumps(body)
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://{address}/info", data=data, headers=headers) as got,
    ):
        return got.status, await got.text()


class Raw:
    """A client that only sends and receives."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def subscribe(self, **subscription: Any) -> None:
        await self.socket.send_str(json.dumps({"method": "subscribe", "subscription": subscription}))

    async def next(self) -> dict[str, Any]:
        message = await asyncio.wait_for(self.socket.receive(), 60)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        frame: dict[str, Any] = json.loads(message.data)
        return frame

    async def next_of(self, channel: str) -> dict[str, Any]:
        while (frame := await self.next())["channel"] != channel:
            pass
        return frame

    async def ends(self) -> int:
        """The code of the venue's close frame once the connection is over; 1006 means that none came."""
        code = 1006
        async with asyncio.timeout(5):
            while not self.socket.closed:
                message = await self.socket.receive()
                if message.type is aiohttp.WSMsgType.CLOSE:
                    code = int(message.data)
        return code


@pytest.fixture
async def session() -> Any:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def raw(session: aiohttp.ClientSession, address: str) -> Raw:
    return Raw(await session.ws_connect(f"ws://{address}/ws"))


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ("{", 400, "Failed to parse the request body as JSON"),
        ({"type": "nonsense"}, 422, "Failed to deserialize the JSON body into the target type"),
        ({"type": "candleSnapshot", "coin": "BTC"}, 422, "Failed to deserialize the JSON body into the target type"),
        ({"type": "metaAndAssetCtxs", "dex": "nowhere"}, 500, "null"),
        ({"type": "fundingHistory", "coin": "NOPE", "startTime": 0}, 500, "null"),
        ({"type": "l2Book", "coin": "NOPE"}, 200, "null"),
    ],
)
async def test_rest_errors_are_those_of_the_venue(body: Any, status: int, text: str) -> None:
    async with serving(speed=SLOW) as (address, _):
        got_status, got_text = await asked(address, body)
        assert got_status == status
        assert got_text.startswith(text)


async def test_get_and_a_wrong_content_type_are_refused(session: aiohttp.ClientSession) -> None:
    async with serving(speed=SLOW) as (address, _):
        assert (await asked(address, {"type": "meta"}, headers={"Content-Type": "text/plain"}))[0] == 415
        async with session.get(f"http://{address}/info") as got:
            assert (got.status, await got.text()) == (405, "")


@pytest.mark.parametrize(
    "kind",
    [
        "meta",
        "metaAndAssetCtxs",
        "allMids",
        "predictedFundings",
        "perpDexs",
        "spotMeta",
        "allPerpMetas",
        "exchangeStatus",
    ],
)
async def test_every_info_type_without_a_coin_answers(kind: str) -> None:
    async with serving(speed=SLOW) as (address, _):
        status, text = await asked(address, {"type": kind})
        assert status == 200
        assert json.loads(text)


async def test_contexts_stand_in_the_order_of_the_universe() -> None:
    async with serving(speed=SLOW) as (address, _):
        meta, contexts = json.loads((await asked(address, {"type": "metaAndAssetCtxs"}))[1])
        assert [asset["name"] for asset in meta["universe"]] == ["BTC", "ETH", "SOL"]
        marks = [float(context["markPx"]) for context in contexts]
        assert marks == sorted(marks, reverse=True)


async def test_rest_shows_nothing_later_than_the_clock() -> None:
    async with serving(speed=3_000.0) as (address, venue):
        for _ in range(5):
            request = {"coin": "BTC", "interval": "1m", "startTime": 0}
            rows = json.loads((await asked(address, {"type": "candleSnapshot", "req": request}))[1])
            trades = json.loads((await asked(address, {"type": "recentTrades", "coin": "BTC"}))[1])
            now_ms = venue.now().time_ms
            assert rows[-1]["t"] <= now_ms
            assert trades[0]["time"] <= now_ms
            assert trades[0]["time"] > trades[-1]["time"]


async def test_the_acknowledgement_comes_first_with_its_defaults_filled_in(session: aiohttp.ClientSession) -> None:
    async with serving(speed=SLOW) as (address, _):
        client = await raw(session, address)
        await client.subscribe(type="l2Book", coin="BTC")
        filled = {"type": "l2Book", "coin": "BTC", "nSigFigs": None, "mantissa": None, "fast": False}
        assert await client.next() == {
            "channel": "subscriptionResponse",
            "data": {"method": "subscribe", "subscription": filled},
        }
        book = await client.next()
        assert [len(side) for side in book["data"]["levels"]] == [20, 20]
        assert json.loads((await asked(address, {"type": "l2Book", "coin": "BTC"}))[1]) == book["data"]


async def test_the_fast_form_of_a_book_has_five_levels_and_comes_again_unchanged(
    session: aiohttp.ClientSession,
) -> None:
    async with serving(speed=SLOW) as (address, venue):
        client = await raw(session, address)
        await client.subscribe(type="l2Book", coin="BTC", fast=True)
        assert (await client.next())["data"]["subscription"]["fast"] is True
        first, again = await client.next(), await client.next()
        assert first == again
        assert first["data"] == venue.market.book("BTC", venue.p, 5) | {"fast": True}


async def test_trades_begin_with_a_backlog_oldest_first(session: aiohttp.ClientSession) -> None:
    async with serving(speed=SLOW) as (address, _):
        client = await raw(session, address)
        await client.subscribe(type="trades", coin="ETH")
        await client.next()
        backlog = (await client.next())["data"]
        assert len(backlog) == 30
        assert backlog == sorted(backlog, key=lambda trade: trade["time"])


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        ("nonsense", "Error parsing JSON into valid websocket request: nonsense"),
        ('{"method":"subscribe"}', "Error parsing JSON into valid websocket request: "),
        ('{"method":"subscribe","subscription":{"type":"bbo","coin":["BTC"]}}', "Error parsing JSON into valid "),
        ('{"method":"subscribe","subscription":{"type":"what","coin":"BTC"}}', "Error parsing JSON into valid "),
        ('{"method":"unsubscribe","subscription":{"type":"bbo","coin":"BTC"}}', 'Already unsubscribed: {"type":"bbo"'),
    ],
)
async def test_a_bad_frame_gets_an_error_and_the_socket_stays(
    session: aiohttp.ClientSession, frame: str, text: str
) -> None:
    async with serving(speed=SLOW) as (address, _):
        client = await raw(session, address)
        await client.socket.send_str(frame)
        got = await client.next()
        assert got["channel"] == "error"
        assert got["data"].startswith(text)
        await client.socket.send_str('{"method":"ping"}')
        assert await client.next() == {"channel": "pong"}


async def test_a_second_equal_subscription_is_refused(session: aiohttp.ClientSession) -> None:
    async with serving(speed=SLOW) as (address, _):
        client = await raw(session, address)
        for _ in range(2):
            await client.subscribe(type="bbo", coin="BTC")
        assert (await client.next_of("error"))["data"] == 'Already subscribed: {"type":"bbo","coin":"BTC"}'


@pytest.mark.parametrize(
    "subscription",
    [
        {"type": "bbo", "coin": "NOPE"},
        {"type": "trades", "coin": "btc"},
        {"type": "l2Book", "coin": "BTC", "nSigFigs": 6},
        {"type": "l2Book", "coin": "BTC", "mantissa": 2},
    ],
)
async def test_an_unknown_coin_or_aggregation_kills_the_socket_without_a_word(
    session: aiohttp.ClientSession, subscription: dict[str, Any]
) -> None:
    async with serving(speed=SLOW) as (address, _):
        client = await raw(session, address)
        await client.subscribe(type="trades", coin="BTC")
        await client.subscribe(**subscription)
        assert await client.ends() == 1006


async def test_a_socket_to_which_nothing_is_sent_is_cut(session: aiohttp.ClientSession) -> None:
    async with serving(speed=SLOW, idle_s=0.3) as (address, _):
        client = await raw(session, address)
        assert await client.ends() == 1006


async def test_an_unsubscribed_channel_falls_silent(session: aiohttp.ClientSession) -> None:
    async with serving(speed=3_000.0) as (address, _):
        client = await raw(session, address)
        await client.subscribe(type="bbo", coin="BTC")
        await client.next_of("bbo")
        await client.socket.send_str('{"method":"unsubscribe","subscription":{"type":"bbo","coin":"BTC"}}')
        acknowledged = await client.next_of("subscriptionResponse")
        while acknowledged["data"]["method"] != "unsubscribe":
            acknowledged = await client.next_of("subscriptionResponse")
        await client.socket.send_str('{"method":"ping"}')
        assert (await client.next())["channel"] == "pong"


async def test_info_can_be_asked_over_the_socket(session: aiohttp.ClientSession) -> None:
    async with serving(speed=SLOW) as (address, _):
        client = await raw(session, address)
        payload = {"type": "l2Book", "coin": "NOPE"}
        await client.socket.send_str(
            json.dumps({"method": "post", "id": 7, "request": {"type": "info", "payload": payload}})
        )
        response = {"type": "info", "payload": {"type": "l2Book", "data": None}}
        assert await client.next() == {"channel": "post", "data": {"id": 7, "response": response}}


async def test_each_event_time_is_a_clock_frame_and_then_its_channels_in_order(session: aiohttp.ClientSession) -> None:
    async with serving(speed=3_000.0, hold=True) as (address, _):
        client = await raw(session, address)
        for kind in ("clock", "activeAssetCtx", "bbo", "trades"):
            await client.subscribe(type=kind, coin="BTC")
        await client.subscribe(type="candle", coin="BTC", interval="1m")
        start_ms = the_market().first_ms + 1_560 * MINUTE_MS
        frames = [await client.next()]
        while not (frames[-1]["channel"] == "clock" and frames[-1]["data"]["time"] >= start_ms + 2 * MINUTE_MS):
            frames.append(await client.next())
        live = frames[max(i for i, one in enumerate(frames) if one["channel"] == "subscriptionResponse") + 2 :]
        times = [one["data"]["time"] for one in live if one["channel"] == "clock"]
        assert times == sorted(times)
        groups: dict[int, list[str]] = {}
        for one in live:
            if one["channel"] == "clock":
                now_ms = one["data"]["time"]
            else:
                groups.setdefault(now_ms, []).append(one["channel"])
                if one["channel"] == "trades":
                    assert one["data"][0]["time"] == now_ms
        prints = {at: channels for at, channels in groups.items() if "trades" in channels}
        assert list(prints) == [start_ms + k * MINUTE_MS + o for k in (0, 1) for o in (0, 20_000, 40_000, 59_500)]
        assert all(channels == ["trades", "candle", "bbo", "activeAssetCtx"] for channels in prints.values())


async def test_clock_frames_go_only_to_who_asked_for_them(session: aiohttp.ClientSession) -> None:
    async with serving(speed=3_000.0) as (address, _):
        client = await raw(session, address)
        await client.subscribe(type="bbo", coin="BTC")
        seen = {(await client.next())["channel"] for _ in range(20)}
        assert seen == {"subscriptionResponse", "bbo"}


async def test_an_unchanged_context_is_repeated_each_second_of_wall_time(session: aiohttp.ClientSession) -> None:
    async with serving(speed=SLOW, p=1_560 * 4) as (address, _):
        client = await raw(session, address)
        await client.subscribe(type="activeAssetCtx", coin="BTC")
        first, again = await client.next_of("activeAssetCtx"), await client.next_of("activeAssetCtx")
        assert first == again


async def test_the_first_print_of_a_minute_shows_a_candle_with_a_later_open_time(
    session: aiohttp.ClientSession,
) -> None:
    async with serving(speed=3_000.0) as (address, _):
        client = await raw(session, address)
        await client.subscribe(type="candle", coin="SOL", interval="1m")
        opened = [(await client.next_of("candle"))["data"] for _ in range(12)]
        later = [row for before, row in itertools.pairwise(opened) if row["t"] > before["t"]]
        assert later
        assert all(row["n"] == 1 for row in later)


async def test_the_truth_log_holds_every_event_with_its_id(tmp_path: Path) -> None:
    async with serving(truth=tmp_path / "truth.jsonl", speed=30_000.0) as (_, venue):
        await eventually(lambda: venue.p >= 1_562 * 4)
        last = venue.p
    lines = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    trades = [line["id"] for line in lines if line["channel"] == "trades" and line["coin"] == "BTC"]
    expected = [the_market().trade("BTC", p) for p in range(1_560 * 4, last + 1)]
    assert trades[: len(expected)] == [f"t:hl:BTC:{trade['time']}:{trade['tid']}" for trade in expected]
    assert {line["channel"] for line in lines} == {"trades", "bbo", "candle", "activeAssetCtx", "l2Book", "funding"}


async def test_a_second_start_goes_on_where_the_first_stopped(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    async with serving(speed=30_000.0, state_path=path) as (_, venue):
        await eventually(lambda: venue.p >= 1_561 * 4)
        venue.save()
        last = venue.p
    saved = read_state(path)
    assert saved is not None
    assert saved.shift_ms == the_market().shift_ms
    # Every print up to the saved moment has happened, none after it.
    assert the_market().last_print_at(saved.event_ms) == last


async def test_at_the_end_of_the_sample_the_clock_stands_and_the_venue_says_so() -> None:
    async with serving(speed=3e6, p=the_market().prints - 2) as (address, venue):
        await eventually(lambda: venue.ended)
        status = json.loads((await asked(address, {"type": "exchangeStatus"}))[1])
        assert status == {"specialStatuses": ["end_of_sample"], "time": the_market().end_ms}
