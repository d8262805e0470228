"""A venue's WebSocket: connect, keep alive, hand over frames. No field of a message is touched."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from trading_core.errors import ConfigError, VenueUnavailable

OPEN_TIMEOUT_S = 10.0


class Socket:
    """A connected one. How a venue is subscribed to is for a subclass to say."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def frames(self) -> AsyncIterator[bytes]:
        """Until the connection ends: VenueUnavailable."""
        try:
            while True:
                yield await self._connection.recv(decode=False)
        except ConnectionClosed as error:
            raise VenueUnavailable(f"the socket was closed: {error}") from error

    async def send(self, text: str) -> None:
        try:
            await self._connection.send(text)
        except ConnectionClosed as error:
            raise VenueUnavailable(f"the socket was closed: {error}") from error

    def abort(self) -> None:
        """Ends the connection now; whoever reads frames hears of it."""
        self._connection.transport.abort()


AnySocket = TypeVar("AnySocket", bound=Socket)


@contextlib.asynccontextmanager
async def opened(
    make: Callable[[ClientConnection], AnySocket],
    url: str,
    *,
    setting: str,
    ping: str,
    ping_every_s: float,
    frame_bytes_max: int,
) -> AsyncIterator[AnySocket]:
    """A connected socket that is sent `ping`, the venue's own, so often.

    VenueUnavailable when it cannot be opened; ConfigError, naming `setting`, when `url` is no address.
    """
    try:
        connection = await connect(
            url,
            compression=None,
            open_timeout=OPEN_TIMEOUT_S,
            ping_interval=None,  # the venue's own ping does it
            close_timeout=1.0,
            max_size=frame_bytes_max,
            max_queue=256,
        )
    except InvalidURI as error:
        raise ConfigError(f"{setting} is no WebSocket address: {url}") from error
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise VenueUnavailable(f"{url}: {error!r}") from error
    socket = make(connection)
    pinging = asyncio.create_task(_keep_alive(socket, ping, ping_every_s))
    try:
        yield socket
    finally:
        pinging.cancel()
        with contextlib.suppress(asyncio.CancelledError, VenueUnavailable):
            await pinging
        await connection.close()


async def _keep_alive(socket: Socket, ping: str, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        await socket.send(ping)
