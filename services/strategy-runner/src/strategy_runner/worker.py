"""The process in which strategies run: fed with what the runner reads, it answers with evaluations.

It is forked from the runner, so it begins with the runner's own state. It does nothing else, holds no connection and
may be killed at any moment.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence

import msgspec

from strategy_runner.process import forked
from strategy_runner.watchdog import Marker, Watchdog
from trading_core import messages
from trading_core.config import RunnerConfig
from trading_core.messages import MarketData, WatermarkMessage
from trading_core.sequence.shard import GridShard

HEAD = struct.Struct("<I")


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

    def work(theirs: socket.socket) -> None:
        watchdogs = [Watchdog(marker, shard.asset, limits.deadline_ms) for shard in shards]
        for shard, watchdog in zip(shards, watchdogs, strict=True):
            shard.watch = watchdog
        serve(theirs, shards, watchdogs)

    return forked(work, limits.memory_mb)


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
