"""What the recorded data is worth: gaps, coverage by day, and the prediction markets that were followed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from trading_api.context import Ctx
from trading_api.database import maybe_ms
from trading_api.params import (
    POINTS_LIMIT,
    Channel,
    FromMs,
    GapCursor,
    GapState,
    Limit,
    MarketCursor,
    MarketId,
    MarketState,
    OptionalAsset,
    OptionalExchange,
    ToMs,
)
from trading_api.problems import Refused, missing
from trading_api.queries import quality, rows
from trading_api.schemas import Coverage, CoverageDay, GapPage, MarketPage
from trading_api.schemas_system import ProbabilityPoint, ProbabilitySeries
from trading_core.db.times import millis, utc
from trading_core.model import DAY_MS

router = APIRouter(prefix="/api", tags=["data quality"])
DAYS_SHOWN, DAYS_MAX = 28, 100
AWAITED_DAYS = 3
DEFINITION = (
    "Share of the day's minutes, from the channel's first message ever to its last one, that was recorded: of "
    "candle_1m the minutes that have a candle, of other channels those that no lost or open gap touches. A gap that "
    "was filled afterwards counts as covered."
)


@router.get("/gaps")
async def gaps(
    context: Ctx,
    exchange: OptionalExchange = None,
    asset: OptionalAsset = None,
    channel: Channel = None,
    state: GapState = None,
    from_: FromMs = None,
    to: ToMs = None,
    cursor: GapCursor = None,
    limit: Limit = 100,
) -> GapPage:
    """Holes in the recorded channels that touch [from, to): open ones first, then by newest beginning."""
    between = [None if each is None else utc(each) for each in (from_, to)]
    arguments: list[object] = [exchange, asset, channel, state, limit + 1, *between]
    if cursor is None:
        found = await context.database.fetch(quality.GAPS, *arguments)
    else:
        is_open, from_ms, row_id = (int(part) for part in cursor.split("-"))
        found = await context.database.fetch(quality.GAPS_AFTER, *arguments, is_open, utc(from_ms), row_id)
    page = found[:limit]
    last = page[-1] if len(found) > limit else None
    more = None if last is None else f"{int(last['state'] == 'open')}-{millis(last['from_ts'])}-{last['id']}"
    return GapPage(gaps=[rows.gap(row) for row in page], next_cursor=more)


@router.get("/coverage")
async def coverage(context: Ctx, from_: FromMs = None, to: ToMs = None) -> Coverage:
    """Of each channel and UTC day that [from, to) touches, at most the newest 100. Without bounds: the newest 28."""
    newest = await context.database.fetchrow(quality.NEWEST_DAY)
    last = newest[0] if newest is not None else None
    if last is None:
        return Coverage(definition=DEFINITION, days=[], cut=False)
    until = last if to is None else min(last, _day(to - 1))
    since = until - timedelta(days=DAYS_SHOWN - 1) if from_ is None else _day(from_)
    begin = max(since, until - timedelta(days=DAYS_MAX - 1))
    found = await context.database.fetch(quality.COVERAGE, begin, until, POINTS_LIMIT)
    return Coverage(
        definition=DEFINITION,
        days=[CoverageDay.model_validate(dict(row)) for row in found],
        cut=begin > since or len(found) == POINTS_LIMIT,
    )


@router.get("/polymarket/markets")
async def polymarket_markets(
    context: Ctx,
    asset: OptionalAsset = None,
    state: MarketState = "open",
    cursor: MarketCursor = None,
    limit: Limit = 100,
) -> MarketPage:
    """Followed prediction markets with their newest poll: open ones by soonest end, ended ones by latest.

    `awaited`: ended within the last three days, and the venue has not reported the result; `resolved`: it has.
    """
    newest = await context.database.fetchrow(quality.POLYMARKET_TIME)
    if newest is None:
        return MarketPage(event_time_ms=None, markets=[], next_cursor=None)
    end_ms, market = (newest[0], None) if cursor is None else _market_cursor(cursor)
    query = quality.markets(ended=state != "open", after_cursor=cursor is not None)
    since = utc(newest[0] - AWAITED_DAYS * DAY_MS) if state == "awaited" else None
    found = await context.database.fetch(query, utc(end_ms), asset, _resolved(state), limit + 1, market, since)
    page = found[:limit]
    last = page[-1] if len(found) > limit else None
    more = None if last is None else f"{millis(last['end_ts'])}-{last['market_id']}"
    return MarketPage(event_time_ms=newest[0], markets=[rows.market(row, newest[0]) for row in page], next_cursor=more)


@router.get("/polymarket/markets/{market_id}/probability", responses=missing("There is no such market"))
async def polymarket_probability(
    context: Ctx, market_id: MarketId, points: Annotated[int, Query(ge=2, le=POINTS_LIMIT)] = 600
) -> ProbabilitySeries:
    """The probability of one market over time, from its polls, with its result."""
    market = await context.database.fetchrow(quality.MARKET, market_id)
    if market is None:
        raise Refused(404, f"No market {market_id} has been followed. GET /api/polymarket/markets lists them.")
    polls = await context.database.fetch(quality.POLLS, market_id, points)
    return ProbabilitySeries(
        id=market_id,
        asset=market["asset"],
        title=market["market_title"],
        start_ms=maybe_ms(market["start_ts"]),
        end_ms=millis(market["end_ts"]),
        resolved_ms=maybe_ms(market["resolved_ts"]),
        yes_payout=None if market["yes_payout"] is None else float(market["yes_payout"]),
        polls=polls[0]["total"] if polls else 0,
        points=[
            ProbabilityPoint(t=row["t"], probability=row["probability"], bid=row["bid"], ask=row["ask"])
            for row in polls
        ],
    )


def _day(time_ms: int) -> date:
    """The UTC day of a time; the last one before 1970 for times before it."""
    return datetime.fromtimestamp(time_ms // DAY_MS * DAY_MS // 1000, UTC).date()


def _resolved(state: Literal["open", "awaited", "resolved"]) -> bool | None:
    """An open market may have its result already: the venue's clock and ours are two."""
    return None if state == "open" else state == "resolved"


def _market_cursor(cursor: str) -> tuple[int, str]:
    end_ms, _, market = cursor.partition("-")
    return int(end_ms), market
