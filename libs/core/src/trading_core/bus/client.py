"""The nats-py client with a direct path for the messages of hand-driven pulls.

nats-py builds an object, parses headers and goes through a queue and a task for each message. A tap
takes a message straight from the protocol parser, which is what makes bulk reads several times faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

Tap = Callable[[bytes, bytes, bytes, bytes], None]
"""Called in the read loop with (subject, reply, data, status); `status` is empty but for the server's own words."""

_ACK_PREFIX = b"$JS.ACK."
_STATUS_PREFIX = b"NATS/1.0 "


class TappedClient(Client):
    """One connection. `_process_msg` is the single private hook; a test holds it to the pinned version."""

    def __init__(self) -> None:
        super().__init__()
        self._taps: dict[int, Tap] = {}

    async def tap(self, subject: str, callback: Tap) -> Subscription:
        """Subscribe `callback`; it must not block."""
        subscription = await self.subscribe(subject, cb=_ignore)
        self._taps[subscription._id] = callback
        return subscription

    async def untap(self, subscription: Subscription) -> None:
        self._taps.pop(subscription._id, None)
        if not self.is_closed and not subscription._closed:
            await subscription.unsubscribe()

    async def publish_all(self, subjects: Iterable[bytes], payload: bytes) -> None:
        """Publish the same small payload to each subject in one write: acknowledgements in batches."""
        if not self.is_connected:
            return
        tail = b" %d\r\n%b\r\n" % (len(payload), payload)
        await self._send_command(b"".join([b"PUB %b%b" % (subject, tail) for subject in subjects]))
        await self._flush_pending()

    def forget_pending(self) -> None:
        """Drop what was written for a connection that is gone.

        Flushed to the next connection it would arrive before older messages that were lost on the wire.
        """
        self._pending = []
        self._pending_data_size = 0

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes) -> None:
        tap = self._taps.get(sid)
        if tap is None:
            await super()._process_msg(sid, subject, reply, data, headers)
        elif not data and headers and headers.startswith(_STATUS_PREFIX):
            tap(subject, reply, data, headers)
        else:
            tap(subject, reply, data, b"")


async def _ignore(_message: Msg) -> None:
    """Never called: taps are served before the subscription's own queue."""
