"""Wiring: one recorder per stream, each with its own durable and its own transactions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import asyncpg

from recorder import rows
from recorder.rows import Project
from recorder.sink import STORAGE_ERRORS, Sink
from recorder.stream import FIRST_WAIT_S, LONGEST_WAIT_S, StreamRecorder
from recorder.upkeep import Upkeep
from recorder.visibility import Visibility
from trading_core import streams
from trading_core.bus.durable import Durable
from trading_core.db.pool import connect_pool
from trading_core.runtime import Runtime
from trading_core.streams import DurableSpec

REPORT_S = 1.0
FINISH_S = 2.5
CONNECTIONS = 5
"""Of seven streams three are rarely written; one connection is the upkeep's."""
PROJECTIONS: Mapping[str, Project] = {
    streams.SIGNALS.name: rows.signals,
    streams.EXEC.name: rows.executions,
    streams.OPS.name: rows.operations,
    streams.HEALTH.name: rows.heartbeats,
    streams.DLQ.name: rows.dead_letters,
}


async def start(runtime: Runtime) -> None:
    """Records until the stop: then batches in hand are committed and acknowledged, as far as that is possible."""
    pool = await runtime.until_stop(_pool(runtime))
    if pool is None:
        return
    recorders: dict[str, StreamRecorder] = {}
    tasks = [asyncio.create_task(_record(runtime, pool, spec, recorders)) for spec in streams.RECORDER]
    upkeep = Upkeep(runtime, pool, recorders)
    beside = [asyncio.create_task(upkeep.run()), asyncio.create_task(_report(runtime, recorders, upkeep))]
    stopped = asyncio.create_task(_until(runtime.stop))
    try:
        # A recorder ends by itself only when something is wrong that no retry mends.
        await asyncio.wait({*tasks, *beside, stopped}, return_when=asyncio.FIRST_COMPLETED)
        runtime.stop.set()
        await asyncio.wait(tasks, timeout=FINISH_S)
        for task in (*tasks, *beside):
            if task.done():
                task.result()
    finally:
        everything = [*tasks, *beside, stopped]
        for task in everything:
            task.cancel()
        await asyncio.gather(*everything, return_exceptions=True)
        pool.terminate()


async def _pool(runtime: Runtime) -> asyncpg.Pool:
    return await connect_pool(runtime.settings.database.url, role_name="recorder", max=CONNECTIONS)


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


async def _report(runtime: Runtime, recorders: Mapping[str, StreamRecorder], upkeep: Upkeep) -> None:
    """What the heartbeat says: messages recorded and lag of each stream, and what is wrong; degraded if anything is."""
    while True:
        away = ["Postgres is away: the streams keep what is to be recorded."]
        failing = any(recorder.failing for recorder in recorders.values())
        trouble = [*(away if failing else []), *(finding.says for finding in upkeep.findings)]
        runtime.health.status = "degraded" if trouble else "ok"
        runtime.health.detail = {
            "trouble": trouble,
            "recorded": {name: recorder.recorded for name, recorder in recorders.items()},
            "lag": {name: recorder.lag for name, recorder in recorders.items()},
        }
        await asyncio.sleep(REPORT_S)
