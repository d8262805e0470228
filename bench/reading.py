"""What is in a stream now, with the time at which the server stored it: the one clock of all latencies."""

from __future__ import annotations

from collections.abc import Sequence

from trading_core.bus.connection import Bus, Delivered
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.streams import StreamSpec


async def everything(bus: Bus, stream: StreamSpec, filters: Sequence[str]) -> list[Delivered]:
    """All messages of `filters`, in stream order."""
    found: list[Delivered] = []
    reader = OrderedPull(bus, stream, filters, Start.all())
    async for batch in reader.batches():
        found += batch
        if reader.caught_up:
            break
    await reader.close()
    return found
