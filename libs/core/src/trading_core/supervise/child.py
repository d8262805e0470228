"""One supervised process: started, watched, started again with back-off, stopped.

The end of a process is polled for: that needs neither a thread per process nor a SIGCHLD handler.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from trading_core.embedded import launch
from trading_core.embedded.launch import Launch
from trading_core.errors import ConfigError, TradingError
from trading_core.supervise import pids
from trading_core.supervise.folder import RunFolder

POLL_S = 0.1
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
STEADY_S = 60.0
READY_LIMIT_S = 60.0
STOP_LIMIT_S = 8.0
CONFIG_ERROR = 2
LOG_LIMIT_BYTES = 20_000_000


class Child:
    """`prepare` is asked before each start how to launch; `ready` tells whether the running process can be used."""

    def __init__(
        self,
        name: str,
        folder: RunFolder,
        prepare: Callable[[], Launch],
        ready: Callable[[Child], Awaitable[bool]],
        say: Callable[[str], None],
        *,
        may_finish: bool = False,
        announces: bool = True,
    ) -> None:
        """announces: that `ready` says so proves that it listens to signals by now."""
        self.name = name
        self.started_time_ms = 0
        self.exit_codes: list[int] = []
        self.finished = asyncio.Event()
        """Set when it ended by itself with 0 and `may_finish`: it has done its work."""
        self._folder, self._prepare, self._ready, self._say = folder, prepare, ready, say
        self._may_finish, self._announces = may_finish, announces
        self._process: subprocess.Popen[bytes] | None = None
        self._stop_signal = signal.SIGTERM
        self._stopping = False
        self._watch: asyncio.Task[None] | None = None
        self._listens = False
        """Whether the running process has been ready: before that it cannot answer a signal."""

    @property
    def log(self) -> Path:
        return self._folder.log(self.name)

    async def start(self) -> None:
        """Returns once it is ready. ConfigError or TradingError with the end of its log when it does not become so."""
        _keep_log_short(self.log)
        await self._spawn()
        deadline = time.monotonic() + READY_LIMIT_S
        while not await self._ready(self):
            code = self._code()
            if code == 0 and self._may_finish:
                break
            if code is not None:
                raise _failure(self.name, f"ended with code {code}", self.log, code)
            if time.monotonic() > deadline:
                raise _failure(self.name, f"was not ready within {READY_LIMIT_S:.0f} s", self.log, None)
            await asyncio.sleep(POLL_S)
        self._listens = self._announces
        self._watch = asyncio.create_task(self._keep_running())

    async def stop(self) -> int:
        """Ends it: politely, after STOP_LIMIT_S by SIGKILL. Its last exit code."""
        self._stopping = True
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        process = self._process
        if process is None or process.poll() is not None:
            pids.forget(self._folder.pids, self.name)  # it was just waiting to be started again
            return 0
        process.send_signal(self._stop_signal)
        deadline = time.monotonic() + STOP_LIMIT_S
        while process.poll() is None and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        if process.poll() is None:
            self._say(f"{self.name} did not stop within {STOP_LIMIT_S:g} s and was killed; see {self.log}")
            process.kill()
        code = process.wait()
        pids.forget(self._folder.pids, self.name)
        if not self._listens and code == -self._stop_signal:
            return 0  # stopped while starting, at first or again, before it could listen to signals
        return code

    async def _spawn(self) -> None:
        self._listens = False
        plan = await asyncio.to_thread(self._prepare)
        self._stop_signal = plan.stop_signal
        self.started_time_ms = time.time_ns() // 1_000_000
        self._process = launch.start(plan, self.log)
        pids.remember(self._folder.pids, self.name, self._process.pid, plan.stop_signal)

    def _why(self, code: int) -> str:
        """A process that was killed could not say why; one that ended has said it in its log."""
        return "" if code < 0 else f": {_reason(self.log)} (log: {self.log})"

    def _code(self) -> int | None:
        return self._process.poll() if self._process is not None else None

    async def _keep_running(self) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            began = time.monotonic()
            while (code := self._code()) is None:  # noqa: ASYNC110
                await asyncio.sleep(POLL_S)
            if code == 0 and self._may_finish:
                self.finished.set()
                return
            self.exit_codes.append(code)
            if code == CONFIG_ERROR:
                self._say(f"{self.name} refused its settings and stays down: {_reason(self.log)}")
                return
            if time.monotonic() - began > STEADY_S:
                wait_s = FIRST_WAIT_S
            self._say(f"{self.name} {_ending(code)}; starting it again in {wait_s:g} s{self._why(code)}")
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)
            await self._again()

    async def _again(self) -> None:
        try:
            await self._spawn()
        except (OSError, TradingError) as error:
            self._say(f"{self.name} cannot be started: {error}")
            return
        deadline = time.monotonic() + READY_LIMIT_S
        while self._code() is None and time.monotonic() < deadline:
            if await self._ready(self):
                self._listens = self._announces
                self._say(f"{self.name} is back")
                return
            await asyncio.sleep(POLL_S)


def _ending(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def _failure(name: str, what: str, log: Path, code: int | None) -> TradingError:
    kind = ConfigError if code == CONFIG_ERROR else TradingError
    return kind(f"{name} {what}: {_reason(log)}\nIts log: {log}")


def _reason(log: Path) -> str:
    """The last line of `log`; of a line in JSON only what went wrong."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()] if log.exists() else []
    last = lines[-1] if lines else "it wrote nothing"
    try:
        entry = json.loads(last)
        text = str(entry.get("problem") or entry.get("exception") or entry["event"])
    except (ValueError, AttributeError, KeyError):
        text = last
    return text.strip().splitlines()[-1][:500] if "Traceback" in text else text[:2000]


def _keep_log_short(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))
