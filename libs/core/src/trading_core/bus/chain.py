"""Publishing in an order without holes, without waiting for each acknowledgement."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from trading_core.bus.connection import ACK_TIMEOUT_S, Bus, ack_of, headers_of
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

    async def publish(self, run: Sequence[Outgoing]) -> int:
        """How many of `run`, from its first, are stored: at least one, tried for as long as it takes.

        MessageInvalid when the stream refuses the first, ConfigError when this user may not send it.
        """
        first = run[0]
        async with self._lock:
            sent = [asyncio.ensure_future(self._bus.publish(first.subject, first.message, headers=first.headers))]
            sent += [asyncio.ensure_future(self._after(before, outgoing)) for before, outgoing in pairwise(run)]
            try:
                await asyncio.wait(sent)
            finally:
                for task in sent:
                    task.cancel()
        sent[0].result()
        return next((number for number, task in enumerate(sent) if not _stored(task)), len(sent))

    async def _after(self, before: Outgoing, outgoing: Outgoing) -> int:
        """Sent once: whatever goes wrong, it is the first of a later run."""
        headers = {
            **headers_of(outgoing.message, self._bus.source),
            **outgoing.headers,
            "Nats-Expected-Last-Msg-Id": before.message.id,
        }
        payload = encode(outgoing.message)
        reply = await self._bus.nc.request(outgoing.subject, payload, timeout=ACK_TIMEOUT_S, headers=headers)
        answer = ack_of(reply.data, outgoing.subject)
        if answer is None:
            raise TimeoutError
        return answer


def _stored(task: asyncio.Future[int]) -> bool:
    return not task.cancelled() and task.exception() is None
