"""What a WebSocket client may ask for: frames in, meaning out. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from venue_sim.market import INTERVALS_MS

CHANNELS = ("clock", "trades", "candle", "bbo", "activeAssetCtx", "l2Book", "allMids")


@dataclass(frozen=True, order=True)
class Subscription:
    """One channel of one coin with all defaults filled in; the order is the order on the socket."""

    rank: int
    coin: str
    text: str
    """The subscription as the acknowledgement shows it."""
    interval: str = ""
    fast: bool = False

    @property
    def channel(self) -> str:
        return CHANNELS[self.rank]


class Unparsable(Exception):
    """The venue answers with an error frame and keeps the socket."""


class Fatal(Exception):
    """The venue cuts the socket without a word."""


def parse(subscription: Any, coins: tuple[str, ...]) -> Subscription:
    """The subscription with defaults filled in. Unparsable: wrong shape. Fatal: unknown coin or aggregation."""
    if not isinstance(subscription, dict) or subscription.get("type") not in CHANNELS:
        raise Unparsable
    channel = subscription["type"]
    filled: dict[str, Any] = {"type": channel}
    if channel == "clock":
        return _made(filled)
    if channel == "allMids":
        if subscription.get("dex"):
            raise Fatal
        return _made(filled)
    coin = subscription.get("coin")
    if not isinstance(coin, str):
        raise Unparsable
    filled["coin"] = coin
    if channel == "candle":
        if subscription.get("interval") not in INTERVALS_MS:
            raise Unparsable
        filled["interval"] = subscription["interval"]
    if channel == "l2Book":
        figures, mantissa = subscription.get("nSigFigs"), subscription.get("mantissa")
        if figures not in (None, 2, 3, 4, 5) or (mantissa is not None and (figures != 5 or mantissa not in (1, 2, 5))):
            raise Fatal
        filled |= {"nSigFigs": figures, "mantissa": mantissa, "fast": bool(subscription.get("fast", False))}
    if coin not in coins:
        raise Fatal
    return _made(filled)


def _made(filled: dict[str, Any]) -> Subscription:
    return Subscription(
        rank=CHANNELS.index(filled["type"]),
        coin=filled.get("coin", ""),
        text=dumps(filled),
        interval=filled.get("interval", ""),
        fast=filled.get("fast", False),
    )


def dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
