"""Equity curves and candles: long answers, encoded without a model in between."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from datetime import datetime

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from trading_api.comparison import Filter, closed_curve
from trading_api.context import Context, Ctx
from trading_api.curves import Curve
from trading_api.database import Row
from trading_api.params import (
    NEWEST_TIME_MS,
    Asset,
    Exchange,
    FromMs,
    Interval,
    Limit,
    Markers,
    OptionalAsset,
    Points,
    Strategy,
    ToMs,
)
from trading_api.queries import curves, rows
from trading_api.schemas import CandleSeries, EquityCurve
from trading_api.thinning import shown
from trading_core.db.rollups import INTERVALS
from trading_core.db.times import millis, utc
from trading_core.model import INTERVALS_MS, MINUTE_MS
from trading_core.money import from_micros, plain

router = APIRouter(prefix="/api", tags=["series"])
JSON = "application/json"


@router.get("/equity-curve", response_model=EquityCurve)
async def equity_curve(
    context: Ctx,
    strategy: Strategy = None,
    asset: OptionalAsset = None,
    from_: FromMs = None,
    to: ToMs = None,
    points: Points = 1_000,
) -> Response:
    """The portfolio's curve, or the part of one strategy or one asset on full capital.

    One strategy in one asset is recorded only where each strategy has a ledger of its own; on a shared one the curve is
    that of its closed positions there, at their exits.
    """
    until_ms = NEWEST_TIME_MS if to is None else to
    if strategy is not None and asset is not None and context.ledgers.isolation == "per_strategy":
        body = await _in_one_asset(context, strategy, asset, from_ or 0, until_ms, points)
    elif strategy is not None and asset is not None:
        times_ms, curve = await _of_closed(context, strategy, asset)
        body = {"basis": "closed", **_drawn(times_ms, curve, from_ or 0, until_ms, points)}
    else:
        book = await context.figures.book()
        curve = book.of(strategy) if strategy else book.of_asset(asset) if asset else book.portfolio
        basis = "full_capital" if strategy or asset else "portfolio"
        body = {"basis": basis, **_drawn(book.times_ms, curve, from_ or 0, until_ms, points)}
    return Response(msgspec.json.encode({"strategy": strategy, "asset": asset, **body}), media_type=JSON)


def _drawn(times_ms: array[int], curve: Curve, from_ms: int, to_ms: int, points: int) -> dict[str, object]:
    total, drawn = shown(times_ms, curve.falls, from_ms, to_ms, points)
    return {
        "initial_capital": plain(curve.initial),
        "rows": total,
        "points": [
            {
                "t": times_ms[row],
                "equity": plain(from_micros(curve.micros[row])),
                "drawdown": curve.falls[row],
            }
            for row in drawn
        ],
    }


async def _of_closed(context: Context, strategy: str, asset: str) -> tuple[array[int], Curve]:
    """No rows before the ledger's first one."""
    answer, book = await context.figures.answer(), await context.figures.book()
    initial = book.of(strategy).initial
    if answer.first_ms is None or answer.last_ms is None:
        return array("q"), Curve.flat(initial)
    span = answer.first_ms, answer.last_ms

    def steps() -> tuple[array[int], Curve]:
        return closed_curve(answer.trades(strategy, Filter(asset=asset)), initial, span)

    return await answer.once(("closed curve", strategy, asset), steps)


async def _in_one_asset(
    context: Context, strategy: str, asset: str, from_ms: int, to_ms: int, points: int
) -> dict[str, object]:
    """From the rows of the one ledger that the strategy has to itself."""
    ids = await context.ledgers.of_strategy(strategy)
    rows = await context.database.fetch(curves.CAPITALS, ids)
    capital = rows[0]["initial_capital"] if rows else context.settings.broker.initial_capital
    found = await context.database.fetch(
        curves.IN_ONE_ASSET, next(iter(ids), None), utc(from_ms), utc(to_ms), points, capital, asset
    )
    return {
        "basis": "full_capital",
        "initial_capital": plain(capital),
        "rows": found[0]["total"] if found else 0,
        "points": [{"t": row["t"], "equity": plain(row["equity"]), "drawdown": row["drawdown"]} for row in found],
    }


