"""How soon silence is noticed and over, in seconds of wall time: to be run on a machine with nothing else to do."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import pytest

from blackbox_lab import BlackBox
from market_judge import Run, judge
from trading_core.testing import eventually

pytestmark = [pytest.mark.integration, pytest.mark.long]
SPEED = 60.0
"""Four prints of each asset a second: every channel is a busy one."""
BUSY_AFTER_S = 30.0
SEEN_LIMIT_S = 10.0
NOT_READY_LIMIT_S = 15.0
FLOW_LIMIT_S = 5.0
_STATUS = "SELECT count(*) FROM trading_ops.heartbeats WHERE service = 'collector-hl' AND status = 'degraded'"
_OPEN = "SELECT count(*) FROM trading_ops.gaps WHERE exchange = 'hyperliquid' AND state = 'open' AND channel = 'trade'"


async def seconds_until(probe: Callable[[], Awaitable[bool]]) -> float:
    since_s = time.monotonic()
    await eventually(probe, 60)
    return time.monotonic() - since_s


async def test_silence_is_seen_within_ten_seconds_and_over_within_five(black_box: Callable[[float], BlackBox]) -> None:
    box = black_box(SPEED)
    await box.start()
    from_ms = await box.watermark_ms()
    begun_s = time.monotonic()

    async def is_busy() -> bool:
        return time.monotonic() - begun_s > BUSY_AFTER_S

    async def is_seen() -> bool:
        return box.collector.said("venue_silent")

    async def is_degraded() -> bool:
        return bool(await box._value(_STATUS))

    async def flows() -> bool:
        return box.venue_ms() - await box.watermark_ms() < 5_000 * SPEED and await box._value(_OPEN) == 0

    await eventually(is_busy, 60)
    await box.begin("stall", for_s=25)
    not_ready_s = await seconds_until(is_degraded)
    seen_s = not_ready_s + await seconds_until(is_seen)
    await eventually(box._healed, 60)
    back_s = await seconds_until(flows)
    print(f"stall: not ready after {not_ready_s:.1f} s, left after {seen_s:.1f} s, back in {back_s:.1f} s")

    begun_s = time.monotonic()
    await eventually(is_busy, 60)
    left = box.collector.times_said("venue_silent")

    async def is_left() -> bool:
        return box.collector.times_said("venue_silent") > left

    await box.begin("stall", channel="trades", coin="BTC", for_s=15)
    busy_s = await seconds_until(is_left)
    print(f"trades of BTC alone: left after {busy_s:.1f} s")
    await box.over()

    until_ms = await box.finish()
    truth, faults = box.truth()
    found = judge(Run(truth, await box.rows(), await box.gaps(), faults, from_ms, until_ms, box.speed))
    assert not found, "\n".join(found)
    assert not_ready_s <= NOT_READY_LIMIT_S
    assert max(seen_s, busy_s) <= SEEN_LIMIT_S
    assert back_s <= FLOW_LIMIT_S
