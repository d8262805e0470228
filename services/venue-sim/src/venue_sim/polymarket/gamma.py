"""Gamma, the venue's catalogue: query in, status and body out. Pure; never shows anything later than the clock.

Volume, liquidity and the price to beat are left out: the recording does not have them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from venue_sim.info import Answer, ok
from venue_sim.polymarket import wire
from venue_sim.polymarket.board import ASSET, Board, Market
from venue_sim.polymarket.sample import decimal_text

Query = Mapping[str, list[str]]
NOT_FOUND = Answer(404, '{"type":"not found error","error":"id not found"}')
PAGE = 20
KEYSET_MAX = 100
SERIES_SLUG = "btc-up-or-down-5m"
SERIES: dict[str, Any] = {
    "id": "10684", "ticker": SERIES_SLUG, "slug": SERIES_SLUG, "title": "BTC Up or Down 5m", "seriesType": "single",
    "recurrence": "5m", "active": True, "closed": False, "archived": False,
}  # fmt: skip
TAGS = [
    {"id": "21", "label": "Crypto", "slug": "crypto"},
    {"id": "235", "label": "Bitcoin", "slug": "bitcoin"},
    {"id": "101757", "label": "Recurring", "slug": "recurring"},
]


def answer(board: Board, now_ms: int, path: str, query: Query) -> Answer:
    """`path` without its leading slash."""
    match path.split("/"):
        case ["markets"]:
            return _page(board, now_ms, query, market)
        case ["events"]:
            return _page(board, now_ms, query, event)
        case ["markets", "keyset"]:
            return _keyset(board, now_ms, query, "markets", market)
        case ["events", "keyset"]:
            return _keyset(board, now_ms, query, "events", event)
        case ["markets", "slug", slug]:
            return _one(board, now_ms, board.by_slug.get(slug), market)
        case ["events", "slug", slug]:
            return _one(board, now_ms, board.by_slug.get(slug), event)
        case ["markets", number]:
            return _one(board, now_ms, _numbered(board, number), market)
        case ["events", number]:
            return _one(board, now_ms, _numbered(board, number), event)
        case ["series"]:
            return ok([SERIES] if query.get("slug", [SERIES_SLUG]) == [SERIES_SLUG] else [])
        case ["tags"]:
            return ok(TAGS)
        case ["public-search"]:
            return ok(
                {"events": [], "tags": None, "profiles": None, "pagination": {"hasMore": False, "totalResults": 0}}
            )
        case _:
            return NOT_FOUND


def market(board: Board, one: Market, now_ms: int) -> dict[str, Any]:
    """Arrays are strings that hold JSON, as the venue has them."""
    is_closed = board.is_closed(one, now_ms)
    row = board.row_at(one, now_ms)
    bid, ask = wire.best(board, one, one.up_token, row)
    has_both = bid != "0" and ask != "1"
    prices = (["1", "0"] if one.window.up_won else ["0", "1"]) if is_closed else ["0.5", "0.5"]
    if has_both and not is_closed:
        middle = round((float(bid) + float(ask)) / 2, 4)
        prices = [decimal_text(middle), decimal_text(wire.mirrored(middle))]
    found: dict[str, Any] = {
        "id": str(one.number),
        "question": wire.question(one),
        "conditionId": one.condition_id,
        "slug": one.slug,
        "resolutionSource": "https://data.chain.link/streams/btc-usd",
        "endDate": iso(one.end_ms),
        "startDate": iso(one.listed_ms),
        "description": "A recorded 5-minute market, replayed.",
        "outcomes": '["Up", "Down"]',
        "outcomePrices": json.dumps(prices),
        "active": True,
        "closed": is_closed,
        "archived": False,
        "questionID": one.condition_id,
        "enableOrderBook": True,
        "orderPriceMinTickSize": float(board.tick(one, row)),
        "orderMinSize": 5,
        "clobTokenIds": json.dumps(list(one.tokens)),
        "makerBaseFee": 1000,
        "takerBaseFee": 1000,
        "acceptingOrders": not is_closed,
        "negRisk": False,
        "eventStartTime": iso(one.start_ms),
        "umaResolutionStatuses": "[]",
        "automaticallyResolved": is_closed,
        "feesEnabled": True,
        "feeType": "crypto_fees_v2",
        "feeSchedule": {"rate": 0.07, "exponent": 1, "takerOnly": True, "rebateRate": 0.2},
        "cryptoMarketConfig": {"id": "1", "asset": ASSET, "duration": "5m", "twapEnabled": False},
        "lastTradePrice": float(one.window.last_price),
    }
    if has_both and not is_closed:
        found |= {"bestBid": float(bid), "bestAsk": float(ask), "spread": round(float(ask) - float(bid), 4)}
    if is_closed:
        found |= {
            "closedTime": datetime.fromtimestamp(one.closed_ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S+00"),
            "umaResolutionStatus": "resolved",
        }
    found["events"] = [_event_head(board, one, now_ms)]
    return found


def event(board: Board, one: Market, now_ms: int) -> dict[str, Any]:
    inner = market(board, one, now_ms)
    del inner["events"]
    return {**_event_head(board, one, now_ms), "markets": [inner]}


def iso(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _event_head(board: Board, one: Market, now_ms: int) -> dict[str, Any]:
    return {
        "id": str(one.number),
        "ticker": one.slug,
        "slug": one.slug,
        "title": wire.question(one),
        "startDate": iso(one.listed_ms),
        "endDate": iso(one.end_ms),
        "active": True,
        "closed": board.is_closed(one, now_ms),
        "archived": False,
        "negRisk": False,
        "enableOrderBook": True,
        "startTime": iso(one.start_ms),
        "seriesSlug": SERIES_SLUG,
        "series": [SERIES],
    }


def _one(board: Board, now_ms: int, found: Market | None, shape: Any) -> Answer:
    if found is None or found.listed_ms > now_ms:
        return NOT_FOUND
    return ok(shape(board, found, now_ms))


def _numbered(board: Board, number: str) -> Market | None:
    place = int(number) - board.markets[0].number if number.isdigit() else -1
    return board.markets[place] if 0 <= place < len(board.markets) else None


FIND: dict[str, Callable[[Board, str], Market | None]] = {
    "slug": lambda board, text: board.by_slug.get(text),
    "condition_ids": lambda board, text: board.by_condition.get(text),
    "clob_token_ids": lambda board, text: board.by_token.get(text),
    "id": _numbered,
}


def _filtered(board: Board, now_ms: int, query: Query) -> list[Market]:
    """Unknown keys are ignored, as the venue does: a typo returns everything."""
    key = next((key for key in FIND if key in query), None)
    found = (
        board.markets if key is None else [one for text in query[key] if (one := FIND[key](board, text)) is not None]
    )
    found = [one for one in found if one.listed_ms <= now_ms]
    if query.get("series_slug", [SERIES_SLUG]) != [SERIES_SLUG]:
        return []
    if "closed" in query:
        wanted = query["closed"][0] == "true"
        found = [one for one in found if board.is_closed(one, now_ms) == wanted]
    return found


def _page(board: Board, now_ms: int, query: Query, shape: Any) -> Answer:
    limit, offset = (_number(query, key, default) for key, default in (("limit", PAGE), ("offset", 0)))
    if limit is None or offset is None:
        return Answer(422, '{"type":"validation error","error":"limit and offset must be whole numbers"}')
    found = _filtered(board, now_ms, query)
    return ok([shape(board, one, now_ms) for one in found[offset : offset + limit]])


def _keyset(board: Board, now_ms: int, query: Query, name: str, shape: Any) -> Answer:
    if "offset" in query:
        return Answer(422, '{"type":"validation error","error":"offset is not supported"}')
    limit, after = _number(query, "limit", PAGE), _number(query, "after_cursor", -1)
    if limit is None or after is None:
        return Answer(422, '{"type":"validation error","error":"invalid cursor"}')
    found = [one for one in _filtered(board, now_ms, query) if one.number > after]
    page = found[: min(limit, KEYSET_MAX)]
    answered: dict[str, Any] = {name: [shape(board, one, now_ms) for one in page]}
    if len(page) < len(found):
        answered["next_cursor"] = str(page[-1].number)
    return ok(answered)


def _number(query: Query, key: str, default: int) -> int | None:
    text = query.get(key, [str(default)])[0]
    return int(text) if text.lstrip("-").isdigit() else None
