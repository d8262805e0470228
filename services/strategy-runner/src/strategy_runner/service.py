"""Wiring: which assets this runner evaluates, each on its own."""

from __future__ import annotations

import asyncio
import os

from strategy_runner import operators
from strategy_runner.asset import AssetRunner
from strategy_runner.reload import Reloader
from trading_core.db.pool import connect_pool
from trading_core.errors import ConfigError
from trading_core.runtime import Runtime
from trading_core.strategy.registry import LoadedStrategy, enabled_strategies

SHOW_S = 1.0


async def run(runtime: Runtime) -> None:
    """Evaluate until `runtime.stop` is set."""
    strategies = enabled_strategies(runtime.settings)
    if not strategies:
        raise ConfigError("no strategy is enabled. Set strategies.<name>.enabled: true in config.yaml.")
    await runtime.until_stop(_run(runtime, strategies, pinned_assets(runtime.settings.assets)))


def pinned_assets(configured: tuple[str, ...]) -> tuple[str, ...]:
    """The assets of this runner: RUNNER_ASSETS=BTC,ETH, or all that are configured."""
    pinned = tuple(asset.strip() for asset in os.environ.get("RUNNER_ASSETS", "").split(",") if asset.strip())
    unknown = [asset for asset in pinned if asset not in configured]
    if unknown:
        raise ConfigError(f"RUNNER_ASSETS names {', '.join(unknown)}; config.yaml: assets has {', '.join(configured)}")
    return pinned or configured


async def _run(runtime: Runtime, strategies: list[LoadedStrategy], assets: tuple[str, ...]) -> None:
    """Never ends; what raises ends the service."""
    runtime.health.detail = {"waiting_for": "the first watermark of each exchange"}
    database = await connect_pool(runtime.settings.database.url, role_name="strategy-runner", max=3)
    try:
        async with asyncio.TaskGroup() as tasks:
            runners = [AssetRunner(runtime, database, asset, strategies) for asset in assets]
            for runner in runners:
                tasks.create_task(runner.run())
            tasks.create_task(Reloader(runtime, strategies, lambda: runners).run())
            tasks.create_task(_show(runtime, runners))
    finally:
        database.terminate()


async def _show(runtime: Runtime, runners: list[AssetRunner]) -> None:
    while True:
        await asyncio.sleep(SHOW_S)
        if all(runner.shards for runner in runners):
            operators.show(runtime, [shard for runner in runners for shard in runner.shards])
