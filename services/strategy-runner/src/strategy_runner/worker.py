"""The process in which strategies run: fed with what the runner reads, it answers with evaluations.

It is forked from the runner, so it begins with the runner's own state. It does nothing else, holds no connection and
may be killed at any moment.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import resource
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Sequence

import msgspec

from strategy_runner.watchdog import Marker, Watchdog
from trading_core import messages
from trading_core.config import RunnerConfig
from trading_core.messages import MarketData, WatermarkMessage
from trading_core.sequence.shard import GridShard

HEAD = struct.Struct("<I")
_PR_SET_PDEATHSIG = 1


class Feed(msgspec.Struct, frozen=True, tag="feed"):
    """Messages as they were read from `stream`."""

    stream: str
    messages: list[msgspec.Raw]


class Evaluate(msgspec.Struct, frozen=True, tag="evaluate"):
    """Evaluate the next grid point of these shards, by their place in the list; answered by a list of Evaluations."""

    shards: list[int]


_order = msgspec.json.Decoder(Feed | Evaluate)
_encoder = msgspec.json.Encoder()


def frame(content: object) -> bytes:
    """`content` as JSON behind its length."""
    body = _encoder.encode(content)
    return HEAD.pack(len(body)) + body


def fork(shards: Sequence[GridShard], marker: Marker, limits: RunnerConfig) -> tuple[int, socket.socket]:
    """A worker with the shards as they are now: its process id, and the socket to talk to it."""
    ours, theirs = socket.socketpair()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        with contextlib.suppress(BaseException):
            code = _child(theirs, shards, marker, limits)
        os._exit(code)
    theirs.close()
    return pid, ours


def _child(theirs: socket.socket, shards: Sequence[GridShard], marker: Marker, limits: RunnerConfig) -> int:
    try:
        _detach(theirs.fileno())
        _limit_memory(limits.memory_mb)
        watchdogs = [Watchdog(marker, shard.asset, limits.deadline_ms) for shard in shards]
        for shard, watchdog in zip(shards, watchdogs, strict=True):
            shard.watch = watchdog
        serve(theirs, shards, watchdogs)
    except (EOFError, ConnectionError):
        return 0  # the runner is gone, or has no more use for this worker
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
    os.closerange(keep + 1, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 65_536))
    gc.freeze()  # what was inherited stays shared


def _limit_memory(megabytes: int) -> None:
    with contextlib.suppress(OSError, ValueError):  # where the system says nothing about memory there is no limit
        with open("/proc/self/statm", encoding="ascii") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + megabytes * 1024 * 1024, resource.RLIM_INFINITY))


def serve(theirs: socket.socket, shards: Sequence[GridShard], watchdogs: Sequence[Watchdog]) -> None:
    """Until the other side closes: EOFError."""
    while True:
        order = _order.decode(_receive(theirs))
        if isinstance(order, Feed):
            for raw in order.messages:
                message = messages.decode(bytes(raw))
                assert isinstance(message, MarketData | WatermarkMessage)
                for shard in shards:
                    shard.add(order.stream, message)
            continue
        answers = []
        for index in order.shards:
            watchdogs[index].install()
            watchdogs[index].start()
            try:
                answers.append(shards[index].evaluate_next())
            finally:
                watchdogs[index].stop()
        theirs.sendall(frame(answers))


def _receive(theirs: socket.socket) -> bytes:
    (size,) = HEAD.unpack(_exactly(theirs, HEAD.size))
    return _exactly(theirs, size)


def _exactly(theirs: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = theirs.recv(min(size - len(parts), 1 << 20))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)
