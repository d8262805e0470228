"""Clients that others wrote for Hyperliquid, against the simulator: what they are told is what its truth log has."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hyperliquid.info import Info
from venue_lab import serving

from lean_ccxt import hyperliquid_class
from trading_core.model import DAY_MS, MINUTE_MS
from trading_core.testing import eventually
from venue_sim import truth
from venue_sim.market import Market
from venue_sim.venue import Venue

pytestmark = pytest.mark.integration
SPEED = 1_200.0
FRAMES = 60
"""Fifteen minutes of venue time: four prints a minute."""


def truth_between(path: Path, venue: Venue, channel: str, first_ms: int, last_ms: int) -> list[str]:
    """Ids that the truth log has of BTC, both ends included."""
    venue.save()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [
        line["id"]
        for line in lines
        if (line["channel"], line["coin"]) == (channel, "BTC") and first_ms <= line["time"] <= last_ms
    ]


def closed(frames: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last state of every bucket but the first, of which the beginning may be missing, and the last."""
    buckets = {frame["t"]: frame for frame in frames}
    return list(buckets.values())[1:-1]


def without_repeats(values: Iterable[str]) -> list[str]:
    kept: list[str] = []
    for value in values:
        if kept[-1:] != [value]:
            kept.append(value)
    return kept


def content(name: str) -> str:
    """The part of an id that stands for what was said."""
    return name.rsplit(":", 1)[-1]


async def test_the_official_sdk_hears_what_the_truth_log_has(tmp_path: Path) -> None:
    path = tmp_path / "truth"
    async with serving(path, speed=SPEED) as (address, venue):
        info = await asyncio.to_thread(Info, f"http://{address}")
        heard: dict[str, list[Any]] = {}
        wanted: list[dict[str, Any]] = [
            {"type": "trades", "coin": "BTC"}, {"type": "bbo", "coin": "BTC"},
            {"type": "l2Book", "coin": "BTC", "fast": True},
            {"type": "activeAssetCtx", "coin": "BTC"}, {"type": "candle", "coin": "BTC", "interval": "1m"},
            {"type": "allMids"},
        ]  # fmt: skip
        for subscription in wanted:
            frames = heard[subscription["type"]] = []
            info.subscribe(subscription, lambda message, frames=frames: frames.append(message["data"]))
        await eventually(lambda: min(len(heard[name]) for name in ("trades", "bbo", "activeAssetCtx")) > FRAMES, 30)
        await asyncio.to_thread(info.disconnect_websocket)
        heard = {name: list(frames) for name, frames in heard.items()}  # its thread may still be at work

        backlog, *live = heard["trades"]
        trades = [trade for frame in live for trade in frame]
        span = trades[0]["time"], trades[-1]["time"]
        assert [truth.trade_id(trade) for trade in trades] == truth_between(path, venue, "trades", *span)
        assert len(backlog) == 30

        quotes = heard["bbo"][1:]
        span = quotes[0]["time"], quotes[-1]["time"]
        assert [truth.bbo_id(quote) for quote in quotes] == truth_between(path, venue, "bbo", *span)

        books = [book for book in heard["l2Book"] if book["time"] > heard["l2Book"][0]["time"]]
        span = books[0]["time"], books[-1]["time"]
        assert without_repeats(map(truth.book_id, books)) == truth_between(path, venue, "l2Book", *span)

        candles = closed(heard["candle"])
        span = candles[0]["T"] + 1, candles[-1]["T"] + 1
        assert [truth.candle_id(candle) for candle in candles] == truth_between(path, venue, "candle", *span)

        # A context has no time of its own: what the contexts said, in their order, is in the truth log.
        said = without_repeats(content(truth.ctx_id("BTC", 0, frame["ctx"])) for frame in heard["activeAssetCtx"])
        known = without_repeats(map(content, truth_between(path, venue, "activeAssetCtx", 0, venue.now().time_ms)))
        assert any(known[start:][: len(said) - 1] == said[1:] for start in range(len(known)))

        assert set(heard["allMids"][0]["mids"]) == set(venue.market.coins)


