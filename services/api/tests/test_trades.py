"""Pages of trades, their totals, the file of all of them, and one trade whole."""

from __future__ import annotations

import csv
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from api_lab import Api, running
from api_seed import START, Seeded, ms
from trading_api.context import Context
from trading_api.database import Database
from trading_api.schemas import TradeDetail, TradePage
from trading_core.config import Settings
from trading_core.db.pool import connect_pool
from trading_core.db.times import millis

RSI = "rsi_mean_reversion"


async def every_trade(api: Api, path: str = "/api/trades", **query: Any) -> list[dict[str, Any]]:
    """All pages of 17, so that pages end in the midst of equal values."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = await api.get(path, limit=17, **query, **({"cursor": cursor} if cursor else {}))
        TradePage.model_validate(page)
        found += page["trades"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def sorted_value(row: dict[str, Any], sort: str) -> Any:
    exit_ts = row.get("exit_ts")
    match sort:
        case "entry":
            return ms(row["entry_ts"])
        case "exit":
            return ms(exit_ts) if exit_ts else float("inf")
        case "pnl":
            return row.get("realised_pnl", Decimal("-Infinity"))
        case "hold":
            return ms(exit_ts) - ms(row["entry_ts"]) if exit_ts else float("inf")
        case _:
            return row[{"fees": "fees", "funding": "funding_pnl", "slippage": "slippage_cost"}[sort]]


async def test_pages_in_every_order_hold_every_trade_once(api: Api, seeded: Seeded) -> None:
    known = {row["event_id"]: row for row in seeded.positions}
    for sort in ("entry", "exit", "pnl", "hold", "fees", "funding", "slippage"):
        for order in ("asc", "desc"):
            found = [known[trade["id"]] for trade in await every_trade(api, sort=sort, order=order)]
            assert len(found) == len({row["event_id"] for row in found}) == len(known), (sort, order)
            values = [sorted_value(row, sort) for row in found]
            assert values == sorted(values, reverse=order == "desc"), (sort, order)


async def test_every_filter_leaves_what_matches_it(api: Api, seeded: Seeded) -> None:
    from_ms, to_ms = ms(START) + 4 * 3_600_000, ms(START) + 5 * 3_600_000

    def held(row: dict[str, Any]) -> bool:
        return ms(row["entry_ts"]) < to_ms and (row["status"] == "OPEN" or ms(row["exit_ts"]) >= from_ms)

    wanted: list[tuple[dict[str, Any], Callable[[dict[str, Any]], bool]]] = [
        ({"strategy": RSI, "asset": "ETH"}, lambda row: (row["strategy"], row["asset"]) == (RSI, "ETH")),
        ({"direction": "SHORT"}, lambda row: row["direction"] == "SHORT"),
        ({"status": "OPEN"}, lambda row: row["status"] == "OPEN"),
        ({"exit_reason": "timeout"}, lambda row: row.get("exit_reason") == "timeout"),
        ({"result": "win"}, lambda row: row.get("realised_pnl", 0) > 0),
        ({"result": "loss"}, lambda row: row.get("realised_pnl", 0) < 0),
        ({"exchange": "polymarket"}, lambda _: False),
        ({"suspect": True}, lambda _: False),
        ({"from": from_ms, "to": to_ms}, held),
    ]
    for query, matches in wanted:
        expected = [row for row in seeded.positions if matches(row)]
        found = await every_trade(api, **query)
        assert {trade["id"] for trade in found} == {row["event_id"] for row in expected}, query
        totals = await api.get("/api/trades/totals", **query)
        closed = [row for row in expected if row["status"] == "CLOSED"]
        assert (totals["trades"], totals["open"]) == (len(expected), len(expected) - len(closed)), query
        for name in ("realised_pnl", "gross_pnl", "fees", "funding_pnl", "slippage_cost"):
            assert Decimal(totals[name]) == sum(row[name] for row in closed), (query, name)
        parts = [Decimal(totals[name]) for name in ("gross_pnl", "fees", "funding_pnl")]
        assert Decimal(totals["realised_pnl"]) == parts[0] - parts[1] + parts[2]


async def test_a_strategy_has_pages_of_its_own(api: Api, seeded: Seeded) -> None:
    found = await every_trade(api, f"/api/strategies/{RSI}/trades", result="win", sort="pnl")
    gains = [row["realised_pnl"] for row in seeded.closed(RSI) if row["realised_pnl"] > 0]
    assert [Decimal(trade["realised_pnl"]) for trade in found] == sorted(gains, reverse=True)
    said: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = await api.get(f"/api/strategies/{RSI}/signals", limit=11, **({"cursor": cursor} if cursor else {}))
        said += page["signals"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert [row["t"] for row in said] == sorted((row["t"] for row in said), reverse=True)
    assert len({row["id"] for row in said}) == len(said)
    opened = [row for row in said if row["decision"] == "opened"]
    assert len(opened) == sum(row["strategy"] == RSI for row in seeded.positions)
    only = await api.get(f"/api/strategies/{RSI}/signals", decision="rejected", asset="BTC", limit=1000)
    assert only["signals"] == [row for row in said if row["decision"] == "rejected" and row["asset"] == "BTC"]
    for path in ("trades", "signals"):
        answer = await api.http.get(f"/api/strategies/no_such/{path}")
        assert (answer.status_code, answer.json()["detail"][:29]) == (404, "There is no strategy no_such.")


async def test_a_cursor_of_another_order_is_refused(api: Api) -> None:
    for cursor, sort in (("-5~1", "entry"), ("99999999999999~1", "exit"), ("1;2~1", "pnl"), ("x", "entry")):
        answer = await api.http.get("/api/trades", params={"cursor": cursor, "sort": sort})
        assert answer.status_code == 422, (cursor, sort)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_the_file_holds_the_whole_result(api: Api, seeded: Seeded) -> None:
    answer = await api.http.get("/api/trades.csv", params={"asset": "BTC", "sort": "entry", "order": "asc"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="trades.csv"' in answer.headers["content-disposition"]
    lines = list(csv.DictReader(answer.text.splitlines()))
    expected = sorted((row for row in seeded.positions if row["asset"] == "BTC"), key=lambda row: row["entry_ts"])
    assert [line["id"] for line in lines] == [row["event_id"] for row in expected]
    assert lines[0]["entry_utc"] == expected[0]["entry_ts"].strftime("%Y-%m-%dT%H:%M:%S.000Z")
    closed = [row["realised_pnl"] for row in expected if row["status"] == "CLOSED"]
    assert sum(Decimal(line["realised_pnl"] or 0) for line in lines) == sum(closed)


async def test_one_trade_shows_its_costs_and_says_what_is_missing(api: Api, seeded: Seeded) -> None:
    row = seeded.closed(RSI)[0]
    detail = TradeDetail.model_validate(await api.get(f"/api/trades/{row['event_id']}"))
    assert detail.trade.id == row["event_id"]
    assert detail.ledger == "default"
    assert Decimal(detail.reference_pnl or "") == row["gross_pnl"] + row["slippage_cost"]
    assert [Decimal(text or "") for text in (detail.stop_price, detail.target_price)] == [
        row["stop_price"], row["target_price"],
    ]  # fmt: skip
    assert detail.deadline_ms == millis(row["deadline_ts"])
    assert detail.opened_by is not None
    assert detail.opened_by.decision == "opened"
    assert [(said.name, said.value) for said in detail.opened_by.inputs] == [("rsi", "27.4"), ("trend", "down")]
    assert detail.closed_by is None
    entry, leaving = detail.fills
    assert (entry.purpose, leaving.purpose) == ("entry", row["exit_reason"])
    assert sum(Decimal(fill.fee) for fill in detail.fills) == row["fees"]
    # The seed fills 5 bps from the reference, rounded to three places.
    assert entry.slippage_bps == pytest.approx(5, abs=0.1)
    lineage = await api.get(f"/api/trades/{row['event_id']}/lineage")
    assert lineage["steps"] == []
    assert lineage["missing"].startswith("Not every event of this trade is recorded")
    for path in ("", "/lineage"):
        answer = await api.http.get(f"/api/trades/po:default:none{path}")
        assert answer.status_code == 404


async def test_every_ledger_of_an_isolated_portfolio_is_listed(
    api: Api, seeded: Seeded, ledger: Any, role_url: Callable[[str], str]
) -> None:
    """One strategy's rows move to a ledger of its own, as isolation keeps them; a stranger's are not shown."""
    for number, name in ((2, f"default-{RSI}"), (3, "default-funding_arb"), (4, "default-2nd-rsi")):
        await ledger.execute("INSERT INTO trading_paper.portfolio (id, name) VALUES ($1, $2)", number, name)
    moves = {RSI: 2, "funding_arb": 3, "momentum_breakout": 4}
    for strategy, number in moves.items():
        await ledger.execute(
            "UPDATE trading_paper.positions SET portfolio_id = $2 WHERE strategy = $1", strategy, number
        )
    apart = Settings(broker={"isolation": "per_strategy"}, api={"frontend_dir": "no-such-folder"})
    context = Context(apart, Database(await connect_pool(role_url("api_ro"), role_name="api")))
    try:
        assert await context.ledgers.names() == {3: "default-funding_arb", 2: f"default-{RSI}"}
        api.context.ledgers = context.ledgers
        found = await every_trade(api)
        shown = {row["event_id"] for row in seeded.positions if row["strategy"] != "momentum_breakout"}
        assert {trade["id"] for trade in found} == shown
    finally:
        await context.database.close()
    async with running(role_url("api_ro")) as shared:
        assert await every_trade(shared) == []
