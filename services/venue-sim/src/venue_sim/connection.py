"""One WebSocket connection: how it is sent to and ended, and when it was last heard from."""

from __future__ import annotations

import asyncio
import time

from aiohttp import web


class Connection:
    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        self.socket = socket
        self._transport = transport
        self.has_clock = False
        self.heard_s = time.monotonic()
        self._sent_s = time.monotonic()
        self._sending_s: float | None = None

    async def send(self, text: str) -> None:
        """Waits while the client does not read: the venue falls behind rather than skip an event."""
        if self.socket.closed:
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

    def stalled(self, now_s: float, limit_s: float) -> bool:
        return self._sending_s is not None and now_s - self._sending_s >= limit_s

    def cut(self) -> None:
        """The connection ends without a close frame, as at the venue."""
        if self._transport is not None:
            self._transport.abort()
