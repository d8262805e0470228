"""A provisioned durable, read in stream order, acknowledged by hand, by one process at a time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Any

import structlog
from nats import errors

from trading_core.bus.client import Raw
from trading_core.bus.connection import Bus
from trading_core.bus.ordered import IDLE_S, LOG_EVERY, REQUEST_TIMEOUT_S
from trading_core.bus.pull import Place, Pull, place_of, sequences, unbroken
from trading_core.ids import h8
from trading_core.messages import DeadLetterMessage
from trading_core.streams import DurableSpec, dlq_subject

PAYLOAD_LIMIT = 64 * 1024
REASON_LIMIT = 1_000
ESCAPED_LIMIT = 128 * 1024
RESET_S = 1.0
EXPIRES_S = 5
"""The requests of a reader that was stopped go on taking messages for so long; his successor gets them after that."""
ACK, IN_PROGRESS = b"+ACK", b"+WPI"
_log = structlog.get_logger("trading_core.bus")


class DurableMessage:
    """One delivery. `reply` is where its acknowledgement goes; it also says where in the stream the message stands.

    Read only when asked for: whoever needs the bytes alone is not to pay for the rest of a hundred thousand messages.
    """

    __slots__ = ("_subject", "binding", "data", "reply")

    def __init__(self, raw: Raw, binding: int = 0) -> None:
        self._subject, self.reply, self.data = raw
        self.binding = binding

    @property
    def subject(self) -> str:
        return self._subject.decode()

    @property
    def place(self) -> Place:
        return place_of(self.reply)

    @property
    def redelivered(self) -> bool:
        """A hint only."""
        return sequences(self.reply)[0] > 1


class Durable:
    """Everything after the last acknowledged message, in order, at least once.

    When it binds, and after each lost connection, the consumer is reset to its ack floor: what a crash
    left unacknowledged comes again at once and before anything newer, not after `ack_wait` among newer
    messages. Hence one reader per durable.
    """

    def __init__(self, bus: Bus, spec: DurableSpec) -> None:
        self.pending = 0
        """The lag: messages in the stream after the last one that was yielded."""
        self.resets = 0
        self._bus = bus
        self._spec = spec
        self._pull: Pull | None = None
        self._connection = -1
        self._next = 1
        self._reset_after = 0.0
        self._binding = 0
        """Counts resets from before they are asked for: a delivery of an earlier one is not acknowledged any more."""
        self._acknowledges_all_before = False
        self._acknowledged = 0
        """Stream sequence of the newest acknowledgement of this binding, where one stands for all before it."""

    async def batches(
        self, max: int = 500, wait_s: float = 0.25, linger_s: float = 0.0
    ) -> AsyncGenerator[list[DurableMessage], None]:
        """Never ends. What is there at once, up to `max`; [] after `wait_s` without a message.

        With `linger_s` a batch that is not full waits that long for more: fewer, larger transactions.
        Acknowledge a batch before asking for the next one, or keep it alive with `in_progress`.
        """
        attempt = 0
        try:
            while True:
                if self._pull is None:
                    reason = await self._open()
                    if reason is not None:
                        if attempt % LOG_EVERY == 0:
                            _log.warning("durable_waiting", stream=self._spec.stream.name, reason=reason)
                        attempt += 1
                        yield []
                        continue
                    attempt = 0
                yield await self._read(max, wait_s, linger_s)
        finally:
            await self.close()

    async def ack(self, messages: Sequence[DurableMessage]) -> None:
        """Done, never send again. A lost acknowledgement only means that the message comes once more.

        With `acknowledges_all_before` the last of `messages`, which were delivered together, stands for all, and for
        whatever came before them. The server compares its delivery number, which begins anew with each reset: of an
        earlier binding it would seem to lie ahead, and what is acknowledged after it would not count.
        """
        if not self._acknowledges_all_before:
            await self._bus.nc.publish_all([message.reply for message in messages], ACK)
        elif messages and messages[-1].binding == self._binding:
            self._acknowledged = sequences(messages[-1].reply)[1]
            await self._bus.nc.publish_all([messages[-1].reply], ACK)

    async def in_progress(self, messages: Iterable[DurableMessage]) -> None:
        """Still at it: restarts `ack_wait` for these and for what is buffered."""
        await self._bus.nc.publish_all([message.reply for message in messages], IN_PROGRESS)
        if self._pull is not None:
            await self._bus.nc.publish_all([reply for _, reply, _ in list(self._pull.buffer)], IN_PROGRESS)

    async def refresh_pending(self) -> None:
        """Asks the server for the lag while nothing is read; `pending` stays as it is when no answer comes."""
        info = await self._info()
        if info is not None:
            self.pending = int(info["num_pending"]) + int(info["num_ack_pending"])

    async def unacknowledged(self) -> int | None:
        """How many messages somebody has been given and not acknowledged, this reader or another; None: no answer."""
        info = await self._info()
        return None if info is None else int(info["num_ack_pending"])

    async def _info(self) -> dict[str, Any] | None:
        subject = f"$JS.API.CONSUMER.INFO.{self._spec.stream.name}.{self._spec.name}"
        try:
            reply = await self._bus.nc.request(subject, b"", timeout=IDLE_S)
        except errors.Error:
            return None
        info: dict[str, Any] = json.loads(reply.data)
        return None if "error" in info else info

    async def dead_letter(self, message: DurableMessage, reason: str) -> None:
        """Keep an unusable message with its reason in the dead-letter stream. Acknowledge it after that."""
        text = message.data[:PAYLOAD_LIMIT].decode(errors="replace")
        ingest_time_ns, _ = message.place
        letter = DeadLetterMessage(
            id=f"dl:{message.subject}:{h8([text, ingest_time_ns])}",
            source=message.subject,
            reason=reason[:REASON_LIMIT],
            payload=_cut(text),
            received_time_ms=ingest_time_ns // 1_000_000,
        )
        await self._bus.publish(dlq_subject(self._spec.stream, self._spec.name), letter)

    async def close(self) -> None:
        pull, self._pull = self._pull, None
        if pull is not None:
            await pull.close()

    async def _open(self) -> str | None:
        if not await self._bus.wait_connected(IDLE_S):
            return "not connected"
        loop = asyncio.get_running_loop()
        if loop.time() < self._reset_after:
            # Two readers of one durable would otherwise reset it under each other without a pause.
            await asyncio.sleep(IDLE_S)
            return "reset a moment ago"
        self._reset_after = loop.time() + RESET_S
        self._connection = self._bus.connections
        stream, name = self._spec.stream.name, self._spec.name
        self._binding += 1
        subject = f"$JS.API.CONSUMER.RESET.{stream}.{name}"
        try:
            reply = await self._bus.nc.request(subject, b"", timeout=REQUEST_TIMEOUT_S)
        except errors.Error as error:
            self._bus.raise_if_denied(subject)
            await asyncio.sleep(IDLE_S)
            return str(error)
        answer = json.loads(reply.data)
        if "error" in answer:
            await asyncio.sleep(IDLE_S)
            return str(answer["error"].get("description"))
        self.pending = int(answer["num_pending"])
        self._acknowledges_all_before = answer["config"]["ack_policy"] == "all"
        self._acknowledged = 0
        self._next = 1
        self.resets += 1
        self._pull = Pull(self._bus.nc, stream, name, expires_s=EXPIRES_S)
        await self._pull.open()
        return None

    async def _read(self, limit: int, wait_s: float, linger_s: float) -> list[DurableMessage]:
        pull = self._pull
        assert pull is not None
        batch = self._decode(await pull.take(limit, wait_s, linger_s))
        if pull.broken is not None or self._connection != self._bus.connections:
            _log.info("durable_rebound", stream=self._spec.stream.name, reason=pull.broken or "connection lost")
            await self.close()
            self._bus.raise_if_denied(pull.subject)
        return batch

    def _decode(self, raw: list[Raw]) -> list[DurableMessage]:
        if not raw:
            return []
        good = unbroken(raw, self._next)
        if good < len(raw):
            assert self._pull is not None
            self._pull.broken = "a consumer sequence is missing"
            raw = raw[:good]
            if not raw:
                return []
        if sequences(raw[0][1])[1] <= self._acknowledged:  # another reader, who woke up, has acknowledged as of before
            assert self._pull is not None
            self._pull.broken = "what was acknowledged comes again"
            return []
        self._next += good
        self.pending = sequences(raw[-1][1])[4]
        return [DurableMessage(one, self._binding) for one in raw]


def _cut(text: str) -> str:
    """`text` so short that the letter fits the server's limit however much JSON has to escape in it."""
    while len(json.dumps(text, ensure_ascii=False).encode()) > ESCAPED_LIMIT:
        text = text[: len(text) // 2]
    return text
