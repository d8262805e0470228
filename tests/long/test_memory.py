"""Memory of collector and recorder over twenty minutes at 300 messages a second."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from blackbox_lab import BlackBox

pytestmark = [pytest.mark.long, pytest.mark.timeout(1_800)]
SPEED = 450.0
"""A print every 15 s of venue time brings about ten messages of the three assets: 300 a second."""
MINUTES = 20
EARLY, LATE = (8, 10), (18, 20)
LIMIT_KIB = 1_024


def resident_kib(pid: int) -> int:
    [line] = [one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmRSS:")]
    return int(line.split()[1])


async def test_collector_and_recorder_take_no_more_after_twenty_minutes_than_after_ten(
    black_box: Callable[[float], BlackBox],
) -> None:
    box = black_box(SPEED)
    await box.start()
    services = {"collector-hl": box.collector, "recorder": box.recorder}
    seen: dict[str, list[tuple[float, int]]] = {name: [] for name in services}
    began_s = time.monotonic()
    while (minute := (time.monotonic() - began_s) / 60) < MINUTES:
        for name, service in services.items():
            seen[name].append((minute, resident_kib(service.pid)))
        await asyncio.sleep(1)
    rows = len(await box.rows())
    print(f"{rows} rows, {rows / MINUTES / 60:.0f}/s")
    growth = {}
    for name, samples in seen.items():
        early, late = (
            statistics.median(kib for minute, kib in samples if first <= minute < last) for first, last in (EARLY, LATE)
        )
        growth[name] = late - early
        by_minute = [statistics.median(kib for minute, kib in samples if int(minute) == m) for m in range(MINUTES)]
        print(name, f"{early:.0f} -> {late:.0f} KiB; by minute: {by_minute}")
    assert max(growth.values()) <= LIMIT_KIB, growth
