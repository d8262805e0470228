"""One trade whole: signals, fills, costs, and the chain of recorded events down to the market's messages."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec
from fastapi import APIRouter

from trading_api.context import Context, Ctx
from trading_api.database import Row, maybe_ms
from trading_api.params import PositionId
from trading_api.problems import Refused, missing
from trading_api.queries import rows, trades
from trading_api.schemas import (
    FundingRow,
    Lineage,
    LineageEvent,
    LineageStep,
    SignalInput,
    TradeDetail,
    TradeFill,
    TradeRow,
    TradeSignal,
)
from trading_api.trade_pages import with_markets
from trading_core.db.times import millis
from trading_core.errors import ConfigError, MessageInvalid
from trading_core.explain.read import recorded_position
from trading_core.explain.story import as_json
from trading_core.money import exactly, plain

router = APIRouter(prefix="/api/trades", tags=["trades"])
UNKNOWN = missing("There is no such trade in the portfolio that is shown")
BPS = 10_000


async def _position(context: Context, trade_id: str) -> Row:
    row = await context.database.fetchrow(trades.TRADE, trade_id, await context.ledgers.ids())
    if row is None:
        raise Refused(404, f"There is no trade {trade_id}. GET /api/trades lists those there are.")
    return row


@router.get("/{trade_id}", responses=UNKNOWN)
async def trade(context: Ctx, trade_id: PositionId) -> TradeDetail:
    """One trade with its levels, the signals behind it, each fill and each hour of funding."""
    row = await _position(context, trade_id)
    database = context.database
    said = await database.fetch(trades.SIGNALS, trade_id, row["portfolio_id"])
    signals = {found["opened"] is True: _signal(found) for found in said}
    [shown] = await with_markets(context, [{name: row[name] for name in TradeRow.model_fields if name != "market"}])
    return TradeDetail(
        trade=TradeRow.model_validate(shown),
        ledger=(await context.ledgers.names())[row["portfolio_id"]],
        reference_pnl=row["reference_pnl"],
        entry_ref=row["entry_ref"],
        exit_ref=row["exit_ref"],
        stop_price=row["stop_price"],
        target_price=row["target_price"],
        deadline_ms=maybe_ms(row["deadline_ts"]),
        opened_by=signals.get(True),
        closed_by=signals.get(False),
        fills=[_fill(found) for found in await database.fetch(trades.FILLS, trade_id)],
        funding=[_funding(found) for found in await database.fetch(trades.FUNDING, trade_id)],
    )


@router.get("/{trade_id}/lineage", responses=UNKNOWN)
async def lineage(context: Ctx, trade_id: PositionId) -> Lineage:
    """The chain of recorded events behind a trade, with the market's messages as they were on the stream."""
    await _position(context, trade_id)
    try:
        async with context.database.snapshot() as connection:
            told = as_json(await recorded_position(connection, trade_id))
    except (ConfigError, MessageInvalid) as error:
        return Lineage(id=trade_id, steps=[], missing=f"Not every event of this trade is recorded: {error}")
    except ModuleNotFoundError:
        # A slim image holds no reader of the archive, and messages of old have moved there.
        where = f"They are in the archive, which this service cannot read: python -m trading_core explain {trade_id}"
        return Lineage(id=trade_id, steps=[], missing=where)
    steps = [
        LineageStep(
            title=step["title"],
            lines=step["lines"],
            events=[LineageEvent(id=event["id"], raw=event["raw"]) for event in step["events"]],
        )
        for step in told["steps"]
    ]
    return Lineage(id=trade_id, steps=steps, missing="")


def _signal(row: Row) -> TradeSignal:
    metadata = msgspec.json.decode(row["metadata"], type=dict[str, object]) if row["metadata"] else {}
    inputs = [
        SignalInput(name=name, value=value if isinstance(value, str) else json.dumps(value, separators=(",", ":")))
        for name, value in metadata.items()
        if name != "seen"  # ids of what was looked at: the lineage leads there
    ]
    return TradeSignal(**rows.signal(row).model_dump(), inputs=inputs)


def _fill(row: Row) -> TradeFill:
    return TradeFill(
        id=row["event_id"],
        t=millis(row["ts"]),
        side=row["side"],
        purpose=row["purpose"],
        quantity=plain(row["quantity"]),
        price=plain(row["price"]),
        reference_price=plain(row["reference_price"]),
        slippage_bps=slippage_bps(row["side"], row["price"], row["reference_price"]),
        fee=plain(row["fee"]),
        late=row["late"],
    )


def slippage_bps(side: str, price: Decimal, reference: Decimal) -> float:
    """How much worse than the reference a fill is, in hundredths of a per cent of it; a reference of 0 gives 0."""
    if not reference:
        return 0.0
    with exactly():
        worse = price - reference if side == "BUY" else reference - price
        return float(worse / reference * BPS)


def _funding(row: Row) -> FundingRow:
    return FundingRow(
        id=row["event_id"],
        hour_ms=millis(row["hour"]),
        booked_ms=millis(row["booked_ts"]),
        rate=plain(row["rate"]),
        quantity=plain(row["quantity"]),
        mark_price=plain(row["mark_price"]),
        amount=plain(row["amount"]),
    )
