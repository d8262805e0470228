"""The portfolio in one line."""

from __future__ import annotations

from fastapi import APIRouter

from trading_api.context import Context, Ctx
from trading_api.schemas import Summary

router = APIRouter(prefix="/api", tags=["portfolio"])


async def summarise(context: Context) -> Summary:
    answer = await context.figures.answer()
    held = await context.portfolio.ledger()
    return Summary(
        portfolio=context.portfolio.name,
        initial_capital=format(held.initial_capital, "f"),
        drawdown=await context.figures.drawdown(),
        event_time_ms=context.portfolio.event_time_ms(held),
        data_notice=await context.notice(),
        assets=list(context.settings.assets),
        annualisation_days=context.settings.metrics.annualisation_days,
        **context.portfolio.totals(held).model_dump(),
        **answer.ratios,
    )


@router.get("/summary")
async def summary(context: Ctx) -> Summary:
    """Equity, P&L, drawdown and ratios of the portfolio, and how far market time has come."""
    return await summarise(context)
