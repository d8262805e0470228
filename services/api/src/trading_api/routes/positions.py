"""What is held now, what was held, and every execution."""

from __future__ import annotations

from fastapi import APIRouter

from trading_api.context import Ctx
from trading_api.params import Cursor, FromMs, Limit, OptionalAsset, Strategy, ToMs
from trading_api.queries import activity, rows
from trading_api.schemas import FillRow, OpenPosition, TradePage
from trading_core.db.times import millis, utc

router = APIRouter(prefix="/api", tags=["positions"])


@router.get("/positions/open")
async def open_positions(context: Ctx) -> list[OpenPosition]:
    """Open positions, valued at the newest marks, oldest first."""
    return context.portfolio.positions(await context.portfolio.ledger())


@router.get("/trades")
async def trades(
    context: Ctx,
    asset: OptionalAsset = None,
    strategy: Strategy = None,
    from_: FromMs = None,
    to: ToMs = None,
    cursor: Cursor = None,
    limit: Limit = 200,
) -> TradePage:
    """Positions held at any time in [from, to), open ones included, by newest entry first."""
    held = await context.portfolio.ledger()
    entered_ms, row_id = (int(part) for part in cursor.split("-")) if cursor else (None, None)
    found = await context.database.fetch(
        activity.TRADES,
        held.portfolio_id,
        asset,
        strategy,
        None if from_ is None else utc(from_),
        None if to is None else utc(to),
        None if entered_ms is None else utc(entered_ms),
        row_id,
        limit + 1,
    )
    page = found[:limit]
    more = f"{millis(page[-1]['entry_ts'])}-{page[-1]['id']}" if len(found) > limit else None
    return TradePage(trades=[rows.trade(row) for row in page], next_cursor=more)


@router.get("/fills")
async def fills(
    context: Ctx, asset: OptionalAsset = None, strategy: Strategy = None, limit: Limit = 50
) -> list[FillRow]:
    """Executions, newest first."""
    held = await context.portfolio.ledger()
    found = await context.database.fetch(activity.FILLS, held.portfolio_id, asset, strategy, limit)
    return [rows.fill(row) for row in found]
