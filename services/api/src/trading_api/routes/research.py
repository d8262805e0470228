"""Backtest runs and searches for parameters, as they were stored."""

from __future__ import annotations

import asyncio

import msgspec
from fastapi import APIRouter

from trading_api.context import Context, Ctx
from trading_api.database import Row
from trading_api.params import IdCursor, Limit, OptionalAsset, Parameter, RowId, RunIds, Strategy, TradePlace
from trading_api.problems import Refused, missing
from trading_api.queries import research
from trading_api.research import backtests, studies
from trading_api.schemas_research import (
    BacktestComparison,
    BacktestPage,
    BacktestRun,
    BacktestTrade,
    BacktestTradePage,
    Study,
    StudyPage,
)

router = APIRouter(prefix="/api", tags=["research"])
MOST_TRIALS = 10_000
NO_RUN = missing("There is no such run")


@router.get("/backtests")
async def backtest_runs(
    context: Ctx, strategy: Strategy = None, asset: OptionalAsset = None, cursor: IdCursor = None, limit: Limit = 50
) -> BacktestPage:
    """Stored backtest runs, newest first, with their key figures."""
    found = await context.database.fetch(research.RUNS, strategy, asset, cursor, limit + 1)
    page = found[:limit]
    return BacktestPage(runs=[backtests.row(row) for row in page], next_cursor=_next(found, limit))


@router.get("/backtests/compare", responses=NO_RUN)
async def compare_backtests(context: Ctx, ids: RunIds) -> BacktestComparison:
    """Up to six runs side by side: figures, equity, and every setting with those that differ first."""
    wanted = list(dict.fromkeys(ids))
    rows = await _rows(context, wanted)
    runs = await _runs(context, rows)
    return backtests.comparison(rows, runs)


@router.get("/backtests/{run_id}", responses=NO_RUN)
async def backtest_run(context: Ctx, run_id: RowId) -> BacktestRun:
    """One run with its equity by the hour and the parts it is made of."""
    [run] = await _runs(context, await _rows(context, [run_id]))
    return run


@router.get("/backtests/{run_id}/trades", responses=NO_RUN)
async def backtest_trades(context: Ctx, run_id: RowId, cursor: TradePlace = 0, limit: Limit = 100) -> BacktestTradePage:
    """Closed positions of a run in order of closing."""
    found = await context.database.fetchrow(research.TRADES, run_id, cursor, cursor + limit - 1)
    if found is None:
        raise _no_run(run_id)
    after = cursor + limit
    return BacktestTradePage(
        total=found["total"],
        trades=[BacktestTrade.model_validate(trade) for trade in msgspec.json.decode(found["page"])],
        next_cursor=str(after) if after < found["total"] else None,
    )


@router.get("/studies")
async def optimise_studies(
    context: Ctx, strategy: Strategy = None, cursor: IdCursor = None, limit: Limit = 50
) -> StudyPage:
    """Searches for parameters, newest first, with what they are worth."""
    found = await context.database.fetch(research.STUDIES, strategy, cursor, limit + 1)
    return StudyPage(studies=[studies.row(row) for row in found[:limit]], next_cursor=_next(found, limit))


@router.get("/studies/{study_id}", responses=missing("There is no such study"))
async def optimise_study(context: Ctx, study_id: RowId, across: Parameter = None, down: Parameter = None) -> Study:
    """One search: its verdict, the surface over two parameters, what each fold chose, and its best sets."""
    found = await context.database.fetchrow(research.STUDY, study_id)
    if found is None:
        raise Refused(404, f"There is no study {study_id}. GET /api/studies lists them.")
    trials = await context.database.fetch(research.TRIALS, study_id, MOST_TRIALS)
    try:
        # Thousands of sets with every daily return: meanwhile other requests go on.
        return await asyncio.to_thread(lambda: studies.study(found, studies.outcomes(trials), across, down))
    except ValueError as error:
        raise Refused(422, f"{error} is no parameter of study {study_id} with more than one value.") from error


async def _rows(context: Context, ids: list[int]) -> list[Row]:
    found = {row["id"]: row for row in await context.database.fetch(research.RUNS_BY_ID, ids)}
    for run_id in ids:
        if run_id not in found:
            raise _no_run(run_id)
    return [found[run_id] for run_id in ids]


async def _runs(context: Context, rows: list[Row]) -> list[BacktestRun]:
    equity = {
        row["id"]: row["rows"] for row in await context.database.fetch(research.EQUITY, [row["id"] for row in rows])
    }
    return await asyncio.to_thread(lambda: [backtests.run(row, equity[row["id"]]) for row in rows])


def _no_run(run_id: int) -> Refused:
    return Refused(404, f"There is no backtest run {run_id}. GET /api/backtests lists them.")


def _next(found: list[Row], limit: int) -> str | None:
    return str(found[limit - 1]["id"]) if len(found) > limit else None
