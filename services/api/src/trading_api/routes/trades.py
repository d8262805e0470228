"""Trades in pages of any order, what they sum up to, and all of them as a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends
from starlette.responses import Response, StreamingResponse

from trading_api import trade_pages
from trading_api.context import Context, Ctx
from trading_api.params import (
    Direction,
    ExitReason,
    FromMs,
    Limit,
    OptionalAsset,
    OptionalExchange,
    OptionalInstrument,
    Order,
    PositionStatus,
    Strategy,
    StrategyName,
    Suspect,
    ToMs,
    TradeCursor,
    TradeResult,
    TradeSort,
)
from trading_api.problems import Refused, missing
from trading_api.queries import standing, trades
from trading_api.queries.trades import TradeFilters
from trading_api.schemas import TradePage, TradeTotals
from trading_core.money import plain

router = APIRouter(prefix="/api", tags=["trades"])
UNKNOWN = missing("There is no such strategy")
DEFAULT_LIMIT = 200


async def _common(
    asset: OptionalAsset = None,
    exchange: OptionalExchange = None,
    instrument: OptionalInstrument = None,
    direction: Direction = None,
    status: PositionStatus = None,
    exit_reason: ExitReason = None,
    result: TradeResult = None,
    suspect: Suspect = None,
    from_: FromMs = None,
    to: ToMs = None,
) -> dict[str, object]:
    return {
        "asset": asset, "exchange": exchange, "instrument": instrument, "direction": direction, "status": status,
        "exit_reason": exit_reason, "result": result, "suspect": suspect, "from_ms": from_, "to_ms": to,
    }  # fmt: skip


Common = Annotated[dict[str, object], Depends(_common)]


async def _of_any(common: Common, strategy: Strategy = None) -> TradeFilters:
    return TradeFilters(strategy=strategy, **common)  # type: ignore[arg-type]


async def _ordered(sort: TradeSort = "entry", order: Order = "desc") -> trade_pages.Order:
    return trade_pages.Order(sort, order == "desc")


Filters = Annotated[TradeFilters, Depends(_of_any)]
Ordered = Annotated[trade_pages.Order, Depends(_ordered)]


async def known_strategy(context: Ctx, name: StrategyName) -> str:
    """404 for a name that neither is registered nor ever traded."""
    [found] = await context.database.fetch(standing.KNOWN, name)
    if not found["known"]:
        raise Refused(404, f"There is no strategy {name}. GET /api/strategies lists those there are.")
    return name


Known = Annotated[str, Depends(known_strategy)]


async def _page(
    context: Context, filters: TradeFilters, order: trade_pages.Order, cursor: str | None, limit: int
) -> Response:
    """A `TradePage`, written out as the rows come: a model of each would take longer than all the rest."""
    found, more = await trade_pages.page(context, filters, order, cursor, limit)
    return Response(msgspec.json.encode({"trades": found, "next_cursor": more}), media_type="application/json")


@router.get("/trades", response_model=TradePage)
async def all_trades(
    context: Ctx, filters: Filters, order: Ordered, cursor: TradeCursor = None, limit: Limit = DEFAULT_LIMIT
) -> Response:
    """Positions held at any time in [from, to), open ones included; by newest entry first unless asked otherwise."""
    return await _page(context, filters, order, cursor, limit)


@router.get("/strategies/{name}/trades", response_model=TradePage, responses=UNKNOWN)
async def strategy_trades(
    context: Ctx, name: Known, common: Common, order: Ordered, cursor: TradeCursor = None, limit: Limit = DEFAULT_LIMIT
) -> Response:
    """The trades of one strategy, with the same filters and orders."""
    filters = TradeFilters(strategy=name, **common)  # type: ignore[arg-type]
    return await _page(context, filters, order, cursor, limit)


@router.get("/trades/totals")
async def trade_totals(context: Ctx, filters: Filters) -> TradeTotals:
    """How many trades match, and what the closed ones sum up to."""
    asked = trades.totals(await context.ledgers.ids(), filters)
    [row] = await context.database.rows(asked)
    return TradeTotals(
        trades=row["trades"], open=row["open"], wins=row["wins"], losses=row["losses"],
        realised_pnl=plain(row["realised_pnl"]), gross_pnl=plain(row["gross_pnl"]), fees=plain(row["fees"]),
        funding_pnl=plain(row["funding_pnl"]), slippage_cost=plain(row["slippage_cost"]),
    )  # fmt: skip


@router.get(
    "/trades.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "One line a trade"}},
)
async def trades_csv(context: Ctx, filters: Filters, order: Ordered) -> Response:
    """Every trade that matches, not only one page. Times are UTC, money is exact."""
    lines = trade_pages.csv_lines(context, filters, order)
    first = await anext(lines)  # an error of the database is still an answer of its own here

    async def whole() -> AsyncIterator[str]:
        yield first
        async for line in lines:
            yield line

    return StreamingResponse(
        whole(), media_type="text/csv", headers={"Content-Disposition": 'attachment; filename="trades.csv"'}
    )
