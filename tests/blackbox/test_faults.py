"""The venue does everything wrong that it can; what is stored is still what it had, but for declared holes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from blackbox_lab import FLOW_LIMIT_S, BlackBox
from market_judge import Run, judge
from trading_core.testing import eventually

pytestmark = pytest.mark.integration
SPEED = 300.0
SLACK_S = 10.0
"""Wall time. The limit is 5 s and is kept on a machine with nothing else to do (`tests/long`); a busy one may take
longer to connect, and that is no defect of what is tested here."""
LIMITS = {"CTX_S": "2", "BBO_S": "1", "CANDLE_S": "1"}
"""Of silence, in seconds, so that a test need not wait for the real ones. At 300 times real time 1 s is 5 minutes."""
SILENT_S = 3.0


async def begun(box: BlackBox) -> int:
    await box.start(**{f"TRADING_EXCHANGES__HYPERLIQUID__SILENCE__{name}": limit for name, limit in LIMITS.items()})
    return await box.watermark_ms()


def refused_again(box: BlackBox, times: int) -> bool:
    return box.collector.times_said("venue_unanswered") > times


async def judged(box: BlackBox, from_ms: int) -> Run:
    until_ms = await box.finish()
    truth, faults = box.truth()
    run = Run(truth, await box.rows(), await box.gaps(), faults, from_ms, until_ms, box.speed, SLACK_S)
    found = judge(run)
    assert not found, "\n".join(found)
    return run


async def test_frames_that_are_twice_late_torn_or_strange_cost_nothing(black_box: Callable[[float], BlackBox]) -> None:
    box = black_box(SPEED)
    from_ms = await begun(box)
    for kind in ("duplicate", "malformed", "unknown_event"):
        await box.begin(kind, for_s=1)
    await box.fault("oversize", channel="bbo", for_s=1)
    await box.fault("empty_sides", for_s=1)
    await box.begin("out_of_order", channel="trades", for_s=1)
    await box.fault("out_of_order", channel="bbo", for_s=1)
    await box.begin("late", channel="trades", for_s=1)
    await box.fault("late", channel="bbo", for_s=1)
    await box.fault("clock_offset", offset_ms=2_000, for_s=0.5)
    await box.fault("clock_offset", offset_ms=-2_000, for_s=0.5)
    await box.fault("speed", factor=10, for_s=1)
    run = await judged(box, from_ms)
    assert [gap for gap in run.gaps if gap.from_ms <= run.until_ms] == []


async def test_sockets_that_break_or_fall_silent_leave_holes_that_are_declared(
    black_box: Callable[[float], BlackBox],
) -> None:
    box = black_box(SPEED)
    from_ms = await begun(box)
    await box.begin("close", code=1000, for_s=0.1)
    # However wrongly REST answers for a while, the candles of the hole come in the end.
    for kind in ("rest_429", "rest_null", "rest_truncated"):
        await box.begin(kind, request="candleSnapshot", for_s=60)
        refused = box.collector.times_said("venue_unanswered")
        await eventually(partial(refused_again, box, refused), FLOW_LIMIT_S)
    await box.heal()
    await box.flows()
    await box.fault("refuse", code=1001, for_s=1)
    await box.fault("half_open", for_s=SILENT_S)
    await box.fault("stall", for_s=SILENT_S)
    await box.begin("stall", channel="activeAssetCtx", coin="ETH", for_s=SILENT_S)
    await box.begin("stall", channel="bbo", coin="BTC", for_s=SILENT_S)
    await box.fault("stall", channel="candle", for_s=SILENT_S)
    run = await judged(box, from_ms)
    kinds = {gap.channel for gap in run.gaps}
    assert kinds == {"candle_1m", "trade", "bbo", "book", "ctx"}
    assert {gap.state for gap in run.gaps if gap.channel == "candle_1m"} == {"filled"}
