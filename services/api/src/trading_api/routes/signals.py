"""What the strategies said and what the broker decided."""

from __future__ import annotations

from fastapi import APIRouter

from trading_api.context import Ctx
from trading_api.params import Limit, OptionalAsset, Strategy
from trading_api.queries import activity, rows
from trading_api.schemas import SignalRow

router = APIRouter(prefix="/api", tags=["signals"])


@router.get("/signals")
async def signals(
    context: Ctx, asset: OptionalAsset = None, strategy: Strategy = None, limit: Limit = 50
) -> list[SignalRow]:
    """LONG, SHORT and CLOSE with their decisions, newest first. Evaluations without an opinion are left out."""
    held = await context.portfolio.ledger()
    found = await context.database.fetch(activity.SIGNALS, held.portfolio_id, asset, strategy, limit)
    return [rows.signal(row) for row in found]
