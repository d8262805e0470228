"""The WebSocket of the venue: connect, subscribe, keep alive, hand over frames. No field of a message is touched."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from trading_core.errors import ConfigError, VenueUnavailable

PING_EVERY_S = 30.0
OPEN_TIMEOUT_S = 10.0
FRAME_BYTES_MAX = 4 * 1024 * 1024


class Socket:
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def subscribe(self, subscriptions: Sequence[dict[str, Any]]) -> None:
        """All of them at once; the acknowledgements come as frames."""
        for subscription in subscriptions:
            await self._send({"method": "subscribe", "subscription": subscription})

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

    async def keep_alive(self) -> None:
        """The venue cuts a socket to which it has sent nothing for 60 s; a pong counts as sending."""
        while True:
            await asyncio.sleep(PING_EVERY_S)
            await self._send({"method": "ping"})

    async def _send(self, frame: dict[str, object]) -> None:
        try:
            await self._connection.send(json.dumps(frame))
        except ConnectionClosed as error:
            raise VenueUnavailable(f"the socket was closed: {error}") from error


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[Socket]:
    """A connected socket. VenueUnavailable when it cannot be opened; ConfigError when `url` is no address."""
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
        raise ConfigError(f"exchanges.hyperliquid.ws_url is no WebSocket address: {url}") from error
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise VenueUnavailable(f"{url}: {error!r}") from error
    socket = Socket(connection)
    pinging = asyncio.create_task(socket.keep_alive())
    try:
        yield socket
    finally:
        pinging.cancel()
        with contextlib.suppress(asyncio.CancelledError, VenueUnavailable):
            await pinging
        await connection.close()
