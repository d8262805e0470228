"""R18, R19, R20, R21: other versions, everything down and up, a backup, a migration under load."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from blackbox_lab import STOP_LIMIT_S
from chaos.judge import compared, judged
from chaos.older import rolled_back_and_forth
from chaos.platform import PATIENCE_S, Platform
from chaos.restored import restored
from chaos.run import Context
from repository import ROOT
from trading_core import messages
from trading_core.db.migrate import downgrade, migrate
from trading_core.errors import MessageInvalid
from trading_core.testing import eventually

ROWS = ("R18", "R19", "R20", "R21")
GOLDEN = ROOT / "tests" / "contract" / "messages"
WATCH_S = 0.1
ABOVE_ALL_TABLES = "SELECT count(*) FROM {table}"
_STATE = """
SELECT (SELECT json_agg(p ORDER BY p.event_id) FROM trading_paper.positions p)::text AS positions,
       (SELECT total_equity FROM trading_paper.mark_to_market ORDER BY ts DESC LIMIT 1) AS equity
"""
_CURSORS = """
SELECT 'broker' AS reader, max(visible_ms) AS at_ms FROM trading_paper.checkpoints
UNION ALL SELECT 'recorder ' || stream, max(watermark_ms) FROM trading_ops.watermarks GROUP BY stream
"""
_LONGEST_WAIT = """
SELECT coalesce(max(extract(epoch FROM clock_timestamp() - query_start)), 0)::float8 FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND application_name <> ''
"""
_FACTS = ("trading_market_data.ticks", "trading_signals.signals", "trading_ops.exec_events", "trading_paper.fills")


async def run(context: Context) -> None:
    if "R18" in context.rows:
        _golden(context)
    async with context.platform() as platform:
        if "R18" in context.rows:
            await rolled_back_and_forth(platform, context)
        if "R19" in context.rows:
            await _down_and_up(platform, context)
        if "R21" in context.rows:
            await _migrated(platform, context)
        if "R20" in context.rows:
            await restored(platform, context)
        until_ms = await platform.quiet()
        broken = await judged(platform, until_ms)
        letters = (await platform.bus.js.stream_info("DLQ")).state.messages
        context.found["R18"].measure("dead_letters", letters)
        context.broken(("R18", "R19", "R21"), broken, f"judged {compared(platform)}")


def _golden(context: Context) -> None:
    """Every message that was ever written, by the reader of today."""
    found = context.found["R18"]
    lines = [line for file in sorted(GOLDEN.glob("*.jsonl")) for line in file.read_text().splitlines()]
    found.measure("golden_undecoded", sum(1 for line in lines if not _decodes(line)))
    found.say(f"{len(lines)} messages of {len({_version(file) for file in GOLDEN.glob('*.jsonl')})} version(s)")


def _version(file: Path) -> str:
    return file.name.split("-", maxsplit=1)[0]


def _decodes(line: str) -> bool:
    try:
        messages.decode(line)
    except MessageInvalid:
        return False
    return True


async def _down_and_up(platform: Platform, context: Context) -> None:
    """SIGTERM to every process and server, then all of them again on the same data."""
    found = context.found["R19"]
    context.step("R19 everything down and up again")
    begin_ms = platform.venue_ms()
    for service in platform.services.values():
        assert await asyncio.to_thread(service.terminate, STOP_LIMIT_S) == 0
    before, cursors = await _state(platform), await _at(platform)
    await asyncio.to_thread(platform.nats.stop)
    await asyncio.to_thread(platform.postgres.process.stop)
    await asyncio.to_thread(platform.postgres.process.start)
    await asyncio.to_thread(platform.nats.start)
    after, cursors_now = await _state(platform), await _at(platform)
    found.measure("positions_differ", sum(1 for name, value in before.items() if after[name] != value))
    back = [at_ms - cursors_now.get(reader, 0) for reader, at_ms in cursors.items()]
    found.measure("cursors_back_ms", max(0, *back))
    for service in platform.services.values():
        service.start()
    await platform.all_back()
    platform.excuse("down", begin_ms)
    found.say(f"positions, equity and {len(cursors)} cursors compared while everything was down")


async def _state(platform: Platform) -> dict[str, Any]:
    [row] = await platform.fetch(_STATE)
    return dict(row)


async def _at(platform: Platform) -> dict[str, int]:
    return {row["reader"]: row["at_ms"] for row in await platform.fetch(_CURSORS)}


async def _migrated(platform: Platform, context: Context) -> None:
    """The newest revision taken back and applied again, while services write."""
    found = context.found["R21"]
    context.step("R21 the newest migration down and up under load")
    before = {table: await platform.value(ABOVE_ALL_TABLES.format(table=table)) for table in _FACTS}
    longest_s, done = 0.0, asyncio.Event()

    async def watch() -> None:
        nonlocal longest_s
        while not done.is_set():
            longest_s = max(longest_s, float(await platform.value(_LONGEST_WAIT)))
            await asyncio.sleep(WATCH_S)

    watching = asyncio.create_task(watch())
    await asyncio.to_thread(downgrade, platform.postgres.url, "-1")
    await asyncio.to_thread(migrate, platform.postgres.url)
    done.set()
    await watching
    after = {table: await platform.value(ABOVE_ALL_TABLES.format(table=table)) for table in _FACTS}
    found.measure("rows_lost", sum(max(0, before[table] - after[table]) for table in _FACTS))
    found.measure("longest_lock_s", longest_s)

    async def is_back() -> bool:
        return await platform.all_back() > 0

    await eventually(is_back, PATIENCE_S)
    found.say(f"{sum(before.values()):,} rows of {len(_FACTS)} tables there before, all still there after")