async def test_the_official_sdk_reads_history_and_state(tmp_path: Path) -> None:
    async with serving(tmp_path / "truth", speed=0.001, start_after_ms=1_000) as (address, venue):
        market, p, now_ms = venue.market, venue.p, venue.now().time_ms

        def ask() -> dict[str, Any]:
            info = Info(f"http://{address}", skip_ws=True)
            return {
                "mids": info.all_mids(),
                "book": info.l2_snapshot("BTC"),
                "candles": info.candles_snapshot("BTC", "1m", now_ms - 10 * MINUTE_MS, now_ms),
                "funding": info.funding_history("SOL", now_ms - DAY_MS, now_ms),
                "meta": info.meta(),
                "contexts": info.meta_and_asset_ctxs(),
                "spot": info.spot_meta_and_asset_ctxs(),
                "dexs": info.perp_dexs(),
            }

        told = await asyncio.to_thread(ask)
    assert told["mids"] == market.mids(p)
    assert told["book"] == market.book("BTC", p)
    assert told["candles"] == market.candles("BTC", "1m", p, now_ms - 10 * MINUTE_MS, now_ms)
    assert told["funding"] == market.funding("SOL", now_ms, now_ms - DAY_MS, now_ms)
    assert [one["name"] for one in told["meta"]["universe"]] == list(market.coins)
    assert told["contexts"][1] == [market.ctx(coin, p) for coin in market.coins]
    assert told["spot"] == [{"tokens": told["spot"][0]["tokens"], "universe": []}, []]
    assert told["dexs"] == [None]


async def test_ccxt_pro_watches_what_the_truth_log_has(tmp_path: Path) -> None:
    path = tmp_path / "truth"
    async with serving(path, speed=SPEED) as (address, venue):
        client = hyperliquid_class()({"newUpdates": True})
        public = f"http://{address}"
        client.urls["api"] = {"public": public, "private": public, "ws": {"public": f"ws://{address}/ws"}}
        symbol = "BTC/USDC:USDC"
        try:
            trades, quotes, candles, price = await asyncio.wait_for(
                asyncio.gather(
                    _trades(client, symbol), _quotes(client, symbol), _candles(client, symbol), _price(client, symbol)
                ),
                30,
            )
        finally:
            await client.close()
        spans = [(min(known.values()), max(known.values())) for known in (trades, quotes)]
        assert list(trades) == truth_between(path, venue, "trades", *spans[0])
        # ccxt hands out the newest book, so under load it may leave one out, but never shows one that was not.
        assert set(quotes) <= set(truth_between(path, venue, "bbo", *spans[1])) | _quote_at(venue.market, spans[1][0])
        span = candles[0]["T"] + 1, candles[-1]["T"] + 1
        assert [truth.candle_id(candle) for candle in candles] == truth_between(path, venue, "candle", *span)
        shown = {repr(venue.market.price("BTC", p)) for p in range(venue.p - 4_000, venue.p + 1)}
        assert repr(price) in shown


def _quote_at(market: Market, time_ms: int) -> set[str]:
    """The book of the first frame is the one of the print before the subscription."""
    return {truth.bbo_id(market.bbo("BTC", market.last_print_at(time_ms)))}


async def _trades(client: Any, symbol: str) -> dict[str, int]:
    """Id → time of live trades, in their order."""
    backlog = {trade["id"] for trade in await client.watch_trades(symbol)}
    seen: dict[str, int] = {}
    while len(seen) < FRAMES:
        for trade in await client.watch_trades(symbol):
            if trade["id"] not in backlog:
                raw = {"coin": "BTC", "time": trade["timestamp"], "tid": trade["id"]}
                seen[truth.trade_id(raw)] = trade["timestamp"]
    return seen


async def _quotes(client: Any, symbol: str) -> dict[str, int]:
    """Id → time of the best bid and ask of books."""
    seen: dict[str, int] = {}
    while len(seen) < FRAMES:
        book = await client.watch_order_book(symbol)
        sides = [{"px": repr(price), "sz": repr(size)} for price, size in (book["bids"][0][:2], book["asks"][0][:2])]
        quote = {"coin": "BTC", "time": book["timestamp"], "bbo": sides}
        seen[truth.bbo_id(quote)] = book["timestamp"]
    return seen


async def _candles(client: Any, symbol: str) -> list[dict[str, Any]]:
    seen: dict[int, dict[str, Any]] = {}
    while len(seen) < FRAMES // 4:
        for open_ms, *numbers in await client.watch_ohlcv(symbol, "1m"):
            named = dict(zip("ohlcv", map(repr, numbers), strict=True))
            seen[open_ms] = {"t": open_ms, "T": open_ms + MINUTE_MS - 1, "s": "BTC", "i": "1m", **named}
    return closed(seen.values())


async def _price(client: Any, symbol: str) -> float:
    tickers = await client.watch_tickers([symbol], {"channel": "allMids"})
    return float(tickers[symbol]["last"])
