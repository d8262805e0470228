"""Publishing with a window: many messages on their way, each sent until the stream has acknowledged it."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from nats import errors
from nats.aio.subscription import Subscription

from trading_core.bus.client import Raw
from trading_core.bus.connection import Bus, ack_of, headers_of
from trading_core.errors import MessageInvalid
from trading_core.messages import Message, encode

WINDOW = 256
ACK_TIMEOUT_S = 5.0
CHECK_S = 0.25
KEEP_S = 2.0
KEEP = 10_000
"""A stream in async persist mode acknowledges what it has only in memory: a killed server loses some of it."""


@dataclass(slots=True)
class _Sent:
    subject: str
    payload: bytes
    headers: dict[str, str]
    future: asyncio.Future[None]
    deadline: float = 0.0
    acked: float = 0.0
    in_window: bool = True


class WindowPublisher:
    """At most 256 unacknowledged messages, first sends in order, the same id on every retry.

    While the server is away nothing is written; when it is back, everything unacknowledged and what was
    acknowledged in the last two seconds is sent again in the order of the first sends, before anything
    newer. The server drops by its id what it had stored.
    """

    def __init__(self, bus: Bus, *, window: int = WINDOW) -> None:
        self._bus = bus
        self._window = asyncio.Semaphore(window)
        self._sent: dict[int, _Sent] = {}
        self._acked: deque[tuple[int, _Sent]] = deque()
        self._number = 0
        self._inbox = b""
        self._subscription: Subscription | None = None
        self._connection = -1
        self._retry: asyncio.Task[None] | None = None
        self._resend_at = 0.0

    async def send(self, subject: str, message: Message) -> asyncio.Future[None]:
        """Once `message` is in the window; the future resolves when the stream has it.

        It fails with MessageInvalid if the stream refuses the message, with ConfigError if this user may
        not send it.
        """
        return await self.send_bytes(subject, encode(message), headers_of(message, self._bus.source))

    async def send_bytes(self, subject: str, payload: bytes, headers: dict[str, str]) -> asyncio.Future[None]:
        """`send` of what is encoded already. `headers` must hold a `Nats-Msg-Id` that is its own."""
        if self._retry is None:
            self._retry = asyncio.create_task(self._keep_sending(), name="window-publisher")
        await self._window.acquire()
        loop = asyncio.get_running_loop()
        self._number += 1
        number = self._number
        sent = _Sent(subject, payload, headers, loop.create_future())
        self._sent[number] = sent
        if self._is_current():
            await self._write(number, sent)
        return sent.future

    def outstanding(self) -> list[asyncio.Future[None]]:
        """Futures of everything sent and not yet acknowledged, oldest first."""
        return [sent.future for sent in self._sent.values() if not sent.future.done()]

    async def barrier(self) -> None:
        """Returns when everything sent before this call is acknowledged; raises what a message was refused with."""
        waiting = self.outstanding()
        if waiting:
            await asyncio.wait(waiting)  # Unlike gather it leaves them alone when this call is cancelled.
        for future in waiting:
            future.result()

    async def close(self) -> None:
        """Stop retrying. What is outstanding stays unknown: wait for `barrier` before to be sure."""
        if self._retry is not None:
            self._retry.cancel()
            await asyncio.gather(self._retry, return_exceptions=True)
        if self._subscription is not None:
            await self._bus.nc.untap(self._subscription)
        for sent in self._sent.values():
            sent.future.cancel()
        self._sent.clear()
        self._acked.clear()

    def _is_current(self) -> bool:
        return self._connection == self._bus.connections and self._bus.connected.is_set()

    async def _write(self, number: int, sent: _Sent) -> None:
        sent.deadline = asyncio.get_running_loop().time() + ACK_TIMEOUT_S
        reply = f"{self._inbox.decode()}{number}"
        try:
            await self._bus.nc.publish(sent.subject, sent.payload, reply=reply, headers=sent.headers)
        except (errors.OutboundBufferLimitError, errors.ConnectionReconnectingError):
            return  # The connection was lost just now: everything is sent again on the next one.
        except errors.MaxPayloadError:
            self._settle(number, MessageInvalid(f"{sent.subject}: {len(sent.payload)} bytes exceed the server's limit"))

    async def _keep_sending(self) -> None:
        while True:
            await self._bus.wait_connected()
            if not self._is_current():
                await self._send_all_again()
            await asyncio.sleep(CHECK_S)
            await self._send_late_again()

    async def _send_all_again(self) -> None:
        connection = self._bus.connections
        if self._subscription is None:
            prefix = self._bus.nc.new_inbox()
            self._inbox = f"{prefix}.".encode()
            self._subscription = await self._bus.nc.tap(f"{prefix}.*", self)
        self._sent = dict(sorted([*self._acked, *self._sent.items()]))
        self._acked.clear()
        done = 0
        # Newer messages join the end of this queue meanwhile, so that nothing overtakes.
        while numbers := [number for number in self._sent if number > done]:
            for done in numbers:
                if self._bus.connections != connection:
                    return
                if sent := self._sent.get(done):
                    await self._write(done, sent)
        self._connection = connection

    async def _send_late_again(self) -> None:
        now = asyncio.get_running_loop().time()
        late = [number for number, sent in self._sent.items() if sent.deadline <= now]
        for number in late:
            sent = self._sent.get(number)
            if sent is None or not self._is_current():
                continue
            try:
                self._bus.raise_if_denied(sent.subject)
            except Exception as error:
                self._settle(number, error)
                continue
            await self._write(number, sent)

    def on_messages(self, run: list[Raw]) -> None:
        """Acknowledgements, positive and negative."""
        for subject, _, data in run:
            number = int(subject[len(self._inbox) :])
            sent = self._sent.get(number)
            if sent is None:
                continue
            try:
                if ack_of(data, sent.subject) is None:
                    self._again_soon(sent)
                else:
                    self._settle(number, None)
            except (MessageInvalid, ValueError) as error:
                self._settle(number, error)

    def on_status(self, subject: bytes, status: bytes) -> None:
        """No stream listens: nothing was stored."""
        sent = self._sent.get(int(subject[len(self._inbox) :]))
        if sent is not None:
            self._again_soon(sent)

    def _again_soon(self, sent: _Sent) -> None:
        sent.deadline = asyncio.get_running_loop().time() + CHECK_S

    def _settle(self, number: int, error: Exception | None) -> None:
        sent = self._sent.pop(number, None)
        if sent is None:
            return
        if sent.in_window:
            sent.in_window = False
            self._window.release()
        if error is None:
            self._keep(number, sent)
        if sent.future.done():
            return  # Its owner has cancelled it, or this is the acknowledgement of a repetition.
        if error is None:
            sent.future.set_result(None)
        else:
            sent.future.set_exception(error)

    def _keep(self, number: int, sent: _Sent) -> None:
        sent.acked = asyncio.get_running_loop().time()
        self._acked.append((number, sent))
        while len(self._acked) > KEEP or self._acked[0][1].acked < sent.acked - KEEP_S:
            self._acked.popleft()
