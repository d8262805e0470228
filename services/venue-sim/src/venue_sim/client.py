"""A client of Hyperliquid's socket: its subscriptions, and what it is due to be sent again."""

from __future__ import annotations

import asyncio
from collections import deque

from aiohttp import web

from venue_sim.connection import Connection
from venue_sim.faults import Faults
from venue_sim.subscriptions import Subscription

CTX_EVERY_S = 0.9
FAST_BOOK_EVERY_S = 0.5
BOOK_EVERY_S = 5.4


class Client(Connection):
    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None, faults: Faults) -> None:
        super().__init__(socket, transport)
        self._faults = faults
        self._held: dict[Subscription, deque[str]] = {}
        self.ordered: list[Subscription] = []
        self.missed: set[Subscription] = set()
        """Of these the newest frame was kept back: the next one that is repeated is news to this client."""
        self._again_s: dict[Subscription, float] = {}

    def add(self, subscription: Subscription) -> bool:
        """False when it is already there."""
        if subscription in self.ordered:
            return False
        self.ordered = sorted([*self.ordered, subscription])
        self.has_clock = any(one.channel == "clock" for one in self.ordered)
        return True

    def remove(self, subscription: Subscription) -> bool:
        if subscription not in self.ordered:
            return False
        self.ordered = [one for one in self.ordered if one != subscription]
        self.has_clock = any(one.channel == "clock" for one in self.ordered)
        self._again_s.pop(subscription, None)
        return True

    async def send(self, text: str) -> None:
        if not self._faults.any("half_open"):
            await super().send(text)

    async def send_of(self, subscription: Subscription, text: str) -> None:
        held = self._held.setdefault(subscription, deque())
        going = self._faults.frames(subscription.channel, subscription.coin, text, held)
        (self.missed.discard if going else self.missed.add)(subscription)
        for frame in going:
            await self.send(frame)
        if _again_after_s(subscription) is not None:
            self._again_s[subscription] = self._sent_s

    def due_again(self, now_s: float, mids: bool) -> list[Subscription]:
        """Contexts and books that were not sent for their time, and the mids when it is their turn."""
        return [
            one
            for one in self.ordered
            if (one.channel == "allMids" and mids)
            or ((after_s := _again_after_s(one)) is not None and now_s - self._again_s.get(one, 0.0) >= after_s)
        ]

    def idle(self, now_s: float, limit_s: float) -> bool:
        return now_s - self._sent_s >= limit_s

    async def close(self, code: int) -> None:
        """With a close frame, or without one (1006)."""
        if code == 1006:
            self.cut()
        else:
            await self.socket.close(code=code)


def _again_after_s(subscription: Subscription) -> float | None:
    """Seconds after which the venue repeats what has not changed; None: never."""
    match subscription.channel:
        case "activeAssetCtx":
            return CTX_EVERY_S
        case "l2Book":
            return FAST_BOOK_EVERY_S if subscription.fast else BOOK_EVERY_S
        case _:
            return None
