"""Publishing with a window: many messages on their way, each sent until the stream has acknowledged it."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from dataclasses import dataclass

from nats import errors
from nats.aio.subscription import Subscription

from trading_core.bus.connection import Bus, ack_of, headers_of
from trading_core.errors import MessageInvalid
from trading_core.messages import Message, encode

WINDOW = 256
ACK_TIMEOUT_S = 5.0
CHECK_S = 0.25


@dataclass(slots=True)
class _Sent:
    subject: str
    payload: bytes
    headers: dict[str, str]
    future: asyncio.Future[None]
    deadline: float = 0.0


class WindowPublisher:
    """At most 256 unacknowledged messages, first sends in order, the same id on every retry.

    While the server is away nothing is written; when it is back, everything unacknowledged is sent again
    in the order of the first sends, before anything newer. What had been stored is dropped by its id.
    """

    def __init__(self, bus: Bus, *, window: int = WINDOW) -> None:
        self._bus = bus
        self._window = asyncio.Semaphore(window)
        self._sent: OrderedDict[int, _Sent] = OrderedDict()
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
        if self._retry is None:
            self._retry = asyncio.create_task(self._keep_sending(), name="window-publisher")
        await self._window.acquire()
        loop = asyncio.get_running_loop()
        self._number += 1
        number = self._number
        sent = _Sent(subject, encode(message), headers_of(message, self._bus.source), loop.create_future())
        self._sent[number] = sent
        if self._is_current():
            await self._write(number, sent)
        return sent.future

    def outstanding(self) -> list[asyncio.Future[None]]:
        """Futures of everything sent and not yet acknowledged, oldest first."""
        return [sent.future for sent in self._sent.values()]

    async def barrier(self) -> None:
        """Returns when everything sent before this call is acknowledged; raises what a message was refused with."""
        waiting = self.outstanding()
        if waiting:
            await asyncio.gather(*waiting)

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
            await self._bus.connected.wait()
            if not self._is_current():
                await self._send_all_again()
            await asyncio.sleep(CHECK_S)
            await self._send_late_again()

    async def _send_all_again(self) -> None:
        connection = self._bus.connections
        if self._subscription is None:
            prefix = self._bus.nc.new_inbox()
            self._inbox = f"{prefix}.".encode()
            self._subscription = await self._bus.nc.tap(f"{prefix}.*", self._on_ack)
        done = 0
        # Newer messages join the end of this queue meanwhile, so that nothing overtakes.
        while self._bus.connections == connection:
            number = next((number for number in self._sent if number > done), None)
            if number is None:
                self._connection = connection
                return
            done = number
            await self._write(number, self._sent[number])

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

    def _on_ack(self, subject: bytes, reply: bytes, data: bytes, status: bytes) -> None:
        number = int(subject[len(self._inbox) :])
        sent = self._sent.get(number)
        if sent is None:
            return
        try:
            if not status and ack_of(data, sent.subject) is not None:
                self._settle(number, None)
            else:
                # No stream listens, or it cannot store just now.
                sent.deadline = asyncio.get_running_loop().time() + CHECK_S
        except (MessageInvalid, json.JSONDecodeError) as error:
            self._settle(number, error)

    def _settle(self, number: int, error: Exception | None) -> None:
        sent = self._sent.pop(number, None)
        if sent is None:
            return
        self._window.release()
        if sent.future.done():
            return
        if error is None:
            sent.future.set_result(None)
        else:
            sent.future.set_exception(error)
