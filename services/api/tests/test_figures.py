"""What the page shows is what the ledger says."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import time
from decimal import Decimal
from typing import Any

from api_lab import Api
from api_seed import INITIAL, START, STRATEGIES, Seeded, ms
from trading_api.routes.health import expected
from trading_core.config import ExchangesConfig, PolymarketConfig
from trading_core.metrics.curve import curve_metrics

MINUTE_MS = 60_000


async def test_the_summary_adds_up_to_the_last_digit(api: Api, seeded: Seeded) -> None:
    summary = await api.get("/api/summary")
    parts = [Decimal(summary[name]) for name in ("realised_pnl", "unrealised_pnl", "open_costs")]
    closed = sum((row["realised_pnl"] for row in seeded.positions if row["status"] == "CLOSED"), Decimal(0))
    assert Decimal(summary["equity"]) == INITIAL + sum(parts)
    assert Decimal(summary["total_pnl"]) == sum(parts)
    assert parts[0] == closed
    assert summary["data_notice"] == "Made up for a test."
    assert summary["event_time_ms"] == ms(START) + seeded.minutes * MINUTE_MS


async def test_ratios_are_those_of_the_metrics_module_over_every_row(api: Api, seeded: Seeded) -> None:
    rows = [(ms(START) + minute * MINUTE_MS, equity) for minute, equity in enumerate(seeded.equity)]
    expected = curve_metrics(rows, INITIAL, 252)
    summary = await api.get("/api/summary")
    assert (summary["sharpe"], summary["sortino"]) == (expected.sharpe, expected.sortino)
    assert summary["max_drawdown"] == expected.max_drawdown
    assert summary["days"] == expected.days


async def test_a_strategy_row_rests_on_its_closed_positions(api: Api, seeded: Seeded) -> None:
    rows = {row["name"]: row for row in await api.get("/api/strategies")}
    assert set(rows) == set(STRATEGIES)
    for name, row in rows.items():
        closed = seeded.closed(name)
        wins = [trade for trade in closed if trade["realised_pnl"] > 0]
        assert row["trades"] == len(closed)
        assert row["win_rate"] == len(wins) / len(closed)
        assert Decimal(row["realised_pnl"]) == sum(trade["realised_pnl"] for trade in closed)
        assert row["class_name"] == STRATEGIES[name][0]
        assert row["last_signal_ms"] is not None


async def test_a_renewal_that_nobody_waits_for_leaves_the_old_figures_and_no_traceback(api: Api) -> None:
    figures, said = api.context.figures, list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: said.append(context))
    held = await figures.answer()
    # As where working them out takes long: due again, and young enough to be told meanwhile.
    figures._answer = due = dataclasses.replace(held, keep_s=1.0, computed_at_s=time.monotonic() - 2.0)
    await api.context.database.close()
    assert await figures.answer() is due
    assert figures._renewal is not None
    await asyncio.wait([figures._renewal])
    figures._renewal = None  # the loop complains of an error when the last reference to its task goes
    gc.collect()
    assert said == []


async def test_the_strategies_share_out_the_portfolio(api: Api, seeded: Seeded) -> None:
    rows = await api.get("/api/strategies")
    assert sum(Decimal(row["total_pnl"]) for row in rows) == seeded.equity[-1] - INITIAL


async def test_a_strategy_that_raised_is_failed_with_its_traceback(api: Api) -> None:
    row = next(row for row in await api.get("/api/strategies") if row["name"] == "momentum_breakout")
    assert row["status"] == "failed"
    assert row["status_reason"] == "ZeroDivisionError: float division by zero"
    assert row["failure"].startswith("Traceback")


async def test_a_failure_is_over_once_the_strategy_has_been_evaluated_again(api: Api, ledger: Any) -> None:
    await ledger.execute(
        "INSERT INTO trading_signals.signals (ts, strategy, asset, exchange, event_id, instrument, reason, payload) "
        "VALUES (now(), 'momentum_breakout', 'BTC', 'hyperliquid', 's:later', 'BTC', 'no_signal', '{}')"
    )
    row = next(row for row in await api.get("/api/strategies") if row["name"] == "momentum_breakout")
    assert (row["status"], row["failure"]) == ("active", None)


async def test_a_paused_strategy_gives_its_reason(api: Api, ledger: Any) -> None:
    await ledger.execute(
        "UPDATE trading_paper.strategies SET status = 'paused', status_reason = 'day limit' WHERE name = 'funding_arb'"
    )
    row = next(row for row in await api.get("/api/strategies") if row["name"] == "funding_arb")
    assert (row["status"], row["status_reason"]) == ("paused", "day limit")


async def test_an_open_position_is_worth_what_the_newest_mark_says(api: Api, ledger: Any, seeded: Seeded) -> None:
    before = await api.get("/api/positions/open")
    assert before, "the seed leaves something open"
    assert before[0]["mark_price"] is None, "no mark has been recorded"
    position = before[0]
    mark = Decimal(position["entry_price"]) * Decimal("1.01")
    price = f"{mark:.1f}"
    await ledger.execute(
        "INSERT INTO trading_market_data.ticks (ts, event_id, exchange, asset, kind, visible_ms, price, payload) "
        "VALUES ($1, 'x:1', 'hyperliquid', $2, 'ctx', 1, $3, '{\"polled\": false}')",
        START, position["asset"], Decimal(price),
    )  # fmt: skip
    api.context.portfolio._ledger = None
    held = next(row for row in await api.get("/api/positions/open") if row["id"] == position["id"])
    sign = 1 if held["direction"] == "LONG" else -1
    exact = sign * Decimal(held["quantity"]) * (Decimal(price) - Decimal(held["entry_price"]))
    assert Decimal(held["unrealised_pnl"]) == exact.quantize(Decimal("0.000001"))
    assert held["stop_distance"] > 0
    assert 0 < held["progress"] < 1


async def test_an_empty_platform_says_null_and_not_zero_where_nothing_is_known(empty_api: Api) -> None:
    summary = await empty_api.get("/api/summary")
    assert Decimal(summary["equity"]) == INITIAL
    assert (summary["sharpe"], summary["sortino"], summary["event_time_ms"]) == (None, None, None)
    assert summary["days"] == 0
    for path in ("/api/strategies", "/api/positions/open", "/api/signals", "/api/fills"):
        assert await empty_api.get(path) == []
    assert (await empty_api.get("/api/equity-curve"))["points"] == []
    assert (await empty_api.get("/api/candles", asset="BTC"))["candles"] == []


async def test_one_that_stands_by_is_healthy_as_long_as_another_works(empty_api: Api, ledger: Any) -> None:
    beat = (
        "INSERT INTO trading_ops.heartbeats (service, instance, sent_at, started_at, status) "
        "VALUES ($1, $2, now(), now(), $3) ON CONFLICT (service, instance) DO UPDATE SET status = $3"
    )
    for service in expected(empty_api.context.settings.exchanges):
        await ledger.execute(beat, service, "1", "ok")
    await ledger.execute(beat, "paper-broker", "2", "standby")
    empty_api.context.pulse.bus_connected = True
    assert (await empty_api.get("/api/health"))["status"] == "ok"
    await ledger.execute(beat, "paper-broker", "1", "standby")
    assert (await empty_api.get("/api/health"))["status"] == "degraded"


def test_the_collectors_that_are_expected_are_those_of_the_exchanges_in_use() -> None:
    both = ExchangesConfig(polymarket=PolymarketConfig(enabled=True))
    assert expected(both)[:3] == ("collector-hl", "collector-pm", "recorder")
    assert "collector-pm" not in expected(ExchangesConfig())
