"""What the strategies said and what the broker decided."""

from __future__ import annotations

from fastapi import APIRouter

from trading_api.context import Ctx
from trading_api.database import maybe_utc
from trading_api.params import Cursor, FromMs, Limit, OptionalAsset, SignalDirection, Strategy, ToMs, Verdict
from trading_api.queries import rows
from trading_api.queries import signals as queries
from trading_api.queries.signals import SignalFilters
from trading_api.routes.trades import UNKNOWN, Known
from trading_api.schemas import SignalPage, SignalRow
from trading_core.db.times import millis, utc

router = APIRouter(prefix="/api", tags=["signals"])


@router.get("/signals")
async def signals(
    context: Ctx, asset: OptionalAsset = None, strategy: Strategy = None, limit: Limit = 50
) -> list[SignalRow]:
    """LONG, SHORT and CLOSE with their decisions, newest first. Evaluations without an opinion are left out."""
    asked = queries.page(await context.ledgers.ids(), SignalFilters(strategy, asset), limit=limit)
    found = await context.database.rows(asked)
    return [rows.signal(row) for row in found]


@router.get("/strategies/{name}/signals", responses=UNKNOWN)
async def strategy_signals(
    context: Ctx,
    name: Known,
    asset: OptionalAsset = None,
    direction: SignalDirection = None,
    decision: Verdict = None,
    from_: FromMs = None,
    to: ToMs = None,
    cursor: Cursor = None,
    limit: Limit = 200,
) -> SignalPage:
    """The signals of one strategy with ts in [from, to) and what the broker decided about each."""
    said_ms, row_id = (int(part) for part in cursor.split("-")) if cursor else (0, 0)
    asked = queries.page(
        await context.ledgers.ids(),
        SignalFilters(name, asset, direction, decision, maybe_utc(from_), maybe_utc(to)),
        limit=limit + 1,
        after=(utc(said_ms), row_id) if cursor else None,
    )
    found = await context.database.rows(asked)
    page = found[:limit]
    more = f"{millis(page[-1]['ts'])}-{page[-1]['id']}" if len(found) > limit else None
    return SignalPage(signals=[rows.signal(row) for row in page], next_cursor=more)
