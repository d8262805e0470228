"""Books, changes and events as the venue writes them. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from venue_sim.polymarket.board import Board, Event, Market
from venue_sim.polymarket.sample import Level, decimal_text

Json = dict[str, Any]


def dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def mirrored(price: float) -> float:
    """The price of the other token: a bid for one is an offer of the other."""
    return round(1 - price, 4)


def sides(board: Board, market: Market, token: str, row: int) -> tuple[list[Level], list[Level]]:
    """Bids and asks of `token` after `row`, best first."""
    bids, asks = board.levels(market, row)
    if token == market.up_token:
        return bids, asks
    return [(mirrored(px), sz) for px, sz in asks], [(mirrored(px), sz) for px, sz in bids]


def book(board: Board, market: Market, token: str, row: int) -> Json:
    """A whole book: the best level is the last of each list, and the hash covers everything else."""
    bids, asks = sides(board, market, token, row)
    found: Json = {
        "market": market.condition_id,
        "asset_id": token,
        "timestamp": str(board.changed_ms(market, row)),
        "hash": "",
        "bids": [_level(*one) for one in reversed(bids)],
        "asks": [_level(*one) for one in reversed(asks)],
        "min_order_size": "5",
        "tick_size": board.tick(market, row),
        "neg_risk": False,
        "last_trade_price": last_price(market, token),
    }
    found["hash"] = hashlib.sha1(dumps(found).encode(), usedforsecurity=False).hexdigest()
    return found


def last_price(market: Market, token: str) -> str:
    """The one last trade that was recorded of each market."""
    price = market.window.last_price
    return price if token == market.up_token else decimal_text(mirrored(float(price)))


def best(board: Board, market: Market, token: str, row: int) -> tuple[str, str]:
    """Best bid and best ask; `0` and `1` where a side is empty."""
    bids, asks = sides(board, market, token, row)
    return decimal_text(bids[0][0]) if bids else "0", decimal_text(asks[0][0]) if asks else "1"


def dump(board: Board, market: Market, token: str, row: int) -> Json:
    """The book as the socket shows it to a new subscriber."""
    shown = book(board, market, token, row)
    del shown["min_order_size"], shown["neg_risk"]
    return {**shown, "event_type": "book"}


def changes(board: Board, event: Event) -> Json | None:
    """What row `event.row` changed, of both tokens at once; None when it changed no level."""
    market = event.market
    before, after = (dict(_sized(board.levels(market, row))) for row in (event.before, event.row))
    moved = [(key, after.get(key, 0.0)) for key in {**before, **after} if before.get(key) != after.get(key)]
    if not moved:
        return None
    found = []
    for token in market.tokens:
        is_up = token == market.up_token
        bid, ask = best(board, market, token, event.row)
        shown = book(board, market, token, event.row)["hash"]
        for (side, price), size in moved:
            found.append(
                {
                    "asset_id": token,
                    "price": decimal_text(price if is_up else mirrored(price)),
                    "size": decimal_text(size),
                    "side": "BUY" if (side == "bid") == is_up else "SELL",
                    "hash": shown,
                    "best_bid": bid,
                    "best_ask": ask,
                }
            )
    stamp = str(event.time_ms)
    return {"event_type": "price_change", "market": market.condition_id, "timestamp": stamp, "price_changes": found}


def best_bid_ask(board: Board, event: Event, token: str) -> Json | None:
    """None when neither side of the top has moved."""
    market = event.market
    bid, ask = best(board, market, token, event.row)
    if (bid, ask) == best(board, market, token, event.before):
        return None
    return {
        "market": market.condition_id,
        "asset_id": token,
        "best_bid": bid,
        "best_ask": ask,
        "spread": decimal_text(round(float(ask) - float(bid), 4)),
        "timestamp": str(event.time_ms),
        "event_type": "best_bid_ask",
    }


def tick_size_change(board: Board, event: Event, token: str) -> Json | None:
    old, new = (board.tick(event.market, row) for row in (event.before, event.row))
    return None if old == new else tick_size_changed(event, token, old, new)


def last_trade_price(event: Event, token: str) -> Json:
    """A trade at the one price that was recorded."""
    return {
        "event_type": "last_trade_price",
        "market": event.market.condition_id,
        "asset_id": token,
        "price": last_price(event.market, token),
        "size": "5",
        "side": "BUY",
        "fee_rate_bps": "0",
        "timestamp": str(event.time_ms),
        "transaction_hash": "0x" + hashlib.sha256(f"{token}:{event.time_ms}".encode()).hexdigest(),
    }


def tick_size_changed(event: Event, token: str, old: str, new: str) -> Json:
    return {
        "event_type": "tick_size_change",
        "market": event.market.condition_id,
        "asset_id": token,
        "old_tick_size": old,
        "new_tick_size": new,
        "timestamp": str(event.time_ms),
    }


def new_market(event: Event) -> Json:
    market = event.market
    return {
        "event_type": "new_market",
        "id": str(market.number),
        "question": question(market),
        "market": market.condition_id,
        "slug": market.slug,
        "assets_ids": list(market.tokens),
        "outcomes": ["Up", "Down"],
        "timestamp": str(event.time_ms),
        "tags": [],
    }


def market_resolved(event: Event) -> Json:
    market = event.market
    return {
        "event_type": "market_resolved",
        "id": str(market.number),
        "market": market.condition_id,
        "assets_ids": list(market.tokens),
        "winning_asset_id": market.winner,
        "winning_outcome": "Up" if market.window.up_won else "Down",
        "timestamp": str(event.time_ms),
        "tags": [],
    }


def clock(time_ms: int, speed: float) -> str:
    return dumps({"event_type": "clock", "timestamp": str(time_ms), "speed": speed})


def question(market: Market) -> str:
    return f"Bitcoin Up or Down - 5 minutes from {market.start_ms // 1000}"


def _level(price: float, size: float) -> Json:
    return {"price": decimal_text(price), "size": decimal_text(size)}


def _sized(levels: tuple[list[Level], list[Level]]) -> list[tuple[tuple[str, float], float]]:
    bids, asks = levels
    return [(("bid", px), sz) for px, sz in bids] + [(("ask", px), sz) for px, sz in asks]
