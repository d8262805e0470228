"""A changed strategy is imported and evaluated in a process of its own first: it may hang or crash there."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import traceback
from collections.abc import Sequence
from pathlib import Path

import msgspec

from strategy_runner.process import forked
from strategy_runner.watchdog import Marker, Watchdog
from trading_core.config import Settings
from trading_core.errors import ConfigError, StrategyFailed
from trading_core.sequence.shard import GridShard
from trading_core.strategy.evaluate import attempt
from trading_core.strategy.registry import load_strategy

LIMIT_S = 20.0
"""For importing, which may load a library, and one evaluation per shard."""


class Verdict(msgspec.Struct, frozen=True):
    """What came of a trial: the version that was tried, or why it cannot be used."""

    code_hash: str = ""
    params_hash: str = ""
    problem: str = ""


async def tried(folder: Path, settings: Settings, shards: Sequence[GridShard]) -> Verdict:
    """Whether the strategy in `folder`, as it is now, imports and evaluates on what these shards know."""
    pid, ours = forked(lambda theirs: _try(theirs, folder, settings, shards), settings.runner.memory_mb)
    reader, writer = await asyncio.open_unix_connection(sock=ours)
    try:
        async with asyncio.timeout(LIMIT_S):
            said = await reader.read()
        return msgspec.json.decode(said, type=Verdict) if said else Verdict(problem="importing it ended its process")
    except TimeoutError:
        return Verdict(problem=f"importing and evaluating it takes longer than {LIMIT_S:.0f} s")
    finally:
        writer.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(os.waitpid, pid, 0)


def _try(theirs: socket.socket, folder: Path, settings: Settings, shards: Sequence[GridShard]) -> None:
    theirs.sendall(msgspec.json.encode(_verdict(folder, settings, shards)))


def _verdict(folder: Path, settings: Settings, shards: Sequence[GridShard]) -> Verdict:
    try:
        loaded = load_strategy(folder, settings)
        for shard in shards:
            if loaded.grid == shard.grid and shard.asset in loaded.assets:
                watchdog = Watchdog(Marker(), shard.asset, settings.runner.deadline_ms)
                watchdog.install()
                watchdog.start()
                try:
                    with watchdog(loaded):
                        attempt(loaded, shard.state, settings.snapshot)
                finally:
                    watchdog.stop()
        return Verdict(loaded.code_hash, loaded.params_hash)
    except ConfigError as error:
        cause = error.__cause__
        return Verdict(problem="".join(traceback.format_exception(cause)) + str(error) if cause else str(error))
    except StrategyFailed as error:
        return Verdict(problem=str(error))
    except BaseException:
        return Verdict(problem=traceback.format_exc())
