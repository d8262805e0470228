"""Polymarket's wire as its reference describes it, seen by raw clients."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from venue_lab import START_MINUTE, serving, the_board, the_market

from trading_core.model import MINUTE_MS
from trading_core.testing import eventually
from venue_sim.polymarket.board import CLOSES_AFTER_MS, Market

SLOW = 0.001
START_MS = the_market().first_ms + START_MINUTE * MINUTE_MS
WINDOW_MS = 5 * MINUTE_MS


def open_market(at_ms: int = START_MS) -> Market:
    """The market whose window holds `at_ms`."""
    return the_board().by_slug[f"btc-updown-5m-{at_ms // WINDOW_MS * WINDOW_MS // 1000}"]


class Wire:
    """REST and socket of a venue."""

    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self._session = session
        self._base = f"http://{address}"

    async def get(self, path: str) -> Any:
        async with self._session.get(f"{self._base}{path}") as got:
            return got.status, json.loads(await got.text())

    async def post(self, path: str, body: Any) -> Any:
        async with self._session.post(f"{self._base}{path}", json=body) as got:
            return got.status, json.loads(await got.text())

    async def socket(self) -> aiohttp.ClientWebSocketResponse:
        return await self._session.ws_connect(f"{self._base}/clob/ws/market", max_msg_size=1 << 24)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def frame(socket: aiohttp.ClientWebSocketResponse) -> Any:
    message = await asyncio.wait_for(socket.receive(), 60)
    assert message.type is aiohttp.WSMsgType.TEXT, message
    return json.loads(message.data)


async def events(socket: aiohttp.ClientWebSocketResponse) -> list[dict[str, Any]]:
    found = await frame(socket)
    return found if isinstance(found, list) else [found]


class Kept:
    """A book kept from frames alone, for tokens told apart."""

    def __init__(self) -> None:
        self.sides: dict[str, dict[str, dict[str, str]]] = {}
        self.tops: dict[str, tuple[str, str]] = {}

    def apply(self, event: dict[str, Any]) -> None:
        if event["event_type"] == "book":
            self.sides[event["asset_id"]] = {
                side: {one["price"]: one["size"] for one in event[side]} for side in ("bids", "asks")
            }
        elif event["event_type"] == "price_change":
            for change in event["price_changes"]:
                side = self.sides[change["asset_id"]]["bids" if change["side"] == "BUY" else "asks"]
                if change["size"] == "0":
                    side.pop(change["price"], None)
                else:
                    side[change["price"]] = change["size"]
                self.tops[change["asset_id"]] = (change["best_bid"], change["best_ask"])

    def top(self, token: str) -> tuple[str, str]:
        bids, asks = (sorted(self.sides[token][side], key=Decimal) for side in ("bids", "asks"))
        return bids[-1] if bids else "0", asks[0] if asks else "1"


async def test_a_book_has_its_best_level_last_and_a_hash_over_the_rest(session: aiohttp.ClientSession) -> None:
    async with serving(speed=300.0, polymarket=True) as (address, venue):
        wire, market = Wire(session, address), open_market()
        await eventually(lambda: venue.now().time_ms > market.start_ms + 90_000)
        status, book = await wire.get(f"/clob/book?token_id={market.up_token}")
        assert status == 200
        bids, asks = ([Decimal(one["price"]) for one in book[side]] for side in ("bids", "asks"))
        assert bids == sorted(bids)
        assert asks == sorted(asks, reverse=True)
        assert bids[-1] < asks[-1]
        shown = json.dumps(book | {"hash": ""}, separators=(",", ":"))
        assert book["hash"] == hashlib.sha1(shown.encode(), usedforsecurity=False).hexdigest()


async def test_the_two_tokens_mirror_each_other(session: aiohttp.ClientSession) -> None:
    async with serving(speed=300.0, polymarket=True) as (address, venue):
        wire, market = Wire(session, address), open_market()
        await eventually(lambda: venue.now().time_ms > market.start_ms + 90_000)
        body = [{"token_id": token} for token in (market.down_token, "1", market.up_token)]
        status, books = await wire.post("/clob/books", body)
        assert status == 200
        # Unknown ids are left out: an answer is matched by its id, never by its place.
        down, up = books
        assert (down["asset_id"], up["asset_id"]) == (market.down_token, market.up_token)
        mirror = [(1 - Decimal(one["price"]), one["size"]) for one in up["asks"]]
        assert [(Decimal(one["price"]), one["size"]) for one in down["bids"]] == mirror


async def test_changes_lead_from_the_dump_to_the_book_that_rest_shows(session: aiohttp.ClientSession) -> None:
    async with serving(speed=300.0, polymarket=True) as (address, venue):
        market, kept = open_market(), Kept()
        socket = await Wire(session, address).socket()
        wanted = {"type": "market", "assets_ids": list(market.tokens), "custom_feature_enabled": True}
        await socket.send_json(wanted)
        dump = await frame(socket)
        assert [one["asset_id"] for one in dump] == list(market.tokens)
        for one in dump:
            kept.apply(one)
        seen = set()
        stamp = 0
        while stamp < market.end_ms - 60_000:
            for event in await events(socket):
                seen.add(event["event_type"])
                kept.apply(event)
                if event["event_type"] == "price_change":
                    stamp = int(event["timestamp"])
                    assert {one["asset_id"] for one in event["price_changes"]} == set(market.tokens)
                    assert {token: kept.top(token) for token in market.tokens} == kept.tops
        assert {"price_change", "best_bid_ask"} <= seen
        row = the_board().row_at(market, stamp)
        bids, _ = the_board().levels(market, row)
        assert kept.sides[market.up_token]["bids"] == {str(px): str(sz).removesuffix(".0") for px, sz in bids}
        assert not venue.ended


async def test_a_result_is_told_and_shown_sixteen_seconds_after_the_end(
    session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    market = open_market()
    async with serving(tmp_path / "truth", speed=3_000.0, polymarket=True) as (address, venue):
        wire = Wire(session, address)
        socket = await wire.socket()
        await socket.send_json({"type": "market", "assets_ids": [], "custom_feature_enabled": True})
        await eventually(lambda: venue.now().time_ms > market.closed_ms + 1_000)
        told = await events(socket)
        while told[0].get("event_type") != "market_resolved" or told[0]["market"] != market.condition_id:
            told = await events(socket)
        assert told[0]["winning_asset_id"] == market.winner
        assert int(told[0]["timestamp"]) == market.end_ms + CLOSES_AFTER_MS
        _, shown = await wire.get(f"/gamma/markets/slug/{market.slug}")
        assert shown["closed"] is True
        assert json.loads(shown["outcomePrices"]) == (["1", "0"] if market.window.up_won else ["0", "1"])
        _, tokens = await wire.get(f"/clob/markets/{market.condition_id}")
        assert [one["token_id"] for one in tokens["tokens"] if one["winner"]] == [market.winner]
        assert (await wire.get(f"/clob/book?token_id={market.up_token}"))[0] == 404
    lines = [json.loads(line) for line in (tmp_path / "truth").read_text().splitlines()]
    assert f"r:pm:{market.condition_id}" in {line["id"] for line in lines if line["channel"] == "resolved"}


async def test_gamma_lists_windows_ahead_and_hides_later_ones(session: aiohttp.ClientSession) -> None:
    async with serving(speed=SLOW, polymarket=True) as (address, _):
        wire = Wire(session, address)
        ahead = open_market(START_MS + WINDOW_MS)
        status, shown = await wire.get(f"/gamma/markets?slug={ahead.slug}")
        assert status == 200
        assert [one["conditionId"] for one in shown] == [ahead.condition_id]
        assert json.loads(shown[0]["clobTokenIds"]) == list(ahead.tokens)
        assert "volume24hr" not in shown[0]
        assert "liquidityNum" not in shown[0]
        hidden = open_market(START_MS + 25 * 60 * MINUTE_MS)
        assert await wire.get(f"/gamma/markets?slug={hidden.slug}") == (200, [])
        assert (await wire.get(f"/gamma/markets/slug/{hidden.slug}"))[0] == 404


async def test_lists_are_paged_to_their_end(session: aiohttp.ClientSession) -> None:
    async with serving(speed=SLOW, polymarket=True) as (address, _):
        wire = Wire(session, address)
        found, cursor = [], ""
        while True:
            _, page = await wire.get(f"/gamma/markets/keyset?limit=100&closed=false{cursor}")
            found += [one["slug"] for one in page["markets"]]
            if "next_cursor" not in page:
                break
            cursor = f"&after_cursor={page['next_cursor']}"
        # The one that is about to be decided, the one in its window, and those that begin within 24 h.
        assert found == [open_market(START_MS + n * WINDOW_MS).slug for n in range(-1, 24 * 12 + 1)]
        listed, cursor = 0, "MA=="
        while cursor != "LTE=":
            _, page = await wire.get(f"/clob/simplified-markets?next_cursor={cursor}")
            listed, cursor = listed + page["count"], page["next_cursor"]
        assert listed == len(the_board().listed(START_MS))
        assert (await wire.get("/gamma/markets/keyset?offset=1"))[0] == 422


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("book?token_id=x", 400),
        ("book?token_id=1", 404),
        ("midpoint?token_id=1", 404),
        ("markets/0x1", 404),
        ("ok", 200),
    ],
)
async def test_clob_errors_are_those_of_the_venue(session: aiohttp.ClientSession, path: str, status: int) -> None:
    async with serving(speed=SLOW, polymarket=True) as (address, _):
        assert (await Wire(session, address).get(f"/clob/{path}"))[0] == status


async def test_ping_is_text_and_who_forgets_it_is_dropped(session: aiohttp.ClientSession) -> None:
    async with serving(speed=SLOW, polymarket=True, pm_idle_s=0.5) as (address, _):
        socket = await Wire(session, address).socket()
        await socket.send_str("PING")
        assert (await socket.receive()).data == "PONG"
        assert (await asyncio.wait_for(socket.receive(), 60)).type in (
            aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSE,
        )  # fmt: skip


async def test_an_unknown_token_gives_an_empty_dump(session: aiohttp.ClientSession) -> None:
    async with serving(speed=SLOW, polymarket=True) as (address, _):
        socket = await Wire(session, address).socket()
        await socket.send_json({"type": "market", "assets_ids": ["1"]})
        assert await frame(socket) == []


async def test_a_clock_frame_comes_before_the_events_of_its_moment(session: aiohttp.ClientSession) -> None:
    async with serving(speed=300.0, polymarket=True) as (address, _):
        market = open_market()
        socket = await Wire(session, address).socket()
        await socket.send_json({"type": "market", "assets_ids": [market.up_token], "clock": True})
        clock_ms, changes = 0, 0
        while changes < 50:
            for event in await events(socket):
                stamp = int(event["timestamp"])
                if event["event_type"] == "clock":
                    assert stamp >= clock_ms
                    clock_ms = stamp
                elif event["event_type"] == "price_change":
                    assert stamp == clock_ms
                    changes += 1


async def test_a_silent_venue_still_answers_ping(session: aiohttp.ClientSession) -> None:
    async with serving(speed=300.0, polymarket=True) as (address, _):
        wire = Wire(session, address)
        assert (await wire.post("/control/polymarket", {"is_silent": True, "html_429": True}))[0] == 200
        socket = await wire.socket()
        await socket.send_json({"type": "market", "assets_ids": list(open_market().tokens)})
        await socket.send_str("PING")
        assert (await socket.receive()).data == "PONG"
        async with session.get(f"http://{address}/clob/ok") as got:
            assert (got.status, got.content_type) == (429, "text/html")


def test_every_market_has_ids_of_its_own_whatever_the_round() -> None:
    tokens = [token for market in the_board().markets for token in market.tokens]
    assert len(set(tokens)) == len(tokens) == 2 * len(the_board().markets)
    assert len({market.slug for market in the_board().markets}) == len(the_board().markets)


def test_a_position_is_found_again_from_its_time() -> None:
    board = the_board()
    for position in range(0, 40_000, 997):
        assert board.time_ms(board.position_from(board.time_ms(position))) == board.time_ms(position)
        assert board.time_ms(board.position_from(board.time_ms(position)) - 1) < board.time_ms(position)
