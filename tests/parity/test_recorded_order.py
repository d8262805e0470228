"""A demo run whose processes are killed comes out of its recording again, byte for byte."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import httpx
import pytest

from demo_stack import START_LIMIT_S, DemoStack, demo_stack
from repository import ROOT
from trading_core.config import load
from trading_core.model import MINUTE_MS
from trading_core.parity.check import Checker, every_ledger
from trading_core.testing import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

KILLED = ("paper-broker", "strategy-runner", "nats", "recorder", "paper-broker")
MINUTES_BETWEEN_KILLS = 40
MINUTES_AFTER = 60


async def event_time_ms(stack: DemoStack) -> int:
    """How far the ledger is; 0 as long as there is none."""
    try:
        async with httpx.AsyncClient(timeout=5) as client:
            answer = await client.get(f"{stack.address}/api/summary")
        return int(answer.json().get("event_time_ms") or 0) if answer.status_code == 200 else 0
    except httpx.HTTPError:
        return 0


# Beside the one of everybody a portfolio in which each strategy has a ledger of its own.
PORTFOLIOS = {
    "default": {},
    "compared": {"isolation": "per_strategy", "strategies": ["funding_arb", "rsi_mean_reversion"]},
}


async def reach(stack: DemoStack, ts: int) -> None:
    async def reached() -> bool:
        return stack.is_up() and await event_time_ms(stack) >= ts

    await eventually(reached, timeout=90)


async def recorder_has(stack: DemoStack, ts: int) -> bool:
    """Whether it has caught up after its own kill: a check goes no further than it."""
    with stack.data() as variables:
        db = await asyncpg.connect(variables["TRADING_DATABASE__URL"])
    try:
        settings = load(ROOT / "config.yaml")
        checkers = [Checker(db, settings, ledger) for ledger in every_ledger(settings)]
        return all([(await checker.recorded()).last_ms >= ts for checker in checkers])
    finally:
        await db.close()


async def test_a_run_with_kills_is_replayed_byte_for_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADING_PORTFOLIOS", json.dumps(PORTFOLIOS))
    with demo_stack(speed=900) as stack:
        stack.start()
        await eventually(stack.is_up, timeout=START_LIMIT_S)
        start = await eventually(lambda: event_time_ms(stack), timeout=60)
        for number, name in enumerate(KILLED, start=1):
            await reach(stack, start + number * MINUTES_BETWEEN_KILLS * MINUTE_MS)
            stack.kill(name)
        whole = len(KILLED) * MINUTES_BETWEEN_KILLS + MINUTES_AFTER
        await reach(stack, start + whole * MINUTE_MS)
        await eventually(lambda: recorder_has(stack, start + whole * MINUTE_MS), timeout=90)
        assert stack.stop() == 0, stack.said()
        assert stack.open_secrets() == [], "a password or token stands in a log, or where others may read it"

        report = tmp_path / "parity.json"
        with stack.data() as variables:
            replay = await asyncio.to_thread(
                subprocess.run,
                [sys.executable, "-m", "trading_core", "parity", "--json", str(report)],
                env={**os.environ, **variables},
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        assert replay.returncode == 0, f"{replay.stdout}\n{replay.stderr}\n{stack.logs()}"
        found = json.loads(report.read_text())
        assert sorted(found) == ["compared-funding_arb", "compared-rsi_mean_reversion", "default"]
        for ledger in found.values():
            assert ledger["ideal"]["differences"] == [], "nobody was late and nothing was missing"
            assert ledger["recorded"]["compared"]["equity"] >= whole
        counts = found["default"]["recorded"]["compared"]
        assert counts["signals"] > 3 * whole, "two strategies on three assets, one of them each minute"
        assert counts["decisions"] > 0
        assert counts["fills"] > 0
