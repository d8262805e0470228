"""Publishing in an order without holes, without waiting for each acknowledgement."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nats import errors

from trading_core.bus.client import Raw
from trading_core.bus.connection import ACK_TIMEOUT_S, Bus, ack_of, headers_of
from trading_core.errors import MessageInvalid
from trading_core.messages import Message, decode, encode
from trading_core.streams import StreamSpec

UNSEEN = -1
EXPECTED = "Nats-Expected-Last-Msg-Id"
_OTHER_END = 10070
"""JetStream's error code for a stream whose last message is not the expected one."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    subject: str
    message: Message
    headers: Mapping[str, str] = field(default_factory=dict)


class ChainPublisher:
    """No message is ever stored behind a hole.

    All of a run are sent at once, each under the condition that the stream's last message is the one in front of it
    (`Nats-Expected-Last-Msg-Id`): behind one that got lost the server refuses the rest. The first of a run follows
    the last of the run before, so a server that came back without its end refuses that one too. Whatever else is
    written to the stream breaks the chain, which costs time and nothing else, so a process shares one publisher.
    """

    def __init__(self, bus: Bus, stream: StreamSpec) -> None:
        self._bus = bus
        self._stream = stream
        self._lock = asyncio.Lock()
        self._inbox = b""
        self._number = 0
        self._seen = UNSEEN
        self._end: str | None = None
        """Id of the stream's last message as of `_seen`, None without one."""
        self._subjects: dict[int, str] = {}
        """Of what has no answer yet, by number."""
        self._stored: set[int] = set()
        self._answered = asyncio.Event()
        self._first = 0
        self._refusal: MessageInvalid | None = None
        self._has_another_end = False
        self._failures = 0

    async def look(self) -> int:
        """What `publish` wants to be given. Only what is asked of the stream after this is sure to stay true.

        Waits for the server. Asks it once for each connection, and again when the stream had another end.
        """
        async with self._lock:
            while self._seen != self._bus.connections:
                connection = self._bus.connections
                found = await self._bus.last(self._stream, self._stream.subjects[0])
                self._end = None if found is None else decode(found.data).id
                self._seen = connection
            return self._seen

    def is_current(self, seen: int) -> bool:
        """False once the stream may have lost its end since `look` gave `seen`."""
        return seen == self._seen == self._bus.connections

    async def publish(self, run: Sequence[Outgoing], seen: int) -> int:
        """How many of `run`, from its first, are stored; 0 when the caller must look at the stream again.

        MessageInvalid when the stream refuses the first, ConfigError when this user may not send it.
        """
        async with self._lock:
            if not self.is_current(seen):
                return 0
            done = await self._try(run)
            if done:
                self._end = run[done - 1].message.id
                self._failures = 0
                return done
            self._seen = UNSEEN
            if self._refusal is not None:
                raise self._refusal
            self._bus.raise_if_denied(run[0].subject)
            if not self._has_another_end:
                await self._bus.pause(self._failures)
                self._failures += 1
            return 0

    async def _try(self, run: Sequence[Outgoing]) -> int:
        """Each is sent once: whatever goes wrong, it is part of a later run."""
        if not self._inbox:
            prefix = self._bus.nc.new_inbox()
            await self._bus.nc.tap(f"{prefix}.*", self)
            self._inbox = f"{prefix}.".encode()
        first = self._number + 1
        self._number += len(run)
        self._stored.clear()
        self._first, self._refusal, self._has_another_end = first, None, False
        self._subjects = {number: outgoing.subject for number, outgoing in enumerate(run, start=first)}
        self._answered.clear()
        end = self._end
        try:
            async with asyncio.timeout(ACK_TIMEOUT_S):
                for number, outgoing in enumerate(run, start=first):
                    await self._send(number, outgoing, {} if end is None else {EXPECTED: end})
                    end = outgoing.message.id
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
        except MessageInvalid as error:
            if number == self._first:
                self._has_another_end = _is_about_the_end(data)
                self._refusal = None if self._has_another_end else error
        if not self._subjects:
            self._answered.set()


def _is_about_the_end(answer: bytes | None) -> bool:
    return answer is not None and json.loads(answer)["error"].get("err_code") == _OTHER_END
