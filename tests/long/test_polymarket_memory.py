"""Memory and subscriptions of collector-pm while markets come and go: 300 windows in five minutes."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from polymarket_lab import Lab

from trading_core.bus.connection import Bus
from trading_core.streams import HEALTH, heartbeat_subject

pytestmark = [pytest.mark.long, pytest.mark.integration, pytest.mark.timeout(900)]
SPEED = 300.0
SECONDS = 300
LIMIT_KIB = 1_024
OPEN_MAX = 6
"""The window that is open, the three of the fifteen minutes ahead, one about to be dropped, one just found."""


@pytest.fixture
async def lab(tmp_path: Path, nats_url: str, bus: Bus) -> AsyncIterator[Lab]:
    opened = Lab(tmp_path, nats_url, bus)
    try:
        yield opened
    finally:
        await opened.close()


def resident_kib(pid: int) -> int:
    [line] = [one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmRSS:")]
    return int(line.split()[1])


async def test_memory_and_subscriptions_stay_flat_while_windows_come_and_go(lab: Lab, bus: Bus) -> None:
    await lab.venue(SPEED)
    process = await lab.collector()
    started = await lab.first_watermark()
    began_s = time.monotonic()
    resident: list[int] = []
    beats: list[dict[str, int]] = []
    while time.monotonic() - began_s < SECONDS:
        resident.append(resident_kib(process.pid))
        delivered = await bus.last(HEALTH, heartbeat_subject("collector-pm", "1"))
        if delivered is not None and (detail := json.loads(delivered.data)["detail"]):
            beats.append(detail)
        await asyncio.sleep(1)
    third = len(resident) // 3
    by_minute = [round(statistics.median(resident[start : start + 60])) for start in range(0, len(resident) - 59, 60)]
    print(f"RSS by minute in KiB: {by_minute}")
    middle, last = (statistics.median(some) for some in (resident[third : 2 * third], resident[2 * third :]))
    most = {name: max(beat[name] for beat in beats) for name in ("tokens", "markets", "awaiting_result")}
    windows = (await lab.watermark_ms() - started) // 300_000
    verdict = await lab.verdict(started, SPEED)
    print(
        f"{windows} windows, RSS {middle:.0f} -> {last:.0f} KiB, at most {most}, holes without a fault {verdict.beyond}"
    )
    assert (verdict.missing, verdict.extra) == ([], [])
    assert last - middle <= LIMIT_KIB
    assert max(most["tokens"], most["markets"]) <= OPEN_MAX, most
    assert most["awaiting_result"] <= OPEN_MAX
