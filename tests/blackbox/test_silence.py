"""A venue whose socket lives and says nothing: everybody who looks is told, and no strategy acts on old prices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from blackbox_lab import FLOW_LIMIT_S, BlackBox
from trading_core.db.times import utc
from trading_core.embedded import launch
from trading_core.model import MINUTE_MS
from trading_core.testing import eventually

pytestmark = pytest.mark.integration
SPEED = 300.0
NOTICED_WITHIN_S = 15.0
EVALUATIONS = "SELECT reason, direction FROM trading_signals.signals WHERE ts > $1"


async def answer(url: str) -> httpx.Response | None:
    try:
        async with httpx.AsyncClient(timeout=5) as client:
            return await client.get(url)
    except httpx.HTTPError:
        return None


async def test_a_feed_that_falls_silent_is_not_ready_is_shown_and_stops_every_evaluation(
    black_box: Callable[[float], BlackBox],
) -> None:
    box = black_box(SPEED)
    probes, port = launch.free_port(), launch.free_port()
    ready, health = f"http://127.0.0.1:{probes}/readyz", f"http://127.0.0.1:{port}/api/health"
    await box.start(TRADING_METRICS_PORT=str(probes))
    box.also("strategy_runner", "runner_ro").start()
    box.also("trading_api", "api_ro", TRADING_API__PORT=str(port)).start()

    async def is_ready() -> bool:
        said = await answer(ready)
        return said is not None and said.status_code == 200

    async def collector_is(state: str) -> bool:
        said = await answer(health)
        parts: list[dict[str, Any]] = said.json()["components"] if said is not None and said.status_code == 200 else []
        return [part["state"] for part in parts if part["service"] == "collector-hl"] == [state]

    async def evaluated(from_ms: int) -> set[str | None]:
        return {row["reason"] for row in await box.fetch(EVALUATIONS, utc(from_ms))}

    await eventually(is_ready, FLOW_LIMIT_S)
    await eventually(lambda: collector_is("ok"), FLOW_LIMIT_S)
    await eventually(lambda: evaluated(0), FLOW_LIMIT_S)

    await box.begin("stall", for_s=600)

    async def is_not_ready() -> bool:
        return not await is_ready()

    await eventually(is_not_ready, NOTICED_WITHIN_S)
    await eventually(lambda: collector_is("degraded"), FLOW_LIMIT_S)
    # Its minute had begun before the silence; of later ones no candle can have come.
    _, [stall] = box.truth()
    silent_ms = stall.begin_ms + 2 * MINUTE_MS
    reasons = await eventually(lambda: evaluated(silent_ms), FLOW_LIMIT_S)
    assert reasons <= {"gap", "no_candle"}

    await box.heal()
    await eventually(is_ready, FLOW_LIMIT_S)
    await eventually(lambda: collector_is("ok"), FLOW_LIMIT_S)
    healed_ms = box.venue_ms()

    async def acts_again() -> bool:
        return bool(await evaluated(healed_ms) - {"gap", "no_candle"})

    await eventually(acts_again, FLOW_LIMIT_S)
