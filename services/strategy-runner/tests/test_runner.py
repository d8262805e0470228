"""The runner as a process: what it publishes is what the core says, also when it is killed again and again."""

from __future__ import annotations

import asyncio
import random
import shutil
from pathlib import Path

import pytest
from market_recording import ASSETS, LIVE, START, a_recording
from runner_streams import all_of, enabled, heartbeat, on_ops, publish, said_by_the_core

from repository import ROOT
from trading_core import messages
from trading_core.bus.connection import Bus
from trading_core.config import load
from trading_core.db.history import history_of
from trading_core.db.pool import connect_pool
from trading_core.messages import SignalMessage
from trading_core.model import MINUTE_MS
from trading_core.sequence.shard import GridShard
from trading_core.strategy.registry import LoadedStrategy, load_strategies
from trading_core.testing import eventually
from trading_core.testing_servers import ServiceAt, ServiceProcess

pytestmark = pytest.mark.integration


def all_with_small_windows() -> list[LoadedStrategy]:
    """Every strategy on perpetuals, set up so that a day of history is enough and signals are frequent."""
    params = {
        "funding_rate": {"threshold": 0.0004},
        "funding_oi": {"funding": 0.0004, "min_snapshots": 2, "oi_pct": 50},
        "momentum_breakout": {"bb_sigma": 1.0, "volume_factor": 1.2},
        "rsi_mean_reversion": {"overbought": 52, "oversold": 48},
    }
    settings = load(ROOT / "config.yaml", strategies={name: {"params": given} for name, given in params.items()})
    loaded = load_strategies(ROOT / settings.runner.strategies_dir, settings)
    return [strategy for strategy in loaded if strategy.grid == "hyperliquid"]


@pytest.fixture
def runner(bus: Bus, service_at: ServiceAt) -> ServiceProcess:
    return service_at("strategy_runner", "runner_ro")


@pytest.fixture
def recorder(bus: Bus, service_at: ServiceAt) -> ServiceProcess:
    process = service_at("recorder", "recorder")
    process.start()
    return process


async def test_signals_are_those_of_the_core_and_every_grid_point_is_counted(bus: Bus, runner: ServiceProcess) -> None:
    recording = a_recording(seed=1)
    runner.start()
    await publish(bus, recording)
    said = await all_of(bus, recording)
    assert {m.id: messages.encode(m).decode() for m in said} == said_by_the_core(recording, enabled())
    assert any(isinstance(m, SignalMessage) and m.direction != "PASS" for m in said), (
        "a run without a signal proves little"
    )
    assert runner.terminate() == 0


async def test_kill_9_at_random_moments_changes_no_signal_and_loses_none(
    bus: Bus, runner: ServiceProcess, recorder: ServiceProcess
) -> None:
    recording = a_recording(seed=2)
    chance = random.Random(5)
    publishing = asyncio.create_task(publish(bus, recording))
    runner.start()
    for _ in range(5):
        await asyncio.sleep(chance.uniform(0.8, 2.0))  # a random moment, also while it starts: that is the test
        runner.kill()
        runner.start()
    await publishing
    said = await all_of(bus, recording)
    assert len(said) == len({m.id for m in said})
    assert {m.id: messages.encode(m).decode() for m in said} == said_by_the_core(recording, enabled())
    assert recorder.terminate() == 0


BROKEN = """
from trading_core.strategy import MarketSnapshot, Signal, Strategy, register


@register
class {name}(Strategy):
    \"\"\"Fails, always.\"\"\"

    name = "{folder}"
    interval = "1m"

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        {what}
"""
WAYS = {
    "raises": 'raise ZeroDivisionError("on purpose")',
    "loops": "while True: pass",
    "crashes": "import os; os.abort()",
}


def with_broken_ones(folder: Path) -> Path:
    """The built-in strategies, and one for each way to fail, enabled."""
    shutil.copytree(ROOT / "strategies", folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name, what in WAYS.items():
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("")
        (folder / name / "strategy.py").write_text(BROKEN.format(name=name.title(), folder=name, what=what))
        (folder / name / "config.yaml").write_text("enabled: true\n")
    return folder


async def test_strategies_that_fail_are_paused_with_the_reason_and_the_others_go_on(
    bus: Bus, service_at: ServiceAt, tmp_path: Path
) -> None:
    folder = with_broken_ones(tmp_path / "strategies")
    recording = a_recording(seed=4)
    runner = service_at("strategy_runner", "runner_ro", TRADING_RUNNER__STRATEGIES_DIR=str(folder))
    runner.start()
    await publish(bus, recording)
    said = await all_of(bus, recording)
    for name in WAYS:
        broken = [m for m in said if isinstance(m, SignalMessage) and m.strategy == name]
        assert {m.reason for m in broken} == {"failed"}
        assert len(broken) == LIVE * len(ASSETS)
    others = {
        m.id: messages.encode(m).decode() for m in said if isinstance(m, SignalMessage) and m.strategy not in WAYS
    }
    assert others == {i: text for i, text in said_by_the_core(recording, enabled()).items() if i.startswith("s:")}

    async def in_heartbeat() -> bool:
        beat = await heartbeat(bus)
        failed = beat.detail.get("failed", {})
        return beat.status == "degraded" and all(set(failed.get(name, ())) == set(ASSETS) for name in WAYS)

    await eventually(in_heartbeat)
    reasons = {event.body["strategy"]: event.body["traceback"] for event in await on_ops(bus)}
    assert "ZeroDivisionError: on purpose" in reasons["raises"]
    assert "while True: pass" in reasons["loops"]
    assert "SIGABRT" in reasons["crashes"]
    assert runner.terminate() == 0


async def test_a_shard_that_knows_only_what_postgres_has_goes_on_as_one_that_saw_everything(
    bus: Bus, recorder: ServiceProcess, database_url: str
) -> None:
    recording = a_recording(seed=3)
    await publish(bus, recording)
    settings, strategies = load(ROOT / "config.yaml"), all_with_small_windows()
    database = await connect_pool(database_url, role_name="test", max=2)
    try:

        async def recorded() -> bool:
            newest = await database.fetchval(
                "SELECT max(watermark_ms) FROM trading_ops.watermarks WHERE stream = 'MARKET'"
            )
            return bool(newest == recording.last_ts)

        await eventually(recorded, timeout=60)
        said = said_by_the_core(recording, strategies)
        resumed_at = LIVE // 2
        spoke: set[str] = set()
        last_done = START + resumed_at * MINUTE_MS
        for asset in ASSETS:
            shard = GridShard("hyperliquid", asset, strategies, last_done + MINUTE_MS, settings.snapshot)
            shard.remember(await history_of(database, "hyperliquid", asset, last_done, shard.history))
            for message in (m for minute in recording.minutes[resumed_at:] for m in minute):
                shard.add("MARKET", message)
            for _ in recording.minutes[resumed_at:]:
                for signal in shard.evaluate_next().signals:
                    assert messages.encode(signal).decode() == said[signal.id]
                    if signal.direction != "PASS":
                        spoke.add(signal.strategy)
        assert spoke == {strategy.name for strategy in strategies}
    finally:
        await database.close()
