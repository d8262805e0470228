"""The nats-py client with a direct path for the messages of hand-driven pulls.

nats-py matches regular expressions, builds an object and goes through a queue and a task for each message.
A tap takes a message straight from the bytes that were read: bulk reads are several times faster.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Protocol

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import ProtocolError
from nats.protocol.parser import Parser

Raw = tuple[bytes, bytes, bytes]
"""Subject, reply subject and data of one message."""


class Tap(Protocol):
    """Called in the read loop: must neither block nor raise."""

    def on_messages(self, run: list[Raw]) -> None:
        """Messages that came in one read, in order."""

    def on_status(self, subject: bytes, status: bytes) -> None:
        """The server's own words to `subject`: a status line with headers."""


_END = b"\r\n"
_STATUS = b"NATS/1.0 "


class TapParser(Parser):
    """Cuts the byte stream into messages; whatever is no message is a line for nats-py's own parser."""

    def __init__(self, client: TappedClient) -> None:
        super().__init__(client)
        self._client = client

    def reset(self) -> None:
        super().reset()
        self._rest = b""

    async def parse(self, data: bytes = b"") -> None:
        if self._rest:
            data = self._rest + data
        try:
            self._rest = await self._messages(data)
        except (ValueError, IndexError) as error:
            raise ProtocolError(f"nats: malformed message: {error}") from error

    async def _messages(self, data: bytes) -> bytes:
        """Hands over every whole message; the bytes that are left."""
        taps = self._client.taps
        run: list[Raw] = []
        run_tap: Tap | None = None
        start, size = 0, len(data)
        while (line := data.find(_END, start)) >= 0:
            head = data[start:line].split()
            if head and head[0] == b"HMSG":
                sid, header_size = head[2], int(head[-2])
            elif head and head[0] == b"MSG":
                sid, header_size = head[2], 0
            else:
                _deliver(run, run_tap)
                await super().parse(data[start : line + 2])
                start = line + 2
                continue
            body = line + 2
            end = body + int(head[-1])
            if end + 2 > size:
                break
            start = end + 2
            content = body + header_size
            reply = head[3] if len(head) == (6 if header_size else 5) else b""
            tap = taps.get(sid)
            if tap is None or (content == end and data.startswith(_STATUS, body)):
                _deliver(run, run_tap)
                if tap is not None:
                    tap.on_status(head[1], data[body:end])
                else:
                    headers = data[body:content]
                    await self._client._process_msg(int(sid), head[1], reply, data[content:end], headers)
                continue
            if tap is not run_tap:
                _deliver(run, run_tap)
                run_tap = tap
            run.append((head[1], reply, data[content:end]))
        _deliver(run, run_tap)
        return data[start:]


def _deliver(run: list[Raw], tap: Tap | None) -> None:
    """Hand over what was collected; `run` is empty afterwards."""
    if tap is not None and run:
        tap.on_messages(run.copy())
        run.clear()


class TappedClient(Client):
    """One connection. Its private hooks into nats-py are held to the pinned version by tests."""

    def __init__(self) -> None:
        super().__init__()
        self.taps: dict[bytes, Tap] = {}
        self._ps = TapParser(self)

    async def tap(self, subject: str, tap: Tap) -> Subscription:
        """Subscribe `tap` to `subject`."""
        subscription = await self.subscribe(subject, cb=_ignore)
        self.taps[b"%d" % subscription._id] = tap
        return subscription

    async def untap(self, subscription: Subscription) -> None:
        self.taps.pop(b"%d" % subscription._id, None)
        if not self.is_closed and not subscription._closed:
            await subscription.unsubscribe()

    async def publish_all(self, subjects: Iterable[bytes], payload: bytes) -> None:
        """Publish the same small payload to each subject in one write: acknowledgements in batches."""
        if not self.is_connected:
            return
        tail = b" %d\r\n%b\r\n" % (len(payload), payload)
        await self._send_command(b"".join([b"PUB %b%b" % (subject, tail) for subject in subjects]))
        await self._flush_pending()

    async def _flush_pending(self, force_flush: bool = False) -> Any:
        """As nats-py does it, but a connection that was lost a moment ago begins a new one instead of raising.

        A server killed twice in a row can leave nats-py's state at CONNECTED with its transport closed and its flusher
        ended: then whoever published got what the transport said, which of uvloop is a RuntimeError.
        """
        try:
            return await super()._flush_pending(force_flush)
        except (OSError, RuntimeError) as error:
            await self._process_op_err(error)
            nothing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            nothing.set_result(None)
            return nothing

    async def _attempt_reconnect(self) -> None:
        """Again after the same RuntimeError, of which nats-py's reconnection would end for ever."""
        while True:
            try:
                return await super()._attempt_reconnect()
            except RuntimeError as error:
                await self._error_cb(error)

    def forget_pending(self) -> None:
        """Drop what was written for a connection that is gone.

        Flushed to the next connection it would arrive before older messages that were lost on the wire.
        """
        self._pending = []
        self._pending_data_size = 0


async def _ignore(_message: Msg) -> None:
    """Never called: taps are served before the subscription's own queue."""
