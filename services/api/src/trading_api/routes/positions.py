"""What is held now, and every execution."""

from __future__ import annotations

from fastapi import APIRouter

from trading_api.context import Ctx
from trading_api.params import Limit, OptionalAsset, Strategy
from trading_api.queries import fills as queries
from trading_api.queries import rows
from trading_api.schemas import FillRow, OpenPosition

router = APIRouter(prefix="/api", tags=["positions"])


@router.get("/positions/open")
async def open_positions(context: Ctx) -> list[OpenPosition]:
    """Open positions, valued at the newest marks, oldest first."""
    return context.portfolio.positions(await context.portfolio.ledger())


@router.get("/fills")
async def fills(
    context: Ctx, asset: OptionalAsset = None, strategy: Strategy = None, limit: Limit = 50
) -> list[FillRow]:
    """Executions, newest first."""
    asked = queries.newest(await context.ledgers.ids(), limit=limit, strategy=strategy, asset=asset)
    found = await context.database.rows(asked)
    return [rows.fill(row) for row in found]
