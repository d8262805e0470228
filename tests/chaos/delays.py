"""How long a fill takes from the ledger to EXEC, and from EXEC to a browser."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Sequence

from websockets.asyncio.client import ClientConnection, connect

from chaos.platform import PORTFOLIO, Platform
from trading_core import messages, streams
from trading_core.bus.ordered import OrderedPull, Start

_APPLIED = """
SELECT event_id, (extract(epoch FROM created_at) * 1000)::bigint AS ms FROM trading_paper.outbox
WHERE event_id LIKE 'fl:%' AND created_at BETWEEN to_timestamp($1) AND to_timestamp($2)
"""


def p99(delays: Sequence[float]) -> float:
    assert delays, "no fill at all"
    return sorted(delays)[int(len(delays) * 0.99)]


async def on_stream(platform: Platform) -> dict[str, float]:
    """Fill → wall time, in seconds, at which EXEC had it."""
    found: dict[str, float] = {}
    reader = OrderedPull(platform.bus, streams.EXEC, [streams.exec_subjects("fill", PORTFOLIO)], Start.all())
    async for batch in reader.batches():
        found |= {messages.decode(delivered.data).id: delivered.ingest_time_ns / 1e9 for delivered in batch}
        if reader.caught_up:
            break
    await reader.close()
    return found


async def applied_to_stream(platform: Platform, from_s: float, to_s: float) -> list[float]:
    """Seconds from the transaction to EXEC, of each fill booked between two moments of wall time."""
    there = await on_stream(platform)
    applied = {row["event_id"]: row["ms"] / 1e3 for row in await platform.fetch(_APPLIED, from_s, to_s)}
    return [there[name] - at_s for name, at_s in applied.items() if name in there]


class Browser:
    """One that keeps up: when it heard of each fill, in seconds of wall time."""

    def __init__(self) -> None:
        self.heard: dict[str, float] = {}

    async def listen(self, socket: ClientConnection) -> None:
        async for text in socket:
            message = json.loads(text)
            if message["kind"] == "fill":
                self.heard.setdefault(message["fill"]["id"], time.time())

    async def delays(self, platform: Platform, from_s: float, to_s: float) -> list[float]:
        """From EXEC to here, of what EXEC had between two moments."""
        there = await on_stream(platform)
        return [
            heard_s - there[name]
            for name, heard_s in self.heard.items()
            if name in there and from_s <= there[name] <= to_s
        ]


@contextlib.asynccontextmanager
async def browser(platform: Platform) -> AsyncIterator[Browser]:
    one = Browser()
    async with connect(f"ws://127.0.0.1:{platform.api_port}/api/ws", max_queue=None) as socket:
        listening = asyncio.create_task(one.listen(socket))
        try:
            yield one
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening
