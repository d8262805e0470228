"""Evaluations in a process that can be stopped: whoever hangs or breaks it is found, failed, and left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import msgspec

from strategy_runner.watchdog import TICK_S, AtWork, Marker
from strategy_runner.worker import HEAD, Evaluate, Feed, fork, frame
from trading_core import messages
from trading_core.config import RunnerConfig
from trading_core.errors import TradingError
from trading_core.messages import MarketData, WatermarkMessage
from trading_core.sequence.shard import Evaluations, Failure, GridShard

_answers = msgspec.json.Decoder(list[Evaluations])
REAP_S = 2.0
UNEXPLAINED_ENDS = 3


class WorkerBroken(TradingError):
    """The worker hangs or has ended; `at_work` is the evaluation that was going on."""

    def __init__(self, what: str, at_work: AtWork | None) -> None:
        super().__init__(what)
        self.at_work = at_work


class Evaluator:
    """The shards of one asset. Their state is here; their strategies run in a fork that is fed the same messages.

    So a new worker needs nothing but another fork, which begins exactly at the grid point that the old one broke.
    """

    def __init__(self, shards: Sequence[GridShard], limits: RunnerConfig) -> None:
        self.shards = shards
        self.forks = 0
        self._unexplained = 0
        self._limits = limits
        self._worker: _Worker | None = None

    def add(self, stream: str, arrived: Sequence[MarketData | WatermarkMessage]) -> None:
        """Messages as they were read from `stream`: for the state here and for the one in the worker."""
        for message in arrived:
            for shard in self.shards:
                shard.add(stream, message)
        if self._worker is not None:
            self._worker.send(Feed(stream, [msgspec.Raw(messages.encode(message)) for message in arrived]))

    async def evaluate(self, ready: Sequence[int]) -> list[Evaluations]:
        """The next grid point of these shards, whatever its strategies do to the process that they run in."""
        blamed: dict[int, list[Failure]] = {index: [] for index in ready}
        while True:
            worker = await self._started()
            try:
                results = await worker.evaluate(ready)
                break
            except WorkerBroken as broken:
                await self.stop()
                self._blame(ready, broken, blamed)
        for index, result in zip(ready, results, strict=True):
            shard = self.shards[index]
            shard.advance()
            self._unexplained = 0
            for failure in result.failures:
                shard.failed[failure.strategy] = failure.traceback
            result.failures += blamed[index]
        return results

    async def stop(self) -> None:
        """Ends the worker; the next evaluation begins with a new one."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.end()

    async def _started(self) -> _Worker:
        if self._worker is None:
            self.forks += 1
            # From the fork on it is fed, also while it is being connected to.
            self._worker = _Worker(self.shards, self._limits)
            await self._worker.connect()
        return self._worker

    def _blame(self, ready: Sequence[int], broken: WorkerBroken, blamed: dict[int, list[Failure]]) -> None:
        at_work = broken.at_work
        if at_work is None:
            # Somebody ended an idle worker; or it is a fault of ours, which another fork does not cure.
            self._unexplained += 1
            if self._unexplained > UNEXPLAINED_ENDS:
                raise broken
            return
        for index in ready:
            shard = self.shards[index]
            if any(strategy.name == at_work.strategy for strategy in shard.strategies):
                what = f"{at_work.strategy} failed on {at_work.asset} at {shard.next_ts}: {broken}"
                shard.failed[at_work.strategy] = what
                blamed[index].append(Failure(at_work.strategy, shard.next_ts, what))


class _Worker:
    """One fork, from the outside."""

    def __init__(self, shards: Sequence[GridShard], limits: RunnerConfig) -> None:
        self._marker = Marker()
        self._pid, self._socket = fork(shards, self._marker, limits)
        self._ended = False
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._unsent: list[bytes] = []
        # Twice the deadline at which it should have stopped by itself.
        self._limit_ticks = max(4, round(2 * limits.deadline_ms / 1_000 / TICK_S))

    async def connect(self) -> None:
        self._reader, self._writer = await asyncio.open_unix_connection(sock=self._socket, limit=1 << 26)
        self._writer.write(b"".join(self._unsent))
        self._unsent.clear()

    def send(self, order: Feed | Evaluate) -> None:
        """Never waits: what the worker has not read yet stays in memory here, until it is killed."""
        if self._writer is None:
            self._unsent.append(frame(order))
        else:
            self._writer.write(frame(order))

    async def evaluate(self, ready: Sequence[int]) -> list[Evaluations]:
        self.send(Evaluate(list(ready)))
        answer = asyncio.ensure_future(self._answer())
        ticks, before = 0, None
        try:
            while not answer.done():
                await asyncio.wait({answer}, timeout=TICK_S)
                at_work = self._marker.read()
                ticks = ticks + 1 if at_work is not None and at_work == before and not _is_stopped(self._pid) else 0
                before = at_work
                if ticks >= self._limit_ticks and not answer.done():
                    raise WorkerBroken(f"it did not come back within {ticks * TICK_S * 1_000:.0f} ms", at_work)
            return answer.result()
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise WorkerBroken(await self._ending(), self._marker.read()) from error
        finally:
            answer.cancel()

    async def _answer(self) -> list[Evaluations]:
        assert self._reader is not None, "connect() comes first"
        (size,) = HEAD.unpack(await self._reader.readexactly(HEAD.size))
        return _answers.decode(await self._reader.readexactly(size))

    async def _ending(self) -> str:
        code = await self._reap()
        if code is None:
            return "its process closed the connection"
        return (
            f"its process was ended by {signal.Signals(-code).name}" if code < 0 else f"it ended its process ({code})"
        )

    async def end(self) -> None:
        if self._writer is None:
            self._socket.close()
        else:
            self._writer.close()
        if not self._ended:  # else the number may be another process's by now
            os.kill(self._pid, signal.SIGKILL)
            await self._reap()

    async def _reap(self) -> int | None:
        """Its exit code, negative for a signal; None when it does not end or was reaped before."""
        deadline = asyncio.get_running_loop().time() + REAP_S
        while asyncio.get_running_loop().time() < deadline:
            try:
                pid, status = os.waitpid(self._pid, os.WNOHANG)  # noqa: ASYNC222 - it does not wait
            except ChildProcessError:
                self._ended = True
                return None
            if pid:
                self._ended = True
                return os.waitstatus_to_exitcode(status)
            await asyncio.sleep(0.002)
        return None


def _is_stopped(pid: int) -> bool:
    """Whether somebody has stopped the process, so that it is not its strategy that takes long."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] in "Tt"
    return False
