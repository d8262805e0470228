"""SIGNALS for every ledger: stored for all that decide a signal in one transaction, then acknowledged once."""

from __future__ import annotations

import time
from collections.abc import Sequence

import asyncpg

from paper_broker.broker import Broker
from paper_broker.inbox import Inbox, store
from trading_core import streams
from trading_core.bus.connection import Bus
from trading_core.bus.durable import Durable
from trading_core.faultpoints import faultpoint


class SignalReader:
    """The one reader of the durable `broker`."""

    def __init__(self, bus: Bus, db: asyncpg.Pool, brokers: Sequence[Broker]) -> None:
        self._durable = Durable(bus, streams.BROKER)
        self._db = db
        self._brokers = brokers
        self._inbox = Inbox()

    async def run(self) -> None:
        """Never ends."""
        async for delivered in self._durable.batches():
            if not delivered:
                await self._note_empty()
                continue
            batch = self._inbox.sort(delivered, min(broker.passed_ms for broker in self._brokers))
            new = await store(self._db, [(broker.writer, broker.takes) for broker in self._brokers], batch)
            if batch.signals:
                faultpoint("broker.before_ack")
            for message, reason in batch.invalid:
                await self._durable.dead_letter(message, reason)
            await self._durable.ack(batch.acknowledge)  # last: a crash before this line means a redelivery
            for broker, signals in zip(self._brokers, new, strict=True):
                broker.add(signals, batch.grids)

    async def _note_empty(self) -> None:
        """Unless somebody who is gone was given messages: they come here once his time is over."""
        waiting = any(broker.waits_for_runners for broker in self._brokers)
        if not waiting or await self._durable.unacknowledged() == self._inbox.held:
            for broker in self._brokers:
                broker.signals_empty_at = time.monotonic()
