"""The market socket: connect, subscribe, keep alive, hand over frames. No field of a message is touched."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterable

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from trading_core.errors import ConfigError, VenueUnavailable

PING_EVERY_S = 10.0
PINGS_PER_SILENCE = 3
OPEN_TIMEOUT_S = 10.0
FRAME_BYTES_MAX = 32 * 1024 * 1024
"""The books of 500 tokens come as one frame of more than 1 MiB."""


class Socket:
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.tokens: set[str] = set()
        """What is subscribed."""

    async def begin(self, tokens: Iterable[str], *, has_clock: bool) -> None:
        """The first subscription; nothing is acknowledged, the books come as frames."""
        self.tokens = set(tokens)
        wanted = {"type": "market", "assets_ids": sorted(self.tokens), "custom_feature_enabled": True}
        await self._send(json.dumps(wanted | ({"clock": True} if has_clock else {})))

    async def subscribe(self, tokens: Iterable[str]) -> None:
        added = sorted(tokens)
        self.tokens.update(added)
        await self._send(json.dumps({"operation": "subscribe", "assets_ids": added, "custom_feature_enabled": True}))

    async def unsubscribe(self, tokens: Iterable[str]) -> None:
        removed = sorted(tokens)
        self.tokens.difference_update(removed)
        await self._send(json.dumps({"operation": "unsubscribe", "assets_ids": removed}))

    async def frames(self) -> AsyncIterator[bytes]:
        """Until the connection ends: VenueUnavailable."""
        try:
            while True:
                yield await self._connection.recv(decode=False)
        except ConnectionClosed as error:
            raise VenueUnavailable(f"the socket was closed: {error}") from error

    def abort(self) -> None:
        """Ends the connection now; whoever reads frames hears of it."""
        self._connection.transport.abort()

    async def keep_alive(self, silence_s: float) -> None:
        """The venue wants a text of its own, not the protocol's ping; its answers come well within `silence_s`."""
        while True:
            await asyncio.sleep(min(PING_EVERY_S, silence_s / PINGS_PER_SILENCE))
            await self._send("PING")

    async def _send(self, text: str) -> None:
        try:
            await self._connection.send(text)
        except ConnectionClosed as error:
            raise VenueUnavailable(f"the socket was closed: {error}") from error


@contextlib.asynccontextmanager
async def opened(url: str, silence_s: float) -> AsyncIterator[Socket]:
    """A connected socket, pinged so often that a live one is heard of well within `silence_s`.

    VenueUnavailable when it cannot be opened; ConfigError when `url` is no address.
    """
    try:
        connection = await connect(
            url,
            compression=None,
            open_timeout=OPEN_TIMEOUT_S,
            ping_interval=None,  # the venue's own ping does it
            close_timeout=1.0,
            max_size=FRAME_BYTES_MAX,
            max_queue=256,
        )
    except InvalidURI as error:
        raise ConfigError(f"exchanges.polymarket.ws_url is no WebSocket address: {url}") from error
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise VenueUnavailable(f"{url}: {error!r}") from error
    socket = Socket(connection)
    pinging = asyncio.create_task(socket.keep_alive(silence_s))
    try:
        yield socket
    finally:
        pinging.cancel()
        with contextlib.suppress(asyncio.CancelledError, VenueUnavailable):
            await pinging
        await connection.close()
