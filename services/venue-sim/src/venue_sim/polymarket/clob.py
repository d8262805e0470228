"""The CLOB's public REST: request in, status and body out. Pure; never shows anything later than the clock."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from venue_sim.info import Answer, ok
from venue_sim.polymarket import gamma, wire
from venue_sim.polymarket.board import Board, Market
from venue_sim.polymarket.sample import decimal_text

Query = Mapping[str, list[str]]
INVALID_TOKEN = Answer(400, '{"error":"Invalid token id"}')
INVALID_PAYLOAD = Answer(400, '{"error":"Invalid payload"}')
NO_BOOK = Answer(404, '{"error":"No orderbook exists for the requested token id"}')
NO_MARKET = Answer(404, '{"error":"market not found"}')
PAGE = 500
START, END = "MA==", "LTE="
LISTS = ("markets", "simplified-markets", "sampling-markets", "sampling-simplified-markets")
BOOKS_MAX = 500
SIMPLE = ("condition_id", "rewards", "tokens", "active", "closed", "archived", "accepting_orders")


def get(board: Board, now_ms: int, path: str, query: Query) -> Answer:
    """`path` without its leading slash."""
    match path.split("/"):
        case [""] | ["ok"]:
            return ok("OK")
        case ["time"]:
            return ok(now_ms // 1000)
        case ["version"]:
            return ok({"version": 2})
        case [name] if name in LISTS:
            return _list(board, now_ms, name, query.get("next_cursor", [START])[0])
        case ["markets", condition_id]:
            found = board.by_condition.get(condition_id)
            return NO_MARKET if _hidden(found, now_ms) or found is None else ok(_market(board, found, now_ms))
        case ["clob-markets", condition_id]:
            found = board.by_condition.get(condition_id)
            return NO_MARKET if _hidden(found, now_ms) or found is None else ok(_short(board, found, now_ms))
        case ["markets-by-token", token]:
            found = board.by_token.get(token)
            if found is None or _hidden(found, now_ms):
                return NO_MARKET
            names = ("primary_token_id", "secondary_token_id")
            return ok({"condition_id": found.condition_id, **dict(zip(names, found.tokens, strict=True))})
        case ["prices-history"]:
            return _history(board, now_ms, query)
        case [name] if name in SCALARS:
            return _scalar(board, now_ms, name, query)
        case _:
            return Answer(404, "404 page not found", "text/plain")


def post(board: Board, now_ms: int, path: str, body: bytes) -> Answer:
    """The same questions for several tokens at once: unknown ones are left out."""
    single = MANY.get(path)
    try:
        wanted = json.loads(body)
        tokens = [(str(one["token_id"]), str(one.get("side", "BUY"))) for one in wanted]
    except (ValueError, TypeError, KeyError, AttributeError):
        return INVALID_PAYLOAD
    if single is None or len(tokens) > BOOKS_MAX:
        return INVALID_PAYLOAD
    shown = [(token, side, one) for token, side in tokens if (one := _open(board, token, now_ms)) is not None]
    answers: list[tuple[str, str, dict[str, Any]]] = []
    for token, side, one in shown:
        answer = SCALARS[single](board, one, token, board.row_at(one, now_ms), side)
        if answer is not None:
            answers.append((token, side, answer))
    if path == "books":
        return ok([answer for _, _, answer in answers])
    if path == "last-trades-prices":
        return ok([{"token_id": token, **answer} for token, _, answer in answers])
    if path == "prices":
        prices: dict[str, dict[str, str]] = {}
        for token, side, answer in answers:
            prices.setdefault(token, {})[side] = answer["price"]
        return ok(prices)
    return ok({token: next(iter(answer.values())) for token, _, answer in answers})


def _price(board: Board, market: Market, token: str, row: int, side: str) -> dict[str, Any] | None:
    """BUY is the best bid and SELL the best ask, as the live service has it."""
    bid, ask = wire.best(board, market, token, row)
    price = bid if side == "BUY" else ask
    return None if price in ("0", "1") else {"price": price}


def _mid(board: Board, market: Market, token: str, row: int, _side: str) -> dict[str, Any] | None:
    bid, ask = wire.best(board, market, token, row)
    if bid == "0" or ask == "1":
        return None
    return {"mid": decimal_text(round((float(bid) + float(ask)) / 2, 4))}


def _spread(board: Board, market: Market, token: str, row: int, _side: str) -> dict[str, Any] | None:
    bid, ask = wire.best(board, market, token, row)
    if bid == "0" or ask == "1":
        return None
    return {"spread": decimal_text(round(float(ask) - float(bid), 4))}


def _last(board: Board, market: Market, token: str, row: int, _side: str) -> dict[str, Any] | None:
    return {"price": wire.last_price(market, token), "side": "BUY"}


Scalar = Callable[[Board, Market, str, int, str], dict[str, Any] | None]
SCALARS: dict[str, Scalar] = {
    "book": lambda board, market, token, row, side: wire.book(board, market, token, row),
    "price": _price,
    "midpoint": _mid,
    "spread": _spread,
    "last-trade-price": _last,
    "tick-size": lambda board, market, token, row, side: {"minimum_tick_size": float(board.tick(market, row))},
    "neg-risk": lambda board, market, token, row, side: {"neg_risk": False},
    "fee-rate": lambda board, market, token, row, side: {"base_fee": 1000},
}
MANY = {
    "books": "book", "midpoints": "midpoint", "prices": "price", "spreads": "spread",
    "last-trades-prices": "last-trade-price",
}  # fmt: skip


def _scalar(board: Board, now_ms: int, name: str, query: Query) -> Answer:
    token = query.get("token_id", [""])[0]
    if not token.isdigit():
        return INVALID_TOKEN
    market = _open(board, token, now_ms)
    if market is None:
        return NO_BOOK
    side = query.get("side", ["BUY"])[0]
    found = SCALARS[name](board, market, token, board.row_at(market, now_ms), side)
    return NO_BOOK if found is None else ok(found)


def _hidden(market: Market | None, now_ms: int) -> bool:
    return market is None or market.listed_ms > now_ms


def _open(board: Board, token: str, now_ms: int) -> Market | None:
    """The market of `token` while it has a book."""
    market = board.by_token.get(token)
    return None if market is None or _hidden(market, now_ms) or board.is_closed(market, now_ms) else market


def _market(board: Board, one: Market, now_ms: int) -> dict[str, Any]:
    is_closed = board.is_closed(one, now_ms)
    row = board.row_at(one, now_ms)
    bid, ask = wire.best(board, one, one.up_token, row)
    up = float(one.window.up_won) if is_closed else round((float(bid) + float(ask)) / 2, 4)
    outcomes = zip(one.tokens, ("Up", "Down"), (up, wire.mirrored(up)), strict=True)
    return {
        "enable_order_book": True,
        "active": True,
        "closed": is_closed,
        "archived": False,
        "accepting_orders": not is_closed,
        "minimum_order_size": 5,
        "minimum_tick_size": float(board.tick(one, row)),
        "condition_id": one.condition_id,
        "question_id": one.condition_id,
        "question": wire.question(one),
        "market_slug": one.slug,
        "end_date_iso": gamma.iso(one.end_ms),
        "maker_base_fee": 1000,
        "taker_base_fee": 1000,
        "neg_risk": False,
        "rewards": {"rates": None, "min_size": 0, "max_spread": 0},
        "is_50_50_outcome": False,
        "tokens": [
            {"token_id": token, "outcome": name, "price": price, "winner": is_closed and token == one.winner}
            for token, name, price in outcomes
        ],
        "tags": ["Crypto"],
    }


def _short(board: Board, one: Market, now_ms: int) -> dict[str, Any]:
    return {
        "c": one.condition_id,
        "t": [{"t": token, "o": name} for token, name in zip(one.tokens, ("Up", "Down"), strict=True)],
        "mos": 5,
        "mts": float(board.tick(one, board.row_at(one, now_ms))),
        "mbf": 1000,
        "tbf": 1000,
        "ao": not board.is_closed(one, now_ms),
        "itode": True,
        "aot": gamma.iso(one.listed_ms),
        "fd": {"r": 0.07, "e": 1, "to": True},
    }


def _simple(one: dict[str, Any]) -> dict[str, Any]:
    return {key: one[key] for key in SIMPLE}


def _list(board: Board, now_ms: int, name: str, cursor: str) -> Answer:
    try:
        first = int(base64.b64decode(cursor))
    except ValueError:
        return INVALID_PAYLOAD
    found = board.listed(now_ms)
    if name.startswith("sampling"):
        found = [one for one in found if not board.is_closed(one, now_ms)]
    page = [_market(board, one, now_ms) for one in found[first : first + PAGE]] if first >= 0 else []
    is_last = first < 0 or first + PAGE >= len(found)
    following = END if is_last else base64.b64encode(str(first + PAGE).encode()).decode()
    data = [_simple(one) for one in page] if "simplified" in name else page
    return ok({"data": data, "next_cursor": following, "limit": PAGE, "count": len(data)})


def _history(board: Board, now_ms: int, query: Query) -> Answer:
    """One point a minute of the window, the middle of the book; minutes with an empty side are left out."""
    token = query.get("market", [""])[0]
    market = board.by_token.get(token)
    if market is None or _hidden(market, now_ms):
        return ok({"history": []})
    points = []
    for time_ms in range(market.start_ms, min(now_ms, market.end_ms) + 1, 60_000):
        middle = _mid(board, market, token, board.row_at(market, time_ms), "")
        if middle is not None:
            points.append({"t": time_ms // 1000, "p": float(middle["mid"])})
    return ok({"history": points})
