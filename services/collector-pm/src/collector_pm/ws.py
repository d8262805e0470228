"""How Polymarket's market socket is subscribed to and kept alive. No field of a message is touched."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager

from websockets.asyncio.client import ClientConnection

from trading_core.collect import socket

SETTING = "exchanges.polymarket.ws_url"
PING_EVERY_S = 10.0
PINGS_PER_SILENCE = 3
FRAME_BYTES_MAX = 32 * 1024 * 1024
"""The books of 500 tokens come as one frame of more than 1 MiB."""


class Socket(socket.Socket):
    def __init__(self, connection: ClientConnection) -> None:
        super().__init__(connection)
        self.tokens: set[str] = set()
        """What is subscribed."""

    async def begin(self, tokens: Iterable[str], *, has_clock: bool) -> None:
        """The first subscription; nothing is acknowledged, the books come as frames."""
        self.tokens = set(tokens)
        wanted = {"type": "market", "assets_ids": sorted(self.tokens), "custom_feature_enabled": True}
        await self.send(json.dumps(wanted | ({"clock": True} if has_clock else {})))

    async def subscribe(self, tokens: Iterable[str]) -> None:
        added = sorted(tokens)
        self.tokens.update(added)
        await self.send(json.dumps({"operation": "subscribe", "assets_ids": added, "custom_feature_enabled": True}))

    async def unsubscribe(self, tokens: Iterable[str]) -> None:
        removed = sorted(tokens)
        self.tokens.difference_update(removed)
        await self.send(json.dumps({"operation": "unsubscribe", "assets_ids": removed}))


def opened(url: str, silence_s: float) -> AbstractAsyncContextManager[Socket]:
    """A connected socket, pinged so often that a live one is heard of well within `silence_s`.

    VenueUnavailable when it cannot be opened; ConfigError when `url` is no address.
    """
    return socket.opened(
        Socket,
        url,
        setting=SETTING,
        ping="PING",  # a text of its own, not the protocol's; it is answered well within `silence_s`
        ping_every_s=min(PING_EVERY_S, silence_s / PINGS_PER_SILENCE),
        frame_bytes_max=FRAME_BYTES_MAX,
    )
