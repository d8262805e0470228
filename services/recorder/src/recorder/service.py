"""Wiring: one recorder per stream, each with its own durable and its own transactions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import asyncpg

from recorder import rows
from recorder.rows import Project
from recorder.sink import STORAGE_ERRORS, Sink
from recorder.stream import FIRST_WAIT_S, LONGEST_WAIT_S, StreamRecorder
from recorder.visibility import Visibility
from trading_core import streams
from trading_core.bus.durable import Durable
from trading_core.db.pool import connect_pool
from trading_core.runtime import Runtime
from trading_core.streams import DurableSpec

REPORT_S = 1.0
FINISH_S = 2.5
PROJECTIONS: Mapping[str, Project] = {
    streams.SIGNALS.name: rows.signals,
    streams.EXEC.name: rows.executions,
    streams.OPS.name: rows.operations,
    streams.HEALTH.name: rows.heartbeats,
    streams.DLQ.name: rows.dead_letters,
}


async def start(runtime: Runtime) -> None:
    """Records until the stop: then batches in hand are committed and acknowledged, as far as that is possible."""
    pool = await runtime.until_stop(connect_pool(runtime.settings.database.url, role_name="recorder"))
    if pool is None:
        return
    recorders: dict[str, StreamRecorder] = {}
    tasks = [asyncio.create_task(_record(runtime, pool, spec, recorders)) for spec in streams.RECORDER]
    report = asyncio.create_task(_report(runtime, recorders))
    stopped = asyncio.create_task(_until(runtime.stop))
    try:
        # A recorder ends by itself only when something is wrong that no retry mends.
        await asyncio.wait({*tasks, stopped}, return_when=asyncio.FIRST_COMPLETED)
        runtime.stop.set()
        await asyncio.wait(tasks, timeout=FINISH_S)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        everything = [*tasks, report, stopped]
        for task in everything:
            task.cancel()
        await asyncio.gather(*everything, return_exceptions=True)
        pool.terminate()


async def _record(
    runtime: Runtime, pool: asyncpg.Pool, spec: DurableSpec, recorders: dict[str, StreamRecorder]
) -> None:
    name = spec.stream.name
    sink = Sink(pool)
    project = PROJECTIONS.get(name) or rows.market(Visibility(await _decided(sink, name)))
    recorder = StreamRecorder(name, Durable(runtime.bus, spec), sink, project)
    recorders[name] = recorder
    await recorder.run(runtime.stop.is_set)


async def _until(event: asyncio.Event) -> None:
    await event.wait()


async def _decided(sink: Sink, stream: str) -> dict[str, int]:
    wait_s = FIRST_WAIT_S
    while True:
        try:
            return await sink.decided(stream)
        except STORAGE_ERRORS:
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)


async def _report(runtime: Runtime, recorders: Mapping[str, StreamRecorder]) -> None:
    """What the heartbeat says: messages recorded and lag of each stream; degraded while Postgres is away."""
    while True:
        failing = any(recorder.failing for recorder in recorders.values())
        runtime.health.status = "degraded" if failing else "ok"
        runtime.health.detail = {
            "recorded": {name: recorder.recorded for name, recorder in recorders.items()},
            "lag": {name: recorder.lag for name, recorder in recorders.items()},
        }
        await asyncio.sleep(REPORT_S)
