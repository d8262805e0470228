"""Strategies side by side, one in detail, their health; one asset over all of them; what each figure means."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path

from trading_api import breakdowns
from trading_api.comparison import Filter, result_fields
from trading_api.context import Context, Ctx
from trading_api.database import Row, maybe_ms
from trading_api.definitions import DEFINITIONS
from trading_api.figures import Answer, Failure
from trading_api.params import FromMs, OptionalAsset, OptionalExchange, ToMs
from trading_api.problems import Refused, missing
from trading_api.queries import strategy
from trading_api.routes.risk import risk
from trading_api.routes.trades import UNKNOWN, Known
from trading_api.schemas import StrategyRow
from trading_api.schemas_compare import (
    AssetPerformance,
    AssetStrategy,
    MetricDefinition,
    StrategyDetail,
    StrategyHealth,
)
from trading_api.statistics import ratios
from trading_api.strategy_health import alerts
from trading_core.db.times import utc
from trading_core.metrics.trades import TradeMetrics
from trading_core.money import plain

router = APIRouter(prefix="/api", tags=["strategies"])
WINDOW_H = 24
HOUR_MS = 3_600_000


def chosen(
    asset: OptionalAsset = None, exchange: OptionalExchange = None, from_: FromMs = None, to: ToMs = None
) -> Filter:
    return Filter(asset, exchange, from_, to)


Chosen = Annotated[Filter, Depends(chosen)]


async def _rows(context: Context, only: Filter) -> tuple[Answer, list[StrategyRow]]:
    answer = await context.figures.answer()
    if not only:
        return answer, answer.strategies
    held = await context.portfolio.ledger()
    return answer, await answer.only(only, [row.row for row in held.positions])


@router.get("/strategies")
async def strategies(context: Ctx, only: Chosen) -> list[StrategyRow]:
    """One row per strategy. Without a filter ratios are of its own curve on full capital, with one of closed positions
    whose exit is in [from, to); `basis` says which.
    """
    return (await _rows(context, only))[1]


@router.get("/strategies/{name}", responses=UNKNOWN)
async def strategy_detail(context: Ctx, name: Known, only: Chosen) -> StrategyDetail:
    """What it is, with which parameters it runs, and its closed positions by month, result, hold and exit reason."""
    answer, rows = await _rows(context, only)
    row = next((row for row in rows if row.name == name), None)
    if row is None:
        raise Refused(404, f"Strategy {name} does not belong to the portfolio that is shown.")
    about = await context.database.fetchrow(strategy.ABOUT, name)
    [version] = await context.database.fetch(strategy.VERSIONS, [name]) or [None]

    def parts() -> dict[str, Any]:
        trades = answer.trades(name, only)
        return {
            "months": breakdowns.by_month(trades),
            "results": breakdowns.results(trades),
            "holds": breakdowns.holds(trades),
            "exit_reasons": breakdowns.by_reason(trades),
        }

    return StrategyDetail(
        row=row,
        docs=breakdowns.sections(about["docs"] or "") if about else [],
        params=msgspec.json.decode(about["params"] or "{}") if about else {},
        rules=msgspec.json.decode(about["rules"] or "{}") if about else {},
        code_hash=version["code_hash"] if version else None,
        params_hash=version["params_hash"] if version else None,
        **await answer.once((name, only), parts),
    )


@router.get("/strategy-health")
async def strategy_health(context: Ctx) -> list[StrategyHealth]:
    """How busy each strategy is, what it has used of its daily limit, which version runs, and what needs attention."""
    answer = await context.figures.answer()
    names = [row.name for row in answer.strategies]
    now_ms = context.portfolio.event_time_ms(await context.portfolio.ledger())
    limits = {each.strategy: each for ledger in (await risk(context)).ledgers for each in ledger.strategies}
    versions = {row["name"]: row for row in await context.database.fetch(strategy.VERSIONS, names)}
    refused = {row["strategy"]: row for row in await context.database.fetch(strategy.REFUSED)}
    window_h = _window_h(answer, now_ms)
    rates = await _rates(context, names, now_ms)
    found = []
    for row in answer.strategies:
        said = refused.get(row.name)
        error = msgspec.json.decode(said["body"], type=Failure).sentence if said else None
        limit, version = limits.get(row.name), versions.get(row.name)
        found.append(
            StrategyHealth(
                name=row.name,
                class_name=row.class_name,
                status=row.status,
                last_signal_ms=row.last_signal_ms,
                last_evaluation_ms=row.last_evaluation_ms,
                window_h=window_h,
                signals_per_hour=rates[row.name]["signals"] / window_h if window_h else None,
                positions_per_day=rates[row.name]["positions"] / window_h * 24 if window_h else None,
                drawdown=row.drawdown,
                day_used=limit.day_used if limit else None,
                code_hash=version["code_hash"] if version else None,
                params_hash=version["params_hash"] if version else None,
                reload_error=error,
                reload_error_ms=maybe_ms(said["ts"]) if said else None,
                # By the time of the answer's own rows: it may be a minute old, which is hours of a fast replay.
                alerts=alerts(row, limit, error, answer.last_ms),
            )
        )
    return found


def _window_h(answer: Answer, now_ms: int | None) -> float | None:
    if now_ms is None or answer.first_ms is None or now_ms <= answer.first_ms:
        return None
    return min(float(WINDOW_H), (now_ms - answer.first_ms) / HOUR_MS)


async def _rates(context: Context, names: list[str], now_ms: int | None) -> dict[str, Row]:
    if now_ms is None:
        return {}
    end = utc(now_ms)
    ids = await context.ledgers.ids()
    rows = await context.database.fetch(strategy.RATES, names, end - timedelta(hours=WINDOW_H), end, ids)
    return {row["name"]: row for row in rows}


@router.get(
    "/assets/{asset}/performance",
    responses=missing("The asset is not configured and was never traded"),
)
async def asset_performance(
    context: Ctx, asset: Annotated[str, Path(pattern=r"^[A-Z0-9]{1,16}$", examples=["BTC"])]
) -> AssetPerformance:
    """One asset: every strategy's closed positions in it together and apart, and its share of the equity curve."""
    answer = await context.figures.answer()
    found, fields, parts = await answer.once(("asset", asset), partial(_in_asset, answer, asset))
    if not found.trades and asset not in context.settings.assets:
        raise Refused(404, f"There is no asset {asset}. Configured are {', '.join(context.settings.assets)}.")
    held = await context.portfolio.ledger()
    curve = await context.figures.asset_curve(asset)
    return AssetPerformance(
        asset=asset,
        total_pnl=plain(curve.last - curve.initial),
        realised_pnl=plain(found.realised_pnl),
        drawdown=curve.drawdown,
        open_positions=sum(row.row["asset"] == asset for row in held.positions),
        strategies=[
            AssetStrategy(strategy=name, realised_pnl=plain(part.realised_pnl), **part_fields)
            for name, (part, part_fields) in parts.items()
        ],
        **ratios(curve, context.settings.metrics.annualisation_days),
        **fields,
    )


def _in_asset(
    answer: Answer, asset: str
) -> tuple[TradeMetrics, dict[str, Any], dict[str, tuple[TradeMetrics, dict[str, Any]]]]:
    """Of all closed positions in one asset, and of each strategy's."""
    of_strategies = {name: answer.trades(name, Filter(asset=asset)) for name in answer.closed}
    trades = sorted((t for each in of_strategies.values() for t in each), key=lambda trade: trade.exit_ms)
    found, fields = result_fields(trades)
    fields.pop("sparkline")
    return found, fields, {name: result_fields(each) for name, each in sorted(of_strategies.items()) if each}


@router.get("/metrics/definitions")
async def metric_definitions() -> list[MetricDefinition]:
    """Formula, unit and basis of every figure."""
    return DEFINITIONS
