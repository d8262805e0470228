"""The demo as a person starts it, and its page as a browser shows it."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from demo_stack import START_LIMIT_S, demo_stack
from repository import ROOT
from trading_core.testing import eventually

SCRIPTS = [str(Path(__file__).with_name(name)) for name in ("dashboard.test.mjs", "axe.test.mjs")]
PAGE_LIMIT_S = 240

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.timeout(420)]


async def test_the_demo_shows_its_dashboard_and_stops_cleanly(chromium: str) -> None:
    with demo_stack() as demo:
        demo.start()
        await eventually(demo.is_up, timeout=START_LIMIT_S)
        page = await asyncio.to_thread(
            subprocess.run,
            ["node", "--test", "--test-concurrency=1", "--test-reporter=spec", *SCRIPTS],
            env={**os.environ, "DASHBOARD_URL": demo.address, "CHROMIUM": chromium},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PAGE_LIMIT_S,
            check=False,
        )
        assert page.returncode == 0, f"{page.stdout}\n{page.stderr}\n{demo.logs()}"
        assert await asyncio.to_thread(demo.stop) == 0, demo.said()
        assert demo.said().rstrip().endswith("stopped"), demo.said()
        assert "starting it again" not in demo.said(), demo.said()
