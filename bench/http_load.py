"""Clients that ask one address after another, each on a connection of its own that stays open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass
class Asked:
    """Milliseconds from the first byte sent to the last byte read of each answer, and to the first byte of its head."""

    latencies: list[float] = field(default_factory=list)
    first_bytes: list[float] = field(default_factory=list)
    took_s: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.took_s


async def ask(port: int, paths: Sequence[str], *, clients: int, total: int) -> Asked:
    """`total` requests of the paths in turn by `clients` who never pause. RuntimeError for any answer but 200."""
    found = Asked()
    wanted = (paths[number % len(paths)] for number in range(total))
    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(clients):
            tasks.create_task(_client(port, wanted, found))
    found.took_s = time.perf_counter() - began
    return found


async def _client(port: int, wanted: Iterator[str], found: Asked) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    try:
        for path in wanted:
            began = time.perf_counter()
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nAccept-Encoding: gzip\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            found.first_bytes.append((time.perf_counter() - began) * 1e3)
            await _read_body(reader, head)
            found.latencies.append((time.perf_counter() - began) * 1e3)
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"{path} was answered {head.splitlines()[0].decode()}")
    finally:
        writer.close()


async def _read_body(reader: asyncio.StreamReader, head: bytes) -> None:
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    if b"content-length" in fields:
        await reader.readexactly(int(fields[b"content-length"]))
        return
    while size := int(await reader.readuntil(b"\r\n"), 16):
        await reader.readexactly(size + 2)
    await reader.readexactly(2)
