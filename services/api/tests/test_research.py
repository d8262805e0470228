"""Backtest runs, searches for parameters and parity reports as the page asks for them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from api_lab import Api
from trading_api.research.curve import thinned
from trading_api.research.settings import side_by_side
from trading_api.research.surface import axes, surface
from trading_core.db.times import utc
from trading_core.model import DAY_MS, HOUR_MS, MINUTE_MS
from trading_core.optimise.figures import Figures, Outcome, Pair
from trading_core.optimise.postgres import PostgresStore
from trading_core.optimise.study import Study
from trading_core.optimise.verdict import judge
from trading_core.optimise.walk_forward import Fold
from trading_core.parity.results import Result, Shown
from trading_core.parity.store import store

T0 = 20_700 * DAY_MS
PART = {
    "days": 2, "trades": 2, "sharpe": 1.5, "sortino": None, "max_drawdown": 0.01, "daily_returns": [0.01, -0.002],
    "exit_reasons": {"stop_loss": 1, "take_profit": 1}, "win_rate": 0.5, "profit_factor": 2.0,
    "profit_factor_infinite": False, "expectancy": 4.0, "gross_pnl": "10.0", "fees": "2.0", "funding_pnl": "0.0",
    "slippage_cost": "0.5", "realised_pnl": "8.0", "avg_hold_s": 60.0,
}  # fmt: skip


def a_config(**params: Any) -> dict[str, Any]:
    strategy = {
        "interval": "5m",
        "assets": ["BTC"],
        "code_hash": "aa",
        "params": {"period": 14, **params},
        "rules": {"take_profit": None},
    }
    return {
        "assets": ["BTC"],
        "source": "postgres",
        "isolation": "shared",
        "initial_capital": "10000",
        "annualisation_days": 252,
        "strategies": {"rsi": strategy},
    }


def a_trade(number: int) -> dict[str, Any]:
    money = dict.fromkeys(("gross_pnl", "fees", "funding_pnl", "slippage_cost", "realised_pnl", "stake"), "1.0")
    return {
        "strategy": "rsi", "asset": "BTC", "direction": "LONG", "quantity": "0.1", "confidence": 0.5,
        "entry_time": T0 + number * MINUTE_MS, "entry_ref": "1", "entry_price": "1", "exit_time": T0 + HOUR_MS,
        "exit_ref": "2", "exit_price": "2", "exit_reason": "timeout", "suspect": False, **money,
    }  # fmt: skip


async def store_run(ledger: Any, *, trades: int = 2, days: int = 2, **params: Any) -> int:
    summary = {
        **PART, "initial_capital": "10000", "final_equity": "10008.0", "coverage": 1.0, "notes": ["A note."],
        "by_strategy": {"rsi": PART}, "by_asset": {"BTC": PART}, "config": a_config(**params),
    }  # fmt: skip
    equity = [[T0 + hour * HOUR_MS, str(10_000 + hour), "0", "0", "0", 0] for hour in range(days * 24 + 1)]
    run_id: int = await ledger.fetchval(
        "INSERT INTO trading_paper.backtest_runs (strategies, assets, from_ts, to_ts, source, fidelity, code_hash,"
        " params_hash, summary, trades, equity) VALUES ($1, $2, $3, $4, 'postgres', 'candle', 'aa', 'bb', $5, $6, $7)"
        " RETURNING id",
        ["rsi"], ["BTC"], utc(T0), utc(T0 + days * DAY_MS), json.dumps(summary),
        json.dumps([a_trade(number) for number in range(trades)]),
        json.dumps({"columns": ["time", "equity"], "rows": equity}),
    )  # fmt: skip
    return run_id


async def test_runs_come_newest_first_in_pages_and_one_has_its_curve_and_trades(empty_api: Api, ledger: Any) -> None:
    assert await empty_api.get("/api/backtests") == {"runs": [], "next_cursor": None}
    ids = [await store_run(ledger, trades=number) for number in (3, 0, 5)]
    first = await empty_api.get("/api/backtests", limit=2)
    assert [run["id"] for run in first["runs"]] == [ids[2], ids[1]]
    rest = await empty_api.get("/api/backtests", limit=2, cursor=first["next_cursor"])
    assert ([run["id"] for run in rest["runs"]], rest["next_cursor"]) == ([ids[0]], None)
    assert (await empty_api.get("/api/backtests", strategy="other"))["runs"] == []
    run = await empty_api.get(f"/api/backtests/{ids[0]}")
    # 10,000 to 10,008 is 0.08 %.
    assert run["return_fraction"] == pytest.approx(0.0008)
    assert (run["sortino"], run["equity_rows"], len(run["equity"])) == (None, 49, 49)
    assert run["by_strategy"][0]["name"] == "rsi"
    page = await empty_api.get(f"/api/backtests/{ids[2]}/trades", limit=3)
    more = await empty_api.get(f"/api/backtests/{ids[2]}/trades", limit=3, cursor=page["next_cursor"])
    entries = [(trade["entry_time"] - T0) // MINUTE_MS for trade in page["trades"] + more["trades"]]
    assert (entries, page["total"], more["next_cursor"]) == ([0, 1, 2, 3, 4], 5, None)
    assert (await empty_api.get(f"/api/backtests/{ids[1]}/trades"))["trades"] == []
    missing = await empty_api.http.get("/api/backtests/999")
    assert (missing.status_code, missing.json()["detail"][:30]) == (404, "There is no backtest run 999. ")
    assert (await empty_api.http.get("/api/backtests/999/trades")).status_code == 404


async def test_runs_side_by_side_name_the_settings_that_differ_first(empty_api: Api, ledger: Any) -> None:
    one = await store_run(ledger, oversold=30)
    two = await store_run(ledger, oversold=25)
    longer = await store_run(ledger, days=3)
    both = await empty_api.get("/api/backtests/compare", id=[two, one])
    assert [run["id"] for run in both["runs"]] == [two, one]
    assert both["settings"][0] == {"part": "rsi", "name": "oversold", "values": ["25", "30"], "differs": True}
    assert not any(setting["differs"] for setting in both["settings"][1:])
    assert (both["comparable"], both["why_not"]) == (True, "")
    spans = await empty_api.get("/api/backtests/compare", id=[one, longer])
    assert (spans["comparable"], spans["why_not"]) == (False, "different spans")
    assert (await empty_api.http.get("/api/backtests/compare")).status_code == 422
    assert (await empty_api.http.get("/api/backtests/compare", params={"id": [1] * 7})).status_code == 422


def test_a_setting_that_a_run_has_not_is_none_there() -> None:
    found = side_by_side([a_config(), a_config(extra=[1, "a"])])
    assert [(each.name, each.values) for each in found if each.differs] == [("extra", (None, "1, a"))]


def test_a_thinned_curve_keeps_the_first_the_last_and_the_deepest_row() -> None:
    # The peak is the capital of 100, then 110; the deepest row is 88: (110 - 88) / 110 = 0.2.
    rows = [[0, "99"], [1, "110"], [2, "88"], [3, "100"], [4, "104"], [5, "105"]]
    points = thinned(rows, 100.0, 2)
    assert [point.t for point in points] == [0, 2, 3, 5]
    # 99 of 100; 88, 100 and 105 of 110.
    assert [round(point.drawdown, 4) for point in points] == [0.01, 0.2, 0.0909, 0.0455]
    assert [point.t for point in thinned(rows, 100.0, 6)] == [0, 1, 2, 3, 4, 5]


def figures(sharpe: float | None, pnl: float, *returns: float, trades: int = 3) -> Figures:
    return Figures(
        days=len(returns), trades=trades, losses=1, sharpe=sharpe, sortino=None, realised_pnl=pnl, profit_factor=None,
        profit_factor_infinite=False, expectancy=None, win_rate=None, max_drawdown=0.02, daily_returns=returns,
    )  # fmt: skip


def outcome(number: int, inside: float | None, outside: float | None, **params: Any) -> Outcome:
    pair = Pair(
        in_sample=figures(inside, 5.0, 0.01, -0.01, 0.02),
        out_of_sample=figures(outside, -1.0, -0.01, 0.0, 0.003, trades=2),
    )
    return Outcome(number=number, params=params, folds=(pair,))


def test_a_cell_of_the_surface_shows_its_best_set_in_sample() -> None:
    tried = [outcome(0, 1.0, 9.0, a=1, b=10), outcome(1, 2.0, -1.0, a=1, b=20), outcome(2, 0.5, 0.0, a=2, b=10)]
    by_name = axes(tried, ["a", "b"])
    made = surface(tried, "sharpe", by_name, "a", None)
    assert made is not None
    assert made.down is not None
    assert (made.across.labels, made.down.labels, made.others) == (("1", "2"), ("10", "20"), ())
    assert [(cell.x, cell.y, cell.in_sample, cell.out_of_sample) for cell in made.cells] == [
        (0, 0, 1.0, 9.0),
        (0, 1, 2.0, -1.0),
        (1, 0, 0.5, 0.0),
    ]
    # Over `a` alone the second set is the better one of a = 1.
    alone = surface(tried, "sharpe", axes(tried, ["a"]), None, None)
    assert alone is not None
    assert alone.down is None
    assert [(cell.x, cell.number) for cell in alone.cells] == [(0, 1), (1, 2)]
    assert surface([], "sharpe", [], None, None) is None
    with pytest.raises(ValueError, match="no_such"):
        surface(tried, "sharpe", by_name, "no_such", None)


def test_an_axis_of_many_values_is_drawn_in_ranges_and_words_keep_their_order() -> None:
    [fine] = axes([outcome(number, 1.0, 1.0, a=number / 10) for number in range(241)], ["a"])
    # 0 to 24 in 24 ranges of one each.
    assert (len(fine.labels), fine.labels[0], fine.place(0.0), fine.place(1.0), fine.place(24.0)) == (
        24, "0 to 1", 0, 1, 23,
    )  # fmt: skip
    [mixed] = axes([outcome(n, 1.0, 1.0, a=value) for n, value in enumerate([None, 0.02, 0.01])], ["a"])
    assert mixed.labels == ("0.01", "0.02", "null")


async def test_a_study_has_its_verdict_surface_folds_and_candidates(
    empty_api: Api, role_url: Callable[[str], str]
) -> None:
    assert await empty_api.get("/api/studies") == {"studies": [], "next_cursor": None}
    study = Study(
        key="k1", strategy="rsi", class_name="RSI", metric="sharpe", search="grid", seed=0, trials=5, assets=("BTC",),
        source="postgres", from_ms=T0, to_ms=T0 + 6 * DAY_MS, folds=(Fold(T0, T0 + 3 * DAY_MS, T0 + 6 * DAY_MS),),
        params={"a": [1, 2], "b": [10, 20]}, code_hash="c", params_hash="p",
    )  # fmt: skip
    tried = [
        outcome(0, 1.0, 0.5, a=1, b=10),
        outcome(1, 2.0, -1.0, a=1, b=20),
        outcome(2, None, None, a=2, b=10),
        Outcome(number=3, params={"a": 2, "b": 20}, refused="b must be below 20"),
    ]

    def search(*, finish: bool) -> None:
        kept = PostgresStore(role_url("research"), study)
        if finish:
            kept.finish(judge(tried, "sharpe"), 1)
        else:
            for each in tried:
                kept.save(each)
        kept.close()

    await asyncio.to_thread(search, finish=False)
    [unfinished] = (await empty_api.get("/api/studies"))["studies"]
    assert (unfinished["done"], unfinished["asked"], unfinished["verdict"]) == (4, 5, None)
    assert "takes it up again" in unfinished["headline"]
    assert (await empty_api.get(f"/api/studies/{unfinished['id']}"))["statistics"] == []
    await asyncio.to_thread(search, finish=True)
    found = await empty_api.get(f"/api/studies/{unfinished['id']}")
    # Six days are too few to tell anything from luck.
    assert (found["verdict"], found["headline"]) == ("noise", "Luck explains it")
    assert "luck" in found["sentence"]
    assert found["best"] == {"a": "1", "b": "20"}
    assert [each["name"] for each in found["statistics"]][:4] == [
        "luck_together", "luck_in_sample", "luck_out_of_sample", "deflated_sharpe",
    ]  # fmt: skip
    [fold] = found["walk_forward"]
    assert (fold["chosen"], fold["in_sample"], fold["out_of_sample"], fold["trades_out_of_sample"]) == (1, 2.0, -1.0, 2)
    assert [each["number"] for each in found["candidates"]] == [1, 0, 2]
    assert (found["ran"], found["refused"], found["failed"]) == (3, 1, 0)
    assert (found["surface"]["across"]["name"], found["surface"]["down"]["name"]) == ("a", "b")
    turned = await empty_api.get(f"/api/studies/{found['id']}", across="b")
    assert (turned["surface"]["across"]["name"], turned["surface"]["down"]["name"]) == ("b", "a")
    wrong = await empty_api.http.get(f"/api/studies/{found['id']}", params={"across": "zz"})
    assert (wrong.status_code, wrong.json()["detail"]) == (
        422, f"zz is no parameter of study {found['id']} with more than one value.",
    )  # fmt: skip
    assert (await empty_api.http.get("/api/studies/999")).status_code == 404


def a_result(**changes: Any) -> Result:
    fields: dict[str, Any] = {
        "portfolio": "default", "order": "ideal", "first_ms": T0, "last_ms": T0 + HOUR_MS, "from_checkpoint": False,
        "verdict": "explained", "compared": Counter(signals=10), "causes": Counter(late_signal=1, follows=1),
        "differences": [
            Shown("decision", T0, "d:1", "late_signal", '{"price": 1, "id": 2}', '{"price": 3, "id": 2}'),
            Shown("decision", T0, "d:2", "follows:d:1", "x", None),
        ],
        "difference_count": 2, "duration_ms": 5, "code_version": "1",
    }  # fmt: skip
    return Result(**(fields | changes))


async def test_parity_reports_name_each_cause_and_what_to_do(empty_api: Api, ledger: Any) -> None:
    assert await empty_api.get("/api/parity") == {"reports": [], "next_cursor": None}
    await store(ledger, a_result(), nightly=True)
    clean = {"causes": Counter[str](), "differences": [], "difference_count": 0}
    await store(ledger, a_result(order="recorded", verdict="identical", **clean), nightly=True)
    await store(ledger, a_result(portfolio="other"), nightly=False)
    page = await empty_api.get("/api/parity", limit=1)
    assert [(row["order"], row["verdict"], row["passed"]) for row in page["reports"]] == [
        ("recorded", "identical", True)
    ]
    assert page["reports"][0]["sentence"].startswith("Identical: all 10 signals")
    [ideal] = (await empty_api.get("/api/parity", cursor=page["next_cursor"]))["reports"]
    assert [(cause["cause"], cause["count"]) for cause in ideal["causes"]] == [("late_signal", 1), ("follows", 1)]
    assert "restarts of strategy-runner" in ideal["causes"][0]["advice"]
    assert (await empty_api.get("/api/parity", verdict="unexplained"))["reports"] == []
    report = await empty_api.get(f"/api/parity/{ideal['id']}")
    assert [(each["id"], each["root"]) for each in report["differences"]] == [("d:1", True), ("d:2", False)]
    assert report["differences"][0]["changed"] == [{"field": "price", "live": "1", "replayed": "3"}]
    assert (await empty_api.http.get("/api/parity/999")).status_code == 404
