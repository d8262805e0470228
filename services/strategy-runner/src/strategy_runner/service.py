"""Wiring: which assets this runner evaluates, each on its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket

import asyncpg
from nats import errors

from strategy_runner import operators
from strategy_runner.asset import AssetRunner
from strategy_runner.leases import RENEW_S, Leases
from strategy_runner.reload import Reloader
from trading_core.db.pool import connect_pool
from trading_core.errors import ConfigError
from trading_core.runtime import Runtime
from trading_core.strategy.registry import LoadedStrategy, enabled_strategies

SHOW_S = 0.5
RELEASE_LIMIT_S = 1.0


async def run(runtime: Runtime) -> None:
    """Evaluate until `runtime.stop` is set."""
    strategies = enabled_strategies(runtime.settings)
    if not strategies:
        raise ConfigError("no strategy is enabled. Set strategies.<name>.enabled: true in config.yaml.")
    service = Service(runtime, strategies, pinned_assets(runtime.settings.assets))
    await runtime.until_stop(service.run())


def pinned_assets(configured: tuple[str, ...]) -> tuple[str, ...]:
    """Those that RUNNER_ASSETS=BTC,ETH names; none: this runner shares all of them with others."""
    pinned = tuple(asset.strip() for asset in os.environ.get("RUNNER_ASSETS", "").split(",") if asset.strip())
    unknown = [asset for asset in pinned if asset not in configured]
    if unknown:
        raise ConfigError(f"RUNNER_ASSETS names {', '.join(unknown)}; config.yaml: assets has {', '.join(configured)}")
    return pinned


def runner_name() -> str:
    """Of this process; TRADING_INSTANCE makes it one that a restart keeps, so that it need not wait for itself."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", f"{socket.gethostname()}-{os.environ.get('TRADING_INSTANCE', os.getpid())}")


class Service:
    """The assets of this runner come and go with their leases."""

    def __init__(self, runtime: Runtime, strategies: list[LoadedStrategy], pinned: tuple[str, ...]) -> None:
        self._runtime = runtime
        self._leases = Leases(runtime.bus, runner_name(), runtime.settings.assets, pinned)
        self._reloader = Reloader(runtime, strategies, lambda: self._runners.values())
        self._runners: dict[str, AssetRunner] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Never ends; what raises ends the service."""
        self._runtime.health.detail = {"waiting_for": "the first watermark of each exchange"}
        database = await connect_pool(self._runtime.settings.database.url, role_name="strategy-runner", max=3)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._reloader.run())
                tasks.create_task(self._show())
                # A request of the client may swallow a cancellation that meets its answer.
                while not self._runtime.stop.is_set():
                    await self._leases.turn()
                    await self._follow_leases(tasks, database)
                    await asyncio.sleep(RENEW_S)
                raise asyncio.CancelledError
        finally:
            database.terminate()
            with contextlib.suppress(errors.Error, TimeoutError, ConfigError):  # then they expire
                async with asyncio.timeout(RELEASE_LIMIT_S):
                    await self._leases.release()

    async def _follow_leases(self, tasks: asyncio.TaskGroup, database: asyncpg.Pool) -> None:
        held = self._leases.held
        for asset in [asset for asset in self._tasks if asset not in held]:
            task = self._tasks.pop(asset)
            del self._runners[asset]
            task.cancel()
            await asyncio.wait({task})
        for asset in held:
            if asset not in self._tasks:
                runner = self._runners[asset] = AssetRunner(self._runtime, database, asset, self._reloader.current)
                self._tasks[asset] = tasks.create_task(runner.run())

    async def _show(self) -> None:
        started = False
        while True:
            await asyncio.sleep(SHOW_S)
            runners = list(self._runners.values())
            shards = [shard for runner in runners for shard in runner.shards]
            operators.show(self._runtime, shards)
            if not started and runners and all(runner.shards for runner in runners):
                started = True
                self._runtime.log.info("runner_started", assets=[runner.asset for runner in runners])
