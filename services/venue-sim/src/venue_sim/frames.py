"""The text of each frame after print p. Pure."""

from __future__ import annotations

from typing import Any

from venue_sim.market import BOOK_LEVELS, FAST_LEVELS, Json, Market
from venue_sim.subscriptions import Subscription, dumps


def clock(time_ms: int, speed: float) -> str:
    return dumps({"channel": "clock", "data": {"time": time_ms, "speed": speed}})


def acknowledged(method: str, subscription: Subscription) -> str:
    return (
        '{"channel":"subscriptionResponse","data":{"method":"' + method + '","subscription":' + subscription.text + "}}"
    )


def error(text: str) -> str:
    return dumps({"channel": "error", "data": text})


def update(market: Market, subscription: Subscription, p: int, one_sided: bool = False) -> str:
    """What print p sends to a subscriber."""
    data = _data(market, subscription, p)
    return dumps(
        {"channel": subscription.channel, "data": without_a_side(subscription.channel, data) if one_sided else data}
    )


def first(market: Market, subscription: Subscription, p: int, one_sided: bool = False) -> str:
    """What a new subscriber gets after the acknowledgement: trades as a backlog, everything else as it stands."""
    if subscription.channel == "trades":
        return dumps({"channel": "trades", "data": market.backlog(subscription.coin, p)})
    return update(market, subscription, p, one_sided)


def without_a_side(channel: str, data: Json) -> Json:
    """A quote without its bid, a book without its bids, a context without a mid: the venue sends each at times."""
    match channel:
        case "bbo":
            return data | {"bbo": [None, data["bbo"][1]]}
        case "l2Book":
            return data | {"levels": [[], data["levels"][1]]}
        case "activeAssetCtx":
            return data | {"ctx": data["ctx"] | {"midPx": None}}
        case _:
            return data


def _data(market: Market, subscription: Subscription, p: int) -> Any:
    coin = subscription.coin
    match subscription.channel:
        case "trades":
            return [market.trade(coin, p)]
        case "candle":
            return market.candle(coin, subscription.interval, p)
        case "bbo":
            return market.bbo(coin, p)
        case "activeAssetCtx":
            return {"coin": coin, "ctx": market.ctx(coin, p)}
        case "l2Book":
            levels = FAST_LEVELS if subscription.fast else BOOK_LEVELS
            return market.book(coin, p, levels) | ({"fast": True} if subscription.fast else {})
        case "allMids":
            return {"mids": market.mids(p)}
        case channel:
            raise ValueError(f"{channel} has no frame of its own")
