"""Curves, candles and pages of trades."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from api_lab import Api
from api_seed import INITIAL, START, Seeded, ms
from trading_api.schemas import CandleSeries, EquityCurve
from trading_api.straight import asked_in
from trading_core.db.rollups import roll_up
from trading_core.metrics.curve import max_drawdown


async def test_a_curve_keeps_its_first_and_last_row_and_its_deepest_drawdown(api: Api, seeded: Seeded) -> None:
    curve = EquityCurve.model_validate(await api.get("/api/equity-curve", points=20))
    assert curve.rows == len(seeded.equity)
    assert len(curve.points) <= 41
    assert (curve.points[0].t, Decimal(curve.points[0].equity)) == (ms(START), seeded.equity[0])
    assert Decimal(curve.points[-1].equity) == seeded.equity[-1]
    assert max(point.drawdown for point in curve.points) == pytest.approx(max_drawdown(seeded.equity, INITIAL))
    assert [point.t for point in curve.points] == sorted({point.t for point in curve.points})


async def test_a_short_curve_is_given_whole(api: Api, seeded: Seeded) -> None:
    last = ms(START) + seeded.minutes * 60_000
    curve = EquityCurve.model_validate(await api.get("/api/equity-curve", points=100, **{"from": last - 9 * 60_000}))
    assert [Decimal(point.equity) for point in curve.points] == seeded.equity[-10:]


async def test_the_curves_of_all_strategies_share_out_the_portfolio(api: Api, seeded: Seeded) -> None:
    parts = [
        EquityCurve.model_validate(await api.get("/api/equity-curve", strategy=name))
        for name in ("funding_arb", "momentum_breakout", "rsi_mean_reversion")
    ]
    assert {part.basis for part in parts} == {"full_capital"}
    assert sum(Decimal(part.points[-1].equity) - INITIAL for part in parts) == seeded.equity[-1] - INITIAL


async def test_the_share_of_a_strategy_in_an_asset_is_drawn_from_closed_positions(api: Api, seeded: Seeded) -> None:
    curve = EquityCurve.model_validate(await api.get("/api/equity-curve", strategy="funding_arb", asset="BTC"))
    closed = [row for row in seeded.closed("funding_arb") if row["asset"] == "BTC"]
    whole = await api.get("/api/equity-curve")
    assert (curve.basis, curve.rows) == ("closed", len(closed) + 2)
    assert (curve.points[0].t, Decimal(curve.points[0].equity)) == (whole["points"][0]["t"], INITIAL)
    assert curve.points[-1].t == whole["points"][-1]["t"]
    assert Decimal(curve.points[-1].equity) - INITIAL == sum(row["realised_pnl"] for row in closed)
    nothing = await api.get("/api/equity-curve", strategy="nobody", asset="BTC")
    assert {Decimal(point["equity"]) for point in nothing["points"]} == {INITIAL}


async def test_the_newest_candles_come_oldest_first(api: Api, seeded: Seeded) -> None:
    series = CandleSeries.model_validate(await api.get("/api/candles", asset="BTC", limit=30))
    assert [candle.c for candle in series.candles] == seeded.closes["BTC"][-30:]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"limit": 7},
        {"interval": "15m", "limit": 5},
        {"from": ms(START) + 90_001, "to": ms(START) + 3_600_001},
        {"to": 0},
        {"from": 4_000_000_000_000},
        {"exchange": "polymarket"},
    ],
)
async def test_the_short_way_to_candles_answers_as_the_long_one(
    api: Api, seeded: Seeded, asked: dict[str, Any]
) -> None:
    assert asked_in(urlencode({"asset": "BTC", **asked}).encode()) is not None
    short = await api.get("/api/candles", asset="BTC", **asked)
    assert short == await api.get("/api/candles", asset="BTC", **asked, markers=False)
    times = [candle["t"] for candle in short["candles"]]
    assert times == sorted(times)
    assert bool(times) == (asked.get("exchange") is None and asked.get("to") != 0 and asked.get("from", 0) < 3e12)
    assert all(asked.get("from", 0) <= t < asked.get("to", 4e12) for t in times)


@pytest.mark.parametrize(
    "query",
    ["", "limit=7", "asset=btc", "asset=BTC&limit=0", "asset=BTC&limit=1001", "asset=BTC&limit=٣", "asset=BTC&to=-1",
     "asset=BTC&interval=2m", "asset=BTC&nothing=1", "asset=BTC&asset=ETH", "asset=BTC&limit=", "asset=BTC&exchange=x"],
)  # fmt: skip
async def test_what_is_not_plainly_right_goes_the_long_way_and_is_refused(api: Api, query: str) -> None:
    assert asked_in(query.encode()) is None
    if query != "asset=BTC&asset=ETH":  # of a parameter that is given twice the framework takes the last
        assert (await api.http.get(f"/api/candles?{query}")).status_code == 422


@pytest.mark.parametrize(("interval", "minutes"), [("5m", 5), ("1h", 60)])
async def test_a_wider_candle_holds_its_minutes(api: Api, seeded: Seeded, interval: str, minutes: int) -> None:
    narrow = CandleSeries.model_validate(await api.get("/api/candles", asset="ETH", limit=1000)).candles
    wide = CandleSeries.model_validate(await api.get("/api/candles", asset="ETH", interval=interval, limit=3)).candles
    assert len(wide) == 3
    for candle in wide:
        inside = [each for each in narrow if candle.t <= each.t < candle.t + minutes * 60_000]
        assert (candle.o, candle.c) == (inside[0].o, inside[-1].c)
        assert (candle.h, candle.l) == (max(each.h for each in inside), min(each.l for each in inside))
        assert candle.v == pytest.approx(sum(each.v for each in inside))


@pytest.mark.parametrize("interval", ["5m", "15m", "1h", "4h"])
async def test_a_wider_candle_outlives_its_minutes(api: Api, seeded: Seeded, ledger: Any, interval: str) -> None:
    """The first eight hours leave, as retention has it."""
    opens = range(ms(START), ms(START) + seeded.minutes * 60_000, 60_000)
    await roll_up(ledger, [("hyperliquid", "ETH", opened) for opened in opens])
    asked = {"asset": "ETH", "interval": interval, "limit": 300}
    before = CandleSeries.model_validate(await api.get("/api/candles", **asked)).candles
    await ledger.execute(
        "DELETE FROM trading_market_data.candles WHERE interval = '1m' AND open_time < $1", START + timedelta(hours=8)
    )
    assert CandleSeries.model_validate(await api.get("/api/candles", **asked)).candles == before


async def test_pages_of_trades_hold_every_trade_once(api: Api, seeded: Seeded) -> None:
    seen: list[dict[str, Any]] = []
    cursor = None
    while True:
        query = {"limit": 7, "asset": "SOL"} | ({"cursor": cursor} if cursor else {})
        page = await api.get("/api/trades", **query)
        seen += page["trades"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    expected = {row["event_id"] for row in seeded.positions if row["asset"] == "SOL"}
    assert len(seen) == len(expected)
    assert {trade["id"] for trade in seen} == expected
    assert [trade["entry_ms"] for trade in seen] == sorted((trade["entry_ms"] for trade in seen), reverse=True)


async def test_signals_carry_their_decision(api: Api) -> None:
    signals = await api.get("/api/signals", limit=200)
    assert {signal["decision"] for signal in signals} == {"opened", "rejected"}
    assert all(signal["reason"] == "already_open" for signal in signals if signal["decision"] == "rejected")


async def test_only_a_fill_that_closed_names_a_result(api: Api) -> None:
    for fill in await api.get("/api/fills", limit=100):
        assert (fill["realised_pnl"] is None) == (fill["purpose"] == "entry")


async def test_candles_bring_the_fills_under_them_when_asked(api: Api, seeded: Seeded) -> None:
    asked = {"asset": "BTC", "interval": "5m", "limit": 60, "strategy": "funding_arb"}
    assert CandleSeries.model_validate(await api.get("/api/candles", **asked)).markers == []
    series = CandleSeries.model_validate(await api.get("/api/candles", **asked, markers=True))
    begin, end = series.candles[0].t, series.candles[-1].t + 300_000
    expected = []
    for row in seeded.positions:
        if (row["strategy"], row["asset"]) == ("funding_arb", "BTC"):
            exits = [(ms(row["exit_ts"]), row["exit_price"])] if row["status"] == "CLOSED" else []
            expected += [(ms(row["entry_ts"]), row["entry_price"]), *exits]
    found = [(marker.t, Decimal(marker.price)) for marker in series.markers]
    assert found == sorted((t, price) for t, price in expected if begin <= t <= end)
    assert found
    assert all((marker.realised_pnl is None) == (marker.purpose == "entry") for marker in series.markers)
