"""Publishing in an order without holes, without waiting for each acknowledgement."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nats import errors

from trading_core.bus.client import Raw
from trading_core.bus.connection import ACK_TIMEOUT_S, Bus, ack_of, headers_of
from trading_core.errors import MessageInvalid
from trading_core.messages import Message, encode


@dataclass(frozen=True, slots=True)
class Outgoing:
    subject: str
    message: Message
    headers: Mapping[str, str] = field(default_factory=dict)


class ChainPublisher:
    """No message of a run is ever stored before the one in front of it.

    All of a run are sent at once, each but the first under the condition that the stream's last message is the one
    in front of it (`Nats-Expected-Last-Msg-Id`): behind one that got lost the server refuses the rest. Whatever else
    is written to the stream breaks the chain, which costs time and nothing else, so a process shares one publisher.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._lock = asyncio.Lock()
        self._inbox = b""
        self._number = 0
        self._subjects: dict[int, str] = {}
        """Of what has no answer yet, by number."""
        self._stored: set[int] = set()
        self._answered = asyncio.Event()

    async def publish(self, run: Sequence[Outgoing]) -> int:
        """How many of `run`, from its first, are stored: at least one, tried for as long as it takes.

        MessageInvalid when the stream refuses the first, ConfigError when this user may not send it.
        """
        async with self._lock:
            done = await self._try(run)
            if done == 0:
                await self._bus.publish(run[0].subject, run[0].message, headers=run[0].headers)
                return 1
            return done

    async def _try(self, run: Sequence[Outgoing]) -> int:
        """Each is sent once: whatever goes wrong, it is part of a later run."""
        if not self._inbox:
            prefix = self._bus.nc.new_inbox()
            await self._bus.nc.tap(f"{prefix}.*", self)
            self._inbox = f"{prefix}.".encode()
        first = self._number + 1
        self._number += len(run)
        self._stored.clear()
        self._subjects = {number: outgoing.subject for number, outgoing in enumerate(run, start=first)}
        self._answered.clear()
        before: dict[str, str] = {}
        try:
            async with asyncio.timeout(ACK_TIMEOUT_S):
                for number, outgoing in enumerate(run, start=first):
                    await self._send(number, outgoing, before)
                    before = {"Nats-Expected-Last-Msg-Id": outgoing.message.id}
                await self._answered.wait()
        except (TimeoutError, errors.Error):
            pass  # how far it came is what counts
        self._subjects = {}
        return next((number for number in range(len(run)) if first + number not in self._stored), len(run))

    async def _send(self, number: int, outgoing: Outgoing, before: Mapping[str, str]) -> None:
        headers = {**headers_of(outgoing.message, self._bus.source), **outgoing.headers, **before}
        reply = f"{self._inbox.decode()}{number}"
        await self._bus.nc.publish(outgoing.subject, encode(outgoing.message), reply=reply, headers=headers)

    def on_messages(self, run: list[Raw]) -> None:
        """Acknowledgements, positive and negative."""
        for subject, _, data in run:
            self._hear(subject, data)

    def on_status(self, subject: bytes, status: bytes) -> None:
        """No stream listens: nothing was stored."""
        self._hear(subject, None)

    def _hear(self, subject: bytes, data: bytes | None) -> None:
        number = int(subject[len(self._inbox) :])
        sent_to = self._subjects.pop(number, None)
        if sent_to is None:
            return  # of an earlier run, too late
        try:
            if data is not None and ack_of(data, sent_to) is not None:
                self._stored.add(number)
        except MessageInvalid:
            pass  # refused, for instance because the one in front of it is not there
        if not self._subjects:
            self._answered.set()
