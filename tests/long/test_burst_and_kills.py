"""Three thousand messages a second for a minute, and three minutes of kill -9 and faults by chance: nothing is lost
unsaid. The limits of wall time are those of the platform, so they want a machine with nothing else to do.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

import pytest

from blackbox_lab import BlackBox
from market_judge import Run, judge
from trading_core.testing_servers import OwnServer, ServiceProcess

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
BURST_SPEED, BURST_S = 3_600.0, 60.0
"""A print every 15 s of venue time brings about 12.5 messages of the three assets: 3,000 a second."""
CHAOS_SPEED, CHAOS_S = 300.0, 180.0
SEED = 7


async def judged(box: BlackBox, from_ms: int) -> Run:
    until_ms = await box.finish()
    truth, faults = box.truth()
    run = Run(truth, await box.rows(), await box.gaps(), faults, from_ms, until_ms, box.speed)
    found = judge(run)
    assert not found, "\n".join(found)
    return run


async def test_three_thousand_messages_a_second_for_a_minute_are_all_stored(
    black_box: Callable[[float], BlackBox],
) -> None:
    box = black_box(BURST_SPEED)
    await box.start()
    from_ms, began_s = await box.watermark_ms(), time.monotonic()
    await asyncio.sleep(BURST_S)
    passed_ms, lasted_s = box.venue_ms() - from_ms, time.monotonic() - began_s
    run = await judged(box, from_ms)
    rows = [row for row in run.rows if from_ms <= row.time_ms <= from_ms + passed_ms]
    print(f"{len(rows)} messages in {lasted_s:.1f} s: {len(rows) / lasted_s:.0f}/s")
    assert [gap for gap in run.gaps if gap.from_ms <= run.until_ms] == []


async def test_whatever_is_killed_and_goes_wrong_for_three_minutes_what_is_stored_is_what_the_venue_had(
    black_box: Callable[[float], BlackBox],
) -> None:
    box = black_box(CHAOS_SPEED)
    await box.start()
    from_ms, began_s = await box.watermark_ms(), time.monotonic()
    chance = random.Random(SEED)
    victims: dict[str, ServiceProcess | OwnServer] = {
        "collector": box.collector, "recorder": box.recorder, "nats": box.nats, "postgres": box.postgres.process,
    }  # fmt: skip
    killed: list[str] = []
    while time.monotonic() - began_s < CHAOS_S:
        await asyncio.sleep(chance.uniform(0.5, 6.0))
        killed.append(chance.choice(sorted(victims)))
        await box.kill(victims[killed[-1]])
    run = await judged(box, from_ms)
    print(f"{len(run.rows)} rows, {len(killed)} kills: {', '.join(killed)}")


async def test_faults_by_chance_for_three_minutes_leave_what_the_venue_had(
    black_box: Callable[[float], BlackBox],
) -> None:
    box = black_box(CHAOS_SPEED)
    box.misbehave(SEED)
    await box.start()
    from_ms = await box.watermark_ms()
    await asyncio.sleep(CHAOS_S)
    run = await judged(box, from_ms)
    print(f"{len(run.rows)} rows, {len(run.faults)} faults: {', '.join(fault.kind for fault in run.faults)}")
