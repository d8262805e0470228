"""Forks of the runner: they begin with its state, keep nothing of its connections, and may be killed at any moment."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_MOST_FILES = 65_536


def forked(work: Callable[[socket.socket], None], memory_mb: int) -> tuple[int, socket.socket]:
    """A process that does `work` with its end of a socket, and ours of it. It may allocate `memory_mb` more."""
    ours, theirs = socket.socketpair()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        with contextlib.suppress(BaseException):
            code = _child(work, theirs, memory_mb)
        os._exit(code)
    theirs.close()
    return pid, ours


def _child(work: Callable[[socket.socket], None], theirs: socket.socket, memory_mb: int) -> int:
    try:
        _detach(theirs.fileno())
        _limit_memory(memory_mb)
        work(theirs)
    except (EOFError, ConnectionError):
        return 0  # the runner is gone, or has no more use for this process
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        return 1
    return 0


def _detach(keep: int) -> None:
    """Nothing of the runner's loop, signals and connections is left; it dies with the runner."""
    with contextlib.suppress(OSError, AttributeError):  # Linux only; elsewhere it ends when its socket does
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the runner decides
    os.closerange(3, keep)
    os.closerange(keep + 1, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], _MOST_FILES))
    gc.freeze()  # what was inherited stays shared


def _limit_memory(megabytes: int) -> None:
    with contextlib.suppress(OSError, ValueError):  # where the system says nothing about memory there is no limit
        with open("/proc/self/statm", encoding="ascii") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + megabytes * 1024 * 1024, resource.RLIM_INFINITY))
