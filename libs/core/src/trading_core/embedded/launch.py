"""How a server is started: what to execute, as whom, and which signal ends it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from trading_core.embedded.account import Account
from trading_core.errors import TradingError

_PR_SET_PDEATHSIG = 1
NEEDED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
"""Of the environment of whoever starts a program; the rest, such as logins and tokens, is none of its business."""
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Launch:
    """One server process. `account` is None when it runs as the user who started us."""

    name: str
    argv: tuple[str, ...]
    stop_signal: signal.Signals
    account: Account | None = None
    environment: dict[str, str] = field(default_factory=dict)
    """Wins over what is inherited."""
    inherits: tuple[str, ...] = ()
    """Patterns of what it gets besides NEEDED of our own environment."""
    withheld: tuple[str, ...] = ()
    """Patterns of what it does not get of that."""
    cwd: Path | None = None

    def whole_environment(self) -> dict[str, str]:
        """All that the process will see."""
        own = {
            name: value
            for name, value in os.environ.items()
            if _matches(name, (*NEEDED, *self.inherits)) and not _matches(name, self.withheld)
        }
        return {**own, **self.environment}


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def die_with_parent(stop_signal: signal.Signals) -> Callable[[], None]:
    """A function for the child, between fork and exec: the kernel ends it when the parent is gone (Linux only)."""

    def ask() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, int(stop_signal))

    return ask


def start(launch: Launch, log: Path) -> subprocess.Popen[bytes]:
    """The started process; its output is appended to `log`. It leads a process group of its own."""
    account = launch.account
    with log.open("ab") as output:
        return subprocess.Popen(
            launch.argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=launch.cwd,
            env=launch.whole_environment(),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            # Ctrl-C on the terminal must reach the supervisor alone, which then stops everything in order.
            start_new_session=True,
            preexec_fn=die_with_parent(launch.stop_signal),
        )


def stop(process: subprocess.Popen[bytes], stop_signal: signal.Signals, limit_s: float = 10) -> None:
    """Ends exactly this process: first politely, after `limit_s` by SIGKILL."""
    if process.poll() is not None:
        return
    process.send_signal(stop_signal)
    try:
        process.wait(limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_ready(process: subprocess.Popen[bytes], ready: Callable[[], bool], launch: Launch, log: Path) -> None:
    """Returns once `ready()`. TradingError with the end of the log when the process ends or 30 s pass."""
    deadline = time.monotonic() + 30
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            state = "did not become ready" if process.poll() is None else f"ended with code {process.returncode}"
            tail = log.read_text(errors="replace")[-800:] if log.exists() else ""
            raise TradingError(f"{launch.name} {state}. The end of its log {log}:\n{tail}")
        time.sleep(0.01)


def free_port() -> int:
    """A TCP port on loopback that was free a moment ago."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def answers(port: int, host: str = "127.0.0.1") -> bool:
    with contextlib.closing(socket.socket()) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A scratch folder that another account may pass through (unlike those of `tempfile`), removed at the end."""
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="trading-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
