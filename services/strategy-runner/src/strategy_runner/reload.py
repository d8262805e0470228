"""Changed files under `strategies/`: tried in a process of their own, then taken over at a grid point."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

from strategy_runner import operators
from strategy_runner.asset import AssetRunner
from strategy_runner.trial import Verdict, tried
from trading_core.errors import ConfigError
from trading_core.runtime import Runtime
from trading_core.strategy.files import code_files
from trading_core.strategy.registry import LoadedStrategy, load_strategy

POLL_S = 0.5
Stamp = dict[Path, tuple[int, int]]
"""Of each file when it was changed, in ns, and its size."""


class Reloader:
    """Watches the strategies that were enabled at the start. New ones need a start, as the broker must know them."""

    def __init__(
        self, runtime: Runtime, strategies: list[LoadedStrategy], runners: Callable[[], Iterable[AssetRunner]]
    ) -> None:
        self._runtime = runtime
        self._directory = Path(runtime.settings.runner.strategies_dir)
        self._current = {strategy.name: strategy for strategy in strategies}
        self._runners = runners
        self._seen = {name: self._stamp(name) for name in self._current}

    @property
    def current(self) -> list[LoadedStrategy]:
        """The version of each strategy that is evaluated, or will be from the next grid point on."""
        return list(self._current.values())

    async def run(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            stamps = {name: self._stamp(name) for name in self._current}
            changed = [name for name, stamp in stamps.items() if stamp != self._seen[name]]
            if not changed:
                continue
            await asyncio.sleep(POLL_S)  # a file that is still being written changes again
            for name in changed:
                if self._stamp(name) == stamps[name]:
                    self._seen[name] = stamps[name]
                    await self._reload(name)

    def _stamp(self, name: str) -> Stamp:
        folder = self._directory / name
        try:
            files = [*code_files(folder), folder / "config.yaml"]
            return {file: (file.stat().st_mtime_ns, file.stat().st_size) for file in files if file.is_file()}
        except OSError:
            return {}  # it is being moved just now

    async def _reload(self, name: str) -> None:
        folder, settings = self._directory / name, self._runtime.settings
        shards = [shard for runner in self._runners() for shard in runner.shards]
        verdict = await tried(folder, settings, shards)
        if not verdict.problem:
            verdict = self._take(name, folder, verdict)
        if verdict.problem:
            await operators.reload_refused(self._runtime, name, verdict.problem, shards)
        elif self._current[name].code_hash == verdict.code_hash:
            await operators.reloaded(self._runtime, self._current[name], shards)

    def _take(self, name: str, folder: Path, verdict: Verdict) -> Verdict:
        """Import what was tried into this process and hand it to the runners; why not, if it cannot be used."""
        before = self._current[name]
        try:
            loaded = load_strategy(folder, self._runtime.settings)
        except ConfigError as error:
            return Verdict(problem=str(error))
        if (loaded.code_hash, loaded.params_hash) != (verdict.code_hash, verdict.params_hash):
            self._seen[name] = {}  # changed again since it was tried: once more
            return Verdict()
        if loaded.exchanges != before.exchanges or loaded.instance.history > before.instance.history:
            return Verdict(problem="its exchanges or a longer look-back need a restart of the platform")
        self._current[name] = loaded
        for runner in self._runners():
            runner.replace(loaded)
        return verdict
