"""Keeps house while the platform runs: once a day in venue time, archive what is over and let go what is old."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress

import asyncpg

from trading_core.archive import retention
from trading_core.archive.files import writing
from trading_core.archive.folder import Archive
from trading_core.archive.show import round_line
from trading_core.archive.store import identity
from trading_core.config import Settings
from trading_core.db.partitions import drop_old_partitions, make_partitions
from trading_core.db.pool import AWAY, connect
from trading_core.errors import ConfigError

CHECK_S = 30.0
NICE = 10


async def run(settings: Settings, archive: Archive) -> None:
    """Until SIGTERM or SIGINT. What fails is said and tried again; a kill leaves nothing half done."""
    os.nice(NICE)  # nothing here is urgent, and prices do not wait
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    work = asyncio.create_task(_rounds(settings, archive))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
    for task in (work, stopped):
        task.cancel()
    with suppress(asyncio.CancelledError):
        await work


async def _rounds(settings: Settings, archive: Archive) -> None:
    kept_house_ms = -1
    while True:
        try:
            kept_house_ms = await _round(settings, archive, kept_house_ms)
        except (ConfigError, asyncpg.PostgresError, *AWAY) as error:
            print(f"archive: tried again in {CHECK_S:.0f} s: {error or type(error).__name__}", flush=True)
        await asyncio.sleep(CHECK_S)


async def _round(settings: Settings, archive: Archive, kept_house_ms: int) -> int:
    """The day up to which house is kept now."""
    db = await connect(settings.database.url, role_name="archive")
    try:
        today_ms = await retention.today(db)
        if today_ms is None or today_ms <= kept_house_ms:
            return kept_house_ms
        with writing(archive, await identity(db)):
            kept = await retention.keep(db, archive, settings.retention, today_ms, lambda _: None)
        await make_partitions(db)
        await drop_old_partitions(db, retention.oldest_kept(settings.retention, today_ms)["ticks"])
    finally:
        await db.close()
    print(round_line(kept, settings.retention, today_ms), *kept.problems, sep="\n", flush=True)
    return today_ms
