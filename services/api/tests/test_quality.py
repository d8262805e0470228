"""Gaps, coverage and prediction markets as the page asks for them."""

from __future__ import annotations

from typing import Any

import pytest

from api_lab import Api
from trading_api.schemas import Coverage, GapPage, Health, MarketPage
from trading_core.db.times import utc
from trading_core.model import DAY_MS, HOUR_MS, MINUTE_MS

T0 = 20_700 * DAY_MS


async def store_gap(ledger: Any, minute: int, state: str, asset: str = "BTC", channel: str = "ctx") -> None:
    from_ms = T0 + minute * MINUTE_MS
    await ledger.execute(
        "INSERT INTO trading_ops.gaps (event_id, exchange, asset, channel, from_ts, to_ts, state, reason,"
        " opened_visible_ms) VALUES ($1, 'hyperliquid', $2, $3, $4, $5, $6, 'silence', 0)",
        f"g:hl:{asset}:{channel}:{from_ms}", asset, channel, utc(from_ms),
        None if state == "open" else utc(from_ms + 1_500), state,
    )  # fmt: skip


async def store_market(
    ledger: Any, market: str, end_ms: int, asset: str = "BTC", yes: str | None = "0.5", polled_ms: int = T0
) -> None:
    await ledger.execute(
        "INSERT INTO trading_market_data.polymarket_markets (market_id, market_title, asset, ts, yes_price, end_ts,"
        " start_ts, bid, ask, spread, event_id, visible_ms) VALUES ($1, 'Bitcoin Up or Down', $2, $3,"
        " $4::text::numeric, $5, $6, 0.49, 0.51, 0.02, $7, 0)",
        market, asset, utc(polled_ms), yes, utc(end_ms), utc(end_ms - 5 * MINUTE_MS), f"p:{market}:{polled_ms}",
    )  # fmt: skip


async def pages(api: Api, path: str, key: str, **query: Any) -> list[dict[str, Any]]:
    """Every row of all pages."""
    found, cursor = [], None
    while True:
        page = await api.get(path, **query, **({} if cursor is None else {"cursor": cursor}))
        found += page[key]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


