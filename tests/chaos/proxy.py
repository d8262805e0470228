"""A TCP connection that goes wrong in the ways that networks do, between a service and its server."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections import deque
from dataclasses import dataclass

COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"
"""What PostgreSQL answers to COMMIT."""
PIECE = 16 * 1024


@dataclass(frozen=True)
class Weather:
    """`delay_s`: from, to, of each piece, which keeps its place and waits for no other. `bytes_per_s`: each way.

    `half_open`: everything is swallowed.
    """

    delay_s: tuple[float, float] = (0.0, 0.0)
    bytes_per_s: float | None = None
    half_open: bool = False
    closed: bool = False
    resets_commits: bool = False


FAIR = Weather()


class Proxy:
    """127.0.0.1:`port` → 127.0.0.1:`target`, as `weather` is at the moment."""

    def __init__(self, target: int, seed: int = 1) -> None:
        self.target = target
        self.port = 0
        self.weather = FAIR
        self.refused = 0
        self.resets = 0
        """Answers to COMMIT that never came."""
        self._chance = random.Random(seed)
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def turn(self, weather: Weather) -> None:
        """From now on. `closed` also cuts every connection that there is."""
        self.weather = weather
        if weather.closed:
            for writer in list(self._writers):
                _reset(writer)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.weather.closed:
            self.refused += 1
            _reset(writer)
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            _reset(writer)
            return
        pair = (writer, back)
        self._writers.update(pair)
        for source, sink, is_answer in ((reader, back, False), (there, writer, True)):
            task = asyncio.create_task(self._pump(source, sink, pair, is_answer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, pair: tuple[asyncio.StreamWriter, ...],
        is_answer: bool,
    ) -> None:  # fmt: skip
        loop, due_s, line = asyncio.get_running_loop(), 0.0, deque[bytes]()
        with contextlib.suppress(OSError):
            while data := await source.read(PIECE):
                weather = self.weather
                if weather.delay_s[1]:
                    due_s = max(due_s, loop.time() + self._chance.uniform(*weather.delay_s))
                    line.append(data)
                    loop.call_at(due_s, _put, sink, line)
                    continue
                if weather.bytes_per_s is not None:
                    await asyncio.sleep(len(data) / weather.bytes_per_s)
                if is_answer and weather.resets_commits and COMMITTED in data:
                    self.resets += 1
                    break
                if not weather.half_open:
                    sink.write(data)
                    await sink.drain()
        for writer in pair:
            _reset(writer)
            self._writers.discard(writer)


def _put(sink: asyncio.StreamWriter, line: deque[bytes]) -> None:
    """The oldest of what is on its way: calls that are due at one moment come in any order."""
    data = line.popleft()
    if not sink.is_closing():
        sink.write(data)


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST instead of FIN: what is on its way is lost, as with a firewall that has forgotten the connection."""
    connection: socket.socket | None = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
