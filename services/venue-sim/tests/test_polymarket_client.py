"""The venue's own Python client against the simulator."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from py_clob_client_v2.client import ClobClient
from py_clob_client_v2.clob_types import BookParams, PricesHistoryParams
from py_clob_client_v2.exceptions import PolyApiException
from test_polymarket import open_market
from venue_lab import serving, the_board

from trading_core import ids
from trading_core.testing import eventually

Ask = Callable[..., Any]


async def asked(call: Ask, *arguments: Any) -> Any:
    """The client blocks, and the venue lives in this very loop."""
    return await asyncio.to_thread(call, *arguments)


async def test_the_official_client_reads_what_the_recording_has() -> None:
    async with serving(speed=300.0, polymarket=True) as (address, venue):
        market = open_market()
        await eventually(lambda: venue.now().time_ms > market.start_ms + 90_000)
        client = ClobClient(f"http://{address}/clob", 137)
        up, down = market.tokens
        assert await asked(client.get_ok) == "OK"
        assert await asked(client.get_version) == 2
        assert abs(await asked(client.get_server_time) * 1000 - venue.now().time_ms) < 600_000
        book = await asked(client.get_order_book, up)
        hashed = book["hash"]
        assert await asked(client.get_order_book_hash, book) == hashed
        state = [
            row for row in market.window.rows.tolist() if the_board().changed_ms(market, row) == int(book["timestamp"])
        ]
        bids, asks = the_board().levels(market, state[0])
        assert [float(one["price"]) for one in reversed(book["bids"])] == [price for price, _ in bids]
        assert [float(one["size"]) for one in reversed(book["asks"])] == [size for _, size in asks]
        both = await asked(client.get_order_books, [BookParams(token_id=up), BookParams(token_id=down)])
        assert [one["asset_id"] for one in both] == [up, down]
        assert await asked(client.get_tick_size, up) in ("0.01", "0.001")
        assert await asked(client.get_neg_risk, up) is False
        assert await asked(client.get_fee_rate_bps, up) == 1000
        info = await asked(client.get_clob_market_info, market.condition_id)
        assert info["fd"] == {"r": 0.07, "e": 1, "to": True}
        assert await asked(client.get_fee_exponent, up) == 1


async def test_every_book_and_result_it_reads_is_in_the_truth_log(tmp_path: Path) -> None:
    market, seen = open_market(), set[str]()
    async with serving(tmp_path / "truth", speed=300.0, polymarket=True) as (address, venue):
        client = ClobClient(f"http://{address}/clob", 137)
        await eventually(lambda: venue.now().time_ms > market.start_ms + 60_000, 30)
        while venue.now().time_ms < market.end_ms:
            book = await asked(client.get_order_book, market.up_token)
            sides = [[[one["price"], one["size"]] for one in reversed(book[side])] for side in ("bids", "asks")]
            seen.add(ids.book("polymarket", market.condition_id, int(book["timestamp"]), sides))
        await eventually(lambda: venue.now().time_ms > market.closed_ms, 30)
        told = await asked(client.get_market, market.condition_id)
        assert [one["token_id"] for one in told["tokens"] if one["winner"]] == [market.winner]
        venue.save()
    truth = {json.loads(line)["id"] for line in (tmp_path / "truth").read_text().splitlines()}
    assert len(seen) > 2
    assert seen <= truth
    assert ids.resolved("polymarket", market.condition_id) in truth


async def test_its_prices_agree_with_its_books() -> None:
    async with serving(speed=0.001, polymarket=True, start_after_ms=120_000) as (address, _):
        client = ClobClient(f"http://{address}/clob", 137)
        market = open_market()
        [book] = await asked(client.get_order_books, [BookParams(token_id=market.up_token)])
        bid, ask = (Decimal(book[side][-1]["price"]) for side in ("bids", "asks"))
        token = market.up_token
        assert Decimal((await asked(client.get_price, token, "BUY"))["price"]) == bid
        assert Decimal((await asked(client.get_price, token, "SELL"))["price"]) == ask
        assert Decimal((await asked(client.get_midpoint, token))["mid"]) == (bid + ask) / 2
        assert Decimal((await asked(client.get_spread, token))["spread"]) == ask - bid
        middles = await asked(client.get_midpoints, [BookParams(token_id=one) for one in market.tokens])
        assert sum(Decimal(one) for one in middles.values()) == 1
        prices = await asked(client.get_prices, [BookParams(token_id=token, side="BUY")])
        assert Decimal(prices[token]["BUY"]) == bid
        assert (await asked(client.get_last_trade_price, token))["price"] == market.window.last_price
        history = await asked(client.get_prices_history, PricesHistoryParams(market=token, interval="max"))
        assert history["history"]
        with pytest.raises(PolyApiException):
            await asked(client.get_order_book, "1")


async def test_its_pages_end() -> None:
    async with serving(speed=0.001, polymarket=True) as (address, venue):
        client = ClobClient(f"http://{address}/clob", 137)
        found, cursor = [], "MA=="
        while cursor != "LTE=":
            page = await asked(client.get_markets, cursor)
            found += [one["condition_id"] for one in page["data"]]
            cursor = page["next_cursor"]
        assert found == [one.condition_id for one in the_board().listed(venue.now().time_ms)]
        market = await asked(client.get_market, open_market().condition_id)
        assert [one["outcome"] for one in market["tokens"]] == ["Up", "Down"]