async def test_open_gaps_come_first_then_the_newest_in_pages_without_hole_or_repetition(
    empty_api: Api, ledger: Any
) -> None:
    assert await empty_api.get("/api/gaps") == {"gaps": [], "next_cursor": None}
    for minute, state in enumerate(["lost", "open", "filled", "lost", "open", "filled"]):
        await store_gap(ledger, minute, state)
    await store_gap(ledger, 5, "lost", asset="ETH", channel="bbo")
    found = await pages(empty_api, "/api/gaps", "gaps", limit=2)
    order = [((row["from_ms"] - T0) // MINUTE_MS, row["state"]) for row in found]
    # Of the two of minute 5 the one that was stored last comes first.
    assert order == [(4, "open"), (1, "open"), (5, "lost"), (5, "filled"), (3, "lost"), (2, "filled"), (0, "lost")]
    assert found[0]["to_ms"] is None
    assert found[2]["to_ms"] == T0 + 5 * MINUTE_MS + 1_500
    only = GapPage.model_validate(await empty_api.get("/api/gaps", asset="ETH", channel="bbo", state="lost"))
    assert [gap.reason for gap in only.gaps] == ["silence"]
    assert (await empty_api.get("/api/gaps", exchange="polymarket"))["gaps"] == []
    # A gap lasts 1.5 s: that of minute 2 still touches this span, those of minute 4 begin after it, open ones go on.
    touched = {"from": T0 + 2 * MINUTE_MS + 1_500, "to": T0 + 4 * MINUTE_MS}
    found = await pages(empty_api, "/api/gaps", "gaps", limit=2, **touched)
    assert [(row["from_ms"] - T0) // MINUTE_MS for row in found] == [1, 3, 2]


async def test_an_open_gap_shows_in_the_health(empty_api: Api, ledger: Any) -> None:
    await store_gap(ledger, 0, "open", channel="candle_1m")
    await store_gap(ledger, 1, "lost")
    health = Health.model_validate(await empty_api.get("/api/health"))
    assert health.status == "degraded"
    assert [(gap.asset, gap.channel, gap.from_ms) for gap in health.open_gaps] == [("BTC", "candle_1m", T0)]


async def test_what_a_service_says_is_wrong_shows_in_the_health(empty_api: Api, ledger: Any) -> None:
    await ledger.execute(
        "INSERT INTO trading_ops.heartbeats VALUES ('recorder', '1', now(), now(), 'degraded', NULL, $1)",
        '{"trouble": ["3 messages are missing.", "Look."]}',
    )
    health = Health.model_validate(await empty_api.get("/api/health"))
    [recorder] = [part for part in health.components if part.service == "recorder"]
    assert (recorder.state, recorder.note) == ("degraded", "3 messages are missing. Look.")


async def test_coverage_is_by_day_and_says_what_it_means(empty_api: Api, ledger: Any) -> None:
    empty = Coverage.model_validate(await empty_api.get("/api/coverage"))
    assert (empty.days, empty.cut) == ([], False)
    await ledger.execute(
        "INSERT INTO trading_ops.recorded_days VALUES ('hyperliquid', 'BTC', 'candle_1m', $1, $2, $3, 1080)",
        utc(T0).date(), T0, T0 + 20 * HOUR_MS,
    )  # fmt: skip
    await ledger.execute(
        "INSERT INTO trading_ops.recorded_days VALUES ('hyperliquid', 'BTC', 'ctx', $1, $2, $3, NULL)",
        utc(T0 + DAY_MS).date(), T0 + DAY_MS, T0 + DAY_MS + HOUR_MS,
    )  # fmt: skip
    answer = Coverage.model_validate(await empty_api.get("/api/coverage"))
    # 20 hours are 1,200 minutes, 1,080 of which have a candle: 0.9.
    assert [(day.channel, day.day, day.expected_minutes, day.fraction) for day in answer.days] == [
        ("candle_1m", str(utc(T0).date()), 1200, 0.9),
        ("ctx", str(utc(T0 + DAY_MS).date()), 60, 1.0),
    ]
    assert "candle_1m" in answer.definition
    first = await empty_api.get("/api/coverage", **{"from": T0, "to": T0 + DAY_MS})
    assert [day["channel"] for day in first["days"]] == ["candle_1m"]
    assert not first["cut"]
    # Since 1970: of so many days only the newest 100 are told.
    long = await empty_api.get("/api/coverage", **{"from": 0})
    assert (len(long["days"]), long["cut"]) == (2, True)


async def test_markets_are_open_awaited_or_resolved_by_the_venues_time(empty_api: Api, ledger: Any) -> None:
    assert (await empty_api.get("/api/polymarket/markets"))["event_time_ms"] is None
    await ledger.execute("INSERT INTO trading_ops.watermarks VALUES ('polymarket', 'MARKET', $1, now())", T0)
    for number in range(5):  # ends in 0 to 4 minutes; the first ends now
        await store_market(ledger, f"0xa{number}", T0 + number * MINUTE_MS)
    await store_market(ledger, "0xa3", T0 + 3 * MINUTE_MS, yes="0.9", polled_ms=T0 + 1)
    await store_market(ledger, "0xb1", T0 + 3 * MINUTE_MS, asset="ETH", yes=None)
    for number in range(1, 41):  # ended 1 to 40 minutes ago, all but the 20th with a result
        await store_market(ledger, f"0xc{number}", T0 - number * MINUTE_MS)
        await store_market(ledger, f"0xc{number}", T0 - number * MINUTE_MS, polled_ms=T0 - HOUR_MS)
    await ledger.execute(
        "INSERT INTO trading_market_data.polymarket_results SELECT '0xc' || n, 'BTC', $1, 1, 'r:' || n, 0"
        " FROM generate_series(1, 40) n WHERE n <> 20",
        utc(T0 - 1),
    )
    await ledger.execute("ANALYZE")
    path = "/api/polymarket/markets"
    opened = await pages(empty_api, path, "markets", limit=2)
    assert [row["id"] for row in opened] == ["0xa1", "0xa2", "0xa3", "0xb1", "0xa4"]
    assert [row["probability"] for row in opened] == [0.5, 0.5, 0.9, None, 0.5]
    assert opened[0]["volume_24h"] is None
    assert opened[0]["start_ms"] == opened[0]["end_ms"] - 5 * MINUTE_MS
    assert [row["id"] for row in await pages(empty_api, path, "markets", asset="ETH")] == ["0xb1"]
    awaited = await pages(empty_api, path, "markets", state="awaited", limit=1)
    assert [(row["id"], row["state"]) for row in awaited] == [("0xa0", "awaited"), ("0xc20", "awaited")]
    # The latest end first, over all pages.
    done = await pages(empty_api, path, "markets", state="resolved", limit=7)
    assert [row["id"] for row in done] == [f"0xc{number}" for number in range(1, 41) if number != 20]
    first = MarketPage.model_validate(await empty_api.get(path, state="resolved", limit=1)).markets[0]
    assert (first.state, first.yes_payout, first.resolved_ms) == ("resolved", 1.0, T0 - 1)


@pytest.mark.parametrize("path", ["/api/gaps?cursor=2-1-1", "/api/polymarket/markets?cursor=1-'", "/api/gaps?limit=0"])
async def test_a_cursor_that_no_page_gave_is_refused(empty_api: Api, path: str) -> None:
    assert (await empty_api.http.get(path)).status_code == 422
