"""One WebSocket connection: its subscriptions, and when it was last heard from and sent to."""

from __future__ import annotations

import asyncio
import time
from collections import deque

from aiohttp import web

from venue_sim.faults import Faults
from venue_sim.subscriptions import Subscription

CTX_EVERY_S = 0.9


class Client:
    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None, faults: Faults) -> None:
        self.socket = socket
        self._faults = faults
        self._held: dict[Subscription, deque[str]] = {}
        self._transport = transport
        self.ordered: list[Subscription] = []
        self.has_clock = False
        self.heard_s = time.monotonic()
        self._sent_s = time.monotonic()
        self._sending_s: float | None = None
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
        """Waits while the client does not read: the venue falls behind rather than skip an event."""
        if self.socket.closed or self._faults.any("half_open"):
            return
        self._sending_s = time.monotonic()
        try:
            await self.socket.send_str(text)
            self._sent_s = time.monotonic()
        except (ConnectionError, RuntimeError):
            # The reader of this connection notices the end by itself.
            self.cut()
        finally:
            self._sending_s = None

    async def send_of(self, subscription: Subscription, text: str) -> None:
        held = self._held.setdefault(subscription, deque())
        for frame in self._faults.frames(subscription.channel, subscription.coin, text, held):
            await self.send(frame)
        if subscription.channel == "activeAssetCtx":
            self._again_s[subscription] = self._sent_s

    def due_again(self, now_s: float, mids: bool) -> list[Subscription]:
        """Contexts not sent for almost a second, and the mids when it is their turn."""
        return [
            one
            for one in self.ordered
            if (one.channel == "allMids" and mids)
            or (one.channel == "activeAssetCtx" and now_s - self._again_s.get(one, 0.0) >= CTX_EVERY_S)
        ]

    def idle(self, now_s: float, limit_s: float) -> bool:
        return now_s - self._sent_s >= limit_s

    def stalled(self, now_s: float, limit_s: float) -> bool:
        return self._sending_s is not None and now_s - self._sending_s >= limit_s

    async def close(self, code: int) -> None:
        """With a close frame, or without one (1006)."""
        if code == 1006:
            self.cut()
        else:
            await self.socket.close(code=code)

    def cut(self) -> None:
        """The connection ends without a close frame, as at the venue."""
        if self._transport is not None:
            self._transport.abort()
