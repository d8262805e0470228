"""Broker, recorder, nats-server and PostgreSQL of a test's own, killed at random moments under load; and the judge."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import asyncpg
from a_run import Hour, publish_by

from trading_core import messages, streams
from trading_core.__main__ import main
from trading_core.bus.connection import Bus
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.bus.publisher import WindowPublisher
from trading_core.db.times import utc
from trading_core.testing import eventually


class Victim(Protocol):
    def kill(self) -> None: ...
    def start(self) -> None: ...


@dataclass
class Storm:
    """Publishes `hour` a minute each `period_s`, every signal twice, and kills one of `victims` after the other."""

    bus: Bus
    hour: Hour
    victims: dict[str, Victim]
    period_s: float
    pause_s: tuple[float, float]
    seed: int
    kills: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.publisher = WindowPublisher(self.bus)

    async def run(self) -> None:
        publishing = asyncio.create_task(self._publish())
        chance = random.Random(self.seed)
        order: list[str] = []
        while not publishing.done():
            await asyncio.wait({publishing}, timeout=chance.uniform(*self.pause_s))  # a random moment: that is the test
            if not order:
                order = chance.sample(sorted(self.victims), len(self.victims))
            name = order.pop()
            await asyncio.to_thread(self.victims[name].kill)
            await asyncio.to_thread(self.victims[name].start)
            self.kills[name] += 1
        await publishing

    async def _publish(self) -> None:
        began = time.monotonic()
        for minute in range(1, self.hour.minutes + 1):
            await asyncio.sleep(max(0.0, began + minute * self.period_s - time.monotonic()))
            await publish_by(self.publisher, self.hour, range(minute, minute + 1))
            ts = self.hour.grids[minute * 3 - 1].ts
            await self._again([signal.id for signal in self.hour.signals if signal.ts == ts])

    async def _again(self, ids: Sequence[str]) -> None:
        """With another message id: what a second runner does once the dedupe window is over."""
        for signal in self.hour.signals:
            if signal.id in ids and signal.direction != "PASS":
                subject = streams.signal_subject(signal.strategy, signal.exchange, signal.asset)
                await self.bus.publish(subject, signal, headers={"Nats-Msg-Id": f"{signal.id}:again"})


async def judge(bus: Bus, database_url: str, hour: Hour, report: Path) -> dict[str, int]:
    """Once everything is recorded: one decision a signal, equal sets of fills, every identity, a clean audit."""
    db = await asyncpg.connect(database_url)
    try:
        await _settled(db, hour.grids[-1].ts)
        tradable = {signal.id for signal in hour.signals if signal.direction != "PASS"}
        decided = [row[0] for row in await db.fetch("SELECT signal_event_id FROM trading_paper.decisions")]
        assert len(decided) == len(set(decided))
        assert set(decided) == tradable
        ledger = {row[0] for row in await db.fetch("SELECT event_id FROM trading_paper.fills")}
        copy = {row[0] for row in await db.fetch("SELECT event_id FROM trading_ops.exec_events WHERE kind = 'fill'")}
        assert ledger == copy == await _fills_on_exec(bus)
        unsent = "SELECT count(*) = 0 FROM trading_paper.outbox WHERE sent_at IS NULL"
        await eventually(lambda: db.fetchval(unsent))
        assert [dict(row) for row in await db.fetch("SELECT * FROM trading_paper.identity_violations")] == []
        skips = await db.fetchval("SELECT count(*) FROM trading_paper.skips")
    finally:
        await db.close()
    code = await asyncio.to_thread(main, ["audit", "--json", str(report)])
    found = json.loads(await asyncio.to_thread(report.read_text))
    assert (code, found["differences"]) == (0, [])
    return {"signals": len(tradable), "fills": len(ledger), "skips": skips, **found["compared"]}


async def _fills_on_exec(bus: Bus) -> set[str]:
    """Message ids, each of which the stream must hold once."""
    found: list[str] = []
    reader = OrderedPull(bus, streams.EXEC, ["exec.fill.>"], Start.all())
    async for batch in reader.batches():
        found += [messages.decode(delivered.data).id for delivered in batch]
        if not batch or reader.caught_up:
            break
    await reader.close()
    assert len(found) == len(set(found))
    return set(found)


async def _settled(db: asyncpg.Connection, ts: int) -> None:
    """Returns once all is recorded, however slow the machine is; fails when nothing has moved for a minute."""
    newest = "SELECT count(*) FROM trading_ops.exec_events"
    while not await _recorded(db, ts):
        before = await db.fetchval(newest)

        async def moved(before: int = before) -> bool:
            return await db.fetchval(newest) > before or await _recorded(db, ts)

        await eventually(moved, timeout=60)


async def _recorded(db: asyncpg.Connection, ts: int) -> bool:
    valued = await db.fetchval("SELECT max(ts) FROM trading_ops.exec_events WHERE kind = 'equity'")
    grids = await db.fetchval("SELECT count(*) FROM trading_ops.grids WHERE eval_ms = $1", ts)
    marks = await db.fetchval("SELECT count(DISTINCT stream) FROM trading_ops.watermarks WHERE watermark_ms >= $1", ts)
    return bool(valued == utc(ts) and grids == 3 and marks == 2)
