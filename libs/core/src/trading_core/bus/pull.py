"""The pull protocol of one JetStream consumer, driven by hand over one inbox.

Requests for more go out while messages still come in, so the server is never idle; what is asked for
is bounded by what was taken, so a slow reader slows the server down instead of filling its memory.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque

from nats import errors
from nats.aio.subscription import Subscription

from trading_core.bus.client import Raw, TappedClient

Place = tuple[int, int]
"""(ingest time ns, stream sequence). The time first: a server that lost its newest messages numbers anew."""

WINDOW = 4_000
EXPIRES_S = 30
HEARTBEAT_S = 1
SILENCE_S = 3.0

_IDLE_HEARTBEAT = 100
_ENDED = {404, 408}
_PENDING = b"Nats-Pending-Messages:"


class Pull:
    """One incarnation: when `broken` says why, open another. A reconnect breaks it too."""

    def __init__(
        self, client: TappedClient, stream: str, consumer: str, window: int = WINDOW, expires_s: int = EXPIRES_S
    ) -> None:
        self.broken: str | None = None
        self.buffer: deque[Raw] = deque()
        self._client = client
        self.subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._window = window
        self._expires_s = expires_s
        self._asked = 0
        self._heard = True
        self._silent_since = 0.0
        self._arrived = asyncio.Event()
        self._inbox = client.new_inbox()
        self._subscription: Subscription | None = None

    async def open(self) -> None:
        self._subscription = await self._client.tap(self._inbox, self)
        await self._ask()

    async def close(self) -> None:
        if self._subscription is not None:
            subscription, self._subscription = self._subscription, None
            try:
                await self._client.untap(subscription)
            except errors.Error as error:
                self.broken = str(error)

    async def take(self, limit: int, wait_s: float, linger_s: float = 0.0) -> list[Raw]:
        """Up to `limit` messages; [] after `wait_s` without one.

        With `linger_s` a batch that is not full waits that much longer for the rest of it.
        """
        await self._ask()
        if not self.buffer:
            await self._wait(wait_s)
        if linger_s and self.buffer:
            loop = asyncio.get_running_loop()
            until = loop.time() + linger_s
            while len(self.buffer) < limit and self.broken is None and (left := until - loop.time()) > 0:
                await self._wait(left)
        count = min(limit, len(self.buffer))
        pop = self.buffer.popleft
        return [pop() for _ in range(count)]

    async def _wait(self, seconds: float) -> None:
        self._arrived.clear()
        if self.broken is not None:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._arrived.wait()
        except TimeoutError:
            self._check_silence()

    async def _ask(self) -> None:
        missing = self._window - self._asked - len(self.buffer)
        if self.broken is not None or missing < self._window // 2:
            return
        body = {"batch": missing, "expires": self._expires_s * 10**9, "idle_heartbeat": HEARTBEAT_S * 10**9}
        self._asked += missing
        try:
            await self._client.publish(self.subject, json.dumps(body).encode(), reply=self._inbox)
        except errors.Error as error:
            self._break(str(error))

    def on_messages(self, run: list[Raw]) -> None:
        self._heard = True
        self.buffer.extend(run)
        self._asked -= len(run)
        self._arrived.set()

    def on_status(self, subject: bytes, status: bytes) -> None:
        """A request ended (how much of it is unanswered is in a header), a heartbeat, or trouble."""
        self._heard = True
        code = int(status[9:12])
        if code == _IDLE_HEARTBEAT:
            return
        if code in _ENDED or _PENDING in status:
            self._asked = max(0, self._asked - _unanswered(status))
            if code in _ENDED:
                self._arrived.set()
                return
        self._break(status.split(b"\r\n", 1)[0].decode(errors="replace"))

    def _check_silence(self) -> None:
        """A request that dies with its server is never answered: heartbeats tell a quiet stream from a dead one."""
        now = asyncio.get_running_loop().time()
        if self._heard or not self._silent_since:
            self._heard = False
            self._silent_since = now
        elif self._asked and now - self._silent_since > SILENCE_S:
            self._break(f"no heartbeat for {SILENCE_S} s")

    def _break(self, reason: str) -> None:
        self.broken = self.broken or reason
        self._arrived.set()


def _unanswered(status: bytes) -> int:
    _, found, rest = status.partition(_PENDING)
    return int(rest.split(b"\r\n", 1)[0]) if found else 0


def sequences(reply: bytes) -> tuple[int, int, int, int, int]:
    """(delivered, stream sequence, consumer sequence, time ns, pending) of an acknowledgement subject.

    Both forms are read: `$JS.ACK.stream.consumer.…` and the longer one with domain and account.
    """
    tokens = reply.split(b".")
    at = 4 if len(tokens) == 9 else 6
    delivered, stream, consumer, time_ns, pending = tokens[at : at + 5]
    return int(delivered), int(stream), int(consumer), int(time_ns), int(pending)


def place_of(reply: bytes) -> Place:
    """Of `sequences` the two that every reader wants: this is the inner loop of all reading."""
    tokens = reply.split(b".")
    at = 5 if len(tokens) == 9 else 7
    return int(tokens[at + 2]), int(tokens[at])


def unbroken(raw: list[Raw], first: int) -> int:
    """How many of `raw`, not empty, come before the first missing delivery; `first`: the consumer sequence expected."""
    if sequences(raw[-1][1])[2] == first + len(raw) - 1 and sequences(raw[0][1])[2] == first:
        return len(raw)  # A connection keeps order, so the ends say it all.
    for index, (_, reply, _) in enumerate(raw):
        if sequences(reply)[2] != first + index:
            return index
    return len(raw)
