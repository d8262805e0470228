"""`make run` where the venue cannot be reached: the person at the terminal is told, and so is the one at the page."""

from __future__ import annotations

import time

import httpx
import pytest

from demo_stack import START_LIMIT_S, demo_stack
from trading_core.testing import eventually

SETTING = "exchanges.hyperliquid.base_url"
LIMIT_S = 15


@pytest.mark.integration
@pytest.mark.alone
async def test_a_venue_that_cannot_be_reached_is_named_with_its_setting_within_15_s() -> None:
    with demo_stack(speed=None) as platform:
        platform.settings["TRADING_EXCHANGES__HYPERLIQUID__BASE_URL"] = "http://127.0.0.1:1"
        platform.start()
        await eventually(platform.is_up, START_LIMIT_S)
        began = time.monotonic()
        wanted = f"collector-hl: {SETTING} cannot be reached: http://127.0.0.1:1"
        await eventually(lambda: wanted in platform.said(), LIMIT_S)
        async with httpx.AsyncClient(timeout=10) as client:
            answer = await client.get(f"{platform.address}/api/health")
        told = {one["service"]: one["note"] for one in answer.json()["components"]}
        assert SETTING in told["collector-hl"]
        assert "TRADING_EXCHANGES__HYPERLIQUID__BASE_URL" in told["collector-hl"]
        print(f"named {time.monotonic() - began:.1f} s after the page was up")
        assert platform.stop() == 0, platform.said()