@dataclass(frozen=True)
class CandlesAsked:
    """The newest `limit` candles that open in [from_ms, to_ms)."""

    asset: str
    exchange: str = "hyperliquid"
    interval: str = "1m"
    from_ms: int = 0
    to_ms: int | None = None
    limit: int = 500


async def _candles(context: Context, asked: CandlesAsked) -> Row | None:
    """Their text, with the first and the last moment; None when there is none."""
    width_ms, of = INTERVALS_MS[asked.interval], (asked.exchange, asked.asset)
    from_ms = -(-asked.from_ms // width_ms) * width_ms
    if width_ms == MINUTE_MS:
        to = None if asked.to_ms is None else utc(-(-asked.to_ms // width_ms) * width_ms)
        found = await context.database.fetchrow(curves.CANDLES, *of, utc(from_ms), to, asked.limit)
    else:
        newest = await context.database.fetchrow(curves.NEWEST_CANDLE, *of)
        if newest is None or newest[0] is None:
            return None
        after_last_ms = millis(newest[0]) + MINUTE_MS
        end_ms = after_last_ms if asked.to_ms is None else min(asked.to_ms, after_last_ms)
        end_ms = -(-end_ms // width_ms) * width_ms
        begin_ms = max(from_ms, end_ms - asked.limit * width_ms)
        kept = max((name for name in INTERVALS if width_ms % INTERVALS_MS[name] == 0), key=INTERVALS_MS.__getitem__)
        spans_s = (begin_ms // 1000, end_ms // 1000, width_ms // 1000)
        found = await context.database.fetchrow(curves.WIDER_CANDLES, *of, *spans_s, kept, INTERVALS_MS[kept] // 1000)
    return None if found is None or found["told"] is None else found


async def candles_told(
    context: Context, asked: CandlesAsked, markers: bytes = b"[]", found: Row | None = None
) -> bytes:
    """A `CandleSeries` as it is sent; `found` where the candles have been asked for already."""
    row = found or await _candles(context, asked)
    head = msgspec.json.encode({"exchange": asked.exchange, "asset": asked.asset, "interval": asked.interval})
    told = "" if row is None else row["told"]
    return b'%b,"candles":[%b],"markers":%b}' % (head[:-1], told.encode(), markers)


async def _markers(
    context: Context, exchange: str, asset: str, strategy: str | None, begin: datetime, end: datetime
) -> list[dict[str, object]]:
    """Fills in [begin, end], oldest first."""
    ids = await context.ledgers.ids()
    found = await context.database.fetch(curves.MARKERS, ids, exchange, asset, begin, end, strategy)
    return [
        {
            "t": millis(row["ts"]),
            "trade_id": row["position_id"],
            "strategy": row["strategy"],
            "direction": row["direction"],
            "purpose": row["purpose"],
            "price": plain(row["price"]),
            "realised_pnl": None if row["purpose"] == "entry" else rows.text(row["realised_pnl"]),
        }
        for row in reversed(found)
    ]


@router.get("/candles", response_model=CandleSeries)
async def candles(
    context: Ctx,
    asset: Asset,
    exchange: Exchange = "hyperliquid",
    interval: Interval = "1m",
    from_: FromMs = None,
    to: ToMs = None,
    limit: Limit = 500,
    markers: Markers = False,
    strategy: Strategy = None,
) -> Response:
    """The newest `limit` candles that open in [from, to), oldest first. Wider ones are kept, or made of what is there.

    With `markers` also the fills at their prices, of one strategy or of all.
    """
    asked = CandlesAsked(asset, exchange, interval, from_ or 0, to, limit)
    if not markers or (found := await _candles(context, asked)) is None:
        return Response(await candles_told(context, asked), media_type=JSON)
    begin, end = utc(found["first_ms"]), utc(found["last_ms"] + INTERVALS_MS[interval])
    marked = await _markers(context, exchange, asset, strategy, begin, end)
    return Response(await candles_told(context, asked, msgspec.json.encode(marked), found), media_type=JSON)
