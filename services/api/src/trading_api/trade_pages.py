"""Pages of trades: what a cursor says, the markets behind a page, and the whole result as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from trading_api.context import Context
from trading_api.params import NEWEST_TIME_MS
from trading_api.problems import Refused
from trading_api.queries import rows, trades
from trading_api.queries.trades import Place, SortKey, TradeFilters
from trading_core.model import Exchange

Fields: TypeAlias = dict[str, Any]
"""One row of an answer, as it is written out."""
CSV_BATCH = 1_000
CSV_COLUMNS = (
    "id", "strategy", "exchange", "asset", "instrument", "market", "direction", "outcome", "status", "entry_utc",
    "entry_price", "exit_utc", "exit_price", "exit_reason", "quantity", "stake", "gross_pnl", "fees", "funding_pnl",
    "slippage_cost", "realised_pnl", "confidence", "suspect", "late",
)  # fmt: skip


@dataclass(frozen=True)
class Order:
    sort: SortKey
    descending: bool


def place_of(cursor: str | None, order: Order) -> Place | None:
    """Where the page before ended. Refused when the cursor cannot be one of this order."""
    if cursor is None:
        return None
    value, _, row_id = cursor.partition("~")
    timed = order.sort in ("entry", "exit") and not value.endswith("Infinity")
    if timed and not 0 <= float(value) * 1_000 <= NEWEST_TIME_MS:
        raise Refused(422, f"cursor: {cursor} does not belong to a page sorted by {order.sort}. Start without one.")
    return Place(value, int(row_id))


async def page(
    context: Context, filters: TradeFilters, order: Order, cursor: str | None, limit: int
) -> tuple[list[Fields], str | None]:
    """At most `limit` trades, each with the fields of a `TradeRow`, and the cursor of the next page if there is one."""
    after = place_of(cursor, order)
    asked = trades.page(
        await context.ledgers.ids(), filters, order.sort, descending=order.descending, after=after, limit=limit + 1
    )
    found = [dict(row) for row in await context.database.rows(asked)]
    places = [(row.pop("place"), row.pop("row_id")) for row in found]
    more = "{}~{}".format(*places[limit - 1]) if len(found) > limit else None
    return await with_markets(context, found[:limit]), more


async def with_markets(context: Context, found: list[Fields]) -> list[Fields]:
    """The trades, those on prediction markets with their market."""
    named = sorted({row["instrument"] for row in found if row["exchange"] == Exchange.POLYMARKET.value})
    known = {row["market_id"]: row for row in await context.database.fetch(trades.MARKETS, named)} if named else {}
    for row in found:
        market = known.get(row["instrument"])
        row["market"] = None if market is None else rows.held_market(market, row["direction"]).model_dump()
    return found


async def csv_lines(context: Context, filters: TradeFilters, order: Order) -> AsyncIterator[str]:
    """Heading and every trade that matches, a batch of lines at a time: no answer is held in memory as a whole."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    cursor: str | None = None
    while True:
        batch, cursor = await page(context, filters, order, cursor, CSV_BATCH)
        writer.writerows(_csv_row(trade) for trade in batch)
        yield text.getvalue()
        text.seek(0)
        text.truncate()
        if cursor is None:
            return


def _csv_row(trade: Fields) -> list[str | float | None]:
    market = trade["market"] or {}
    shown = {
        **trade, "market": market.get("title"), "outcome": market.get("outcome"),
        "entry_utc": _moment(trade["entry_ms"]), "exit_utc": _moment(trade["exit_ms"]),
        "suspect": str(trade["suspect"]).lower(), "late": str(trade["late"]).lower(),
    }  # fmt: skip
    return [shown[name] for name in CSV_COLUMNS]


def _moment(time_ms: int | None) -> str | None:
    if time_ms is None:
        return None
    moment = datetime.fromtimestamp(time_ms / 1_000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
