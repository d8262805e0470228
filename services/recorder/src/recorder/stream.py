"""One stream into Postgres: decode, write, COMMIT, and only then acknowledge."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

import structlog

from recorder import metrics
from recorder.rows import Project
from recorder.sink import POISON, STORAGE_ERRORS, Sink
from recorder.tables import Batch
from trading_core.bus.durable import Durable, DurableMessage
from trading_core.errors import MessageInvalid
from trading_core.faultpoints import faultpoint

BATCH = 500
LINGER_S = 0.25
FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 5.0


@dataclass
class Prepared:
    """What a batch of messages becomes: rows, the messages behind them, and those that cannot be stored, and why."""

    messages: list[DurableMessage]
    rows: Batch
    good: list[DurableMessage]
    bad: list[tuple[DurableMessage, str]]


class StreamRecorder:
    """Batches are committed one after the other in stream order, so what is stored is always a prefix.

    In particular no watermark is committed before everything that precedes it in its stream. While Postgres is at
    one batch the next one is read and decoded.
    """

    def __init__(self, name: str, durable: Durable, sink: Sink, project: Project) -> None:
        self.recorded = 0
        """Messages done with since the start."""
        self.failing = False
        """True while the storage refuses; the stream is the buffer meanwhile."""
        self._name = name
        self._durable = durable
        self._sink = sink
        self._project = project
        self._log = structlog.get_logger().bind(stream=name)
        self._begun_at: float | None = None
        self._waiting: list[DurableMessage] = []
        metrics.waiting_seconds.labels(name).set_function(self._waiting_s)

    @property
    def lag(self) -> int:
        return self._durable.pending

    async def run(self, stopping: Callable[[], bool]) -> None:
        """Until `stopping()`; a batch that was begun is finished first, unless the storage is away."""
        storing: asyncio.Task[bool] | None = None
        try:
            async with aclosing(self._durable.batches(max=BATCH, linger_s=LINGER_S)) as batches:
                async for messages in batches:
                    prepared = self._prepare(messages)
                    self._waiting = messages
                    if storing is not None:
                        await storing
                    metrics.lag.labels(self._name).set(self.lag)
                    if stopping():
                        return
                    self._waiting = []
                    storing = asyncio.create_task(self._store(prepared, stopping)) if messages else None
                    await asyncio.sleep(0)  # Postgres has it before the next batch is decoded
        except asyncio.CancelledError:
            if storing is not None:
                storing.cancel()
            raise
        finally:
            if storing is not None:
                await storing

    def _prepare(self, messages: list[DurableMessage]) -> Prepared:
        prepared = Prepared(messages, Batch(), [], [])
        for message in messages:
            try:
                self._project(prepared.rows, message)
                prepared.good.append(message)
            except MessageInvalid as error:
                prepared.bad.append((message, str(error)))
        return prepared

    async def _store(self, prepared: Prepared, stopping: Callable[[], bool]) -> bool:
        """False when a stop came first: nothing after it may be acknowledged, which would speak for these too."""
        try:
            if not await self._write(prepared.rows, prepared.good, stopping):
                return False
        except POISON as error:
            return await self._isolate(prepared.messages, str(error), stopping)
        for message, reason in prepared.bad:
            await self._dead_letter(message, reason)
        faultpoint("recorder.before_ack")
        await self._durable.ack(prepared.messages)
        self._count(len(prepared.messages))
        return True

    async def _write(self, batch: Batch, messages: list[DurableMessage], stopping: Callable[[], bool]) -> bool:
        """True once committed; False when a stop came first. Retries for as long as the storage is away."""
        wait_s = FIRST_WAIT_S
        self._begun_at = time.monotonic()
        while True:
            try:
                await self._sink.write(batch)
            except POISON:
                self._begun_at = None
                raise
            except STORAGE_ERRORS as error:
                self.failing = True
                metrics.storage_errors.inc()
                self._log.warning("storage_awaited", error=str(error) or type(error).__name__, messages=len(messages))
                if stopping():
                    return False
                await self._durable.in_progress([*messages, *self._waiting])
                await self._durable.refresh_pending()
                metrics.lag.labels(self._name).set(self.lag)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)
            else:
                self.failing = False
                self._begun_at = None
                if messages:
                    age_s = (time.time_ns() - messages[0].place[0]) / 1e9
                    metrics.recorded_seconds.labels(self._name).observe(max(0.0, age_s))
                return True

    def _waiting_s(self) -> float:
        begun = self._begun_at
        return 0.0 if begun is None else time.monotonic() - begun

    async def _isolate(self, messages: list[DurableMessage], reason: str, stopping: Callable[[], bool]) -> bool:
        """Halve until the row that Postgres refuses stands alone; the others are stored, in order."""
        if len(messages) == 1:
            await self._dead_letter(messages[0], reason)
            await self._durable.ack(messages)
            self._count(1)
            return True
        middle = len(messages) // 2
        for half in (messages[:middle], messages[middle:]):
            if not await self._store(self._prepare(half), stopping):
                return False
        return True

    async def _dead_letter(self, message: DurableMessage, reason: str) -> None:
        self._log.warning("message_dead_lettered", subject=message.subject, reason=reason)
        await self._durable.dead_letter(message, reason)
        metrics.dead_letters.labels(self._name).inc()

    def _count(self, messages: int) -> None:
        self.recorded += messages
        metrics.messages.labels(self._name).inc(messages)
