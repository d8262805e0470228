"""How Hyperliquid's WebSocket is subscribed to and kept alive. No field of a message is touched."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from trading_core.collect import socket

SETTING = "exchanges.hyperliquid.ws_url"
PING_EVERY_S = 30.0
"""The venue cuts a socket to which it has sent nothing for 60 s; a pong counts as sending."""
FRAME_BYTES_MAX = 4 * 1024 * 1024


class Socket(socket.Socket):
    async def subscribe(self, subscriptions: Sequence[dict[str, Any]]) -> None:
        """All of them at once; the acknowledgements come as frames."""
        for subscription in subscriptions:
            await self.send(json.dumps({"method": "subscribe", "subscription": subscription}))


def opened(url: str) -> AbstractAsyncContextManager[Socket]:
    """A connected socket. VenueUnavailable when it cannot be opened; ConfigError when `url` is no address."""
    return socket.opened(
        Socket,
        url,
        setting=SETTING,
        ping=json.dumps({"method": "ping"}),
        ping_every_s=PING_EVERY_S,
        frame_bytes_max=FRAME_BYTES_MAX,
    )
