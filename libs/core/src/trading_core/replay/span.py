"""What a replay publishes, and when: recorded messages of a span, one after the other. Pure."""

from __future__ import annotations

import heapq
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from trading_core.messages import (
    AnyMessage,
    ExecMessage,
    GridMessage,
    MarketMessage,
    SignalMessage,
    WatermarkMessage,
)

_SPEED = re.compile(r"^(\d+(?:\.\d+)?)x?$")


@dataclass(frozen=True, slots=True)
class Original:
    """One recorded message. `at_ms`: the event time at which it is published again, never falling within a stream."""

    at_ms: int
    subject: str
    data: bytes
    message: AnyMessage


def moment_of(message: AnyMessage) -> int | None:
    """Where a message belongs in event time; None for those that are not replayed."""
    match message:
        case WatermarkMessage():
            return message.watermark_ms
        case SignalMessage() | GridMessage():
            return message.ts
        case ExecMessage():
            return message.event_time_ms
        case MarketMessage():
            return message.visible_ms
        case _:
            return None


def speed_of(text: str) -> float | None:
    """`10x`, `1x`, `0.5`: so many times as fast as it happened; None for `max`. ValueError for anything else."""
    if text == "max":
        return None
    found = _SPEED.match(text)
    if found is None or float(found[1]) <= 0:
        raise ValueError(f"{text!r} is no speed. Write 1x, 10x or max.")
    return float(found[1])


def delay_s(at_ms: int, first_ms: int, speed: float | None) -> float:
    """Seconds after the first message at which the one of `at_ms` is due."""
    return 0.0 if speed is None else (at_ms - first_ms) / 1000 / speed


async def merged(streams: Sequence[AsyncIterator[Original]]) -> AsyncIterator[Original]:
    """All of them by `at_ms`; each stream keeps its order, and at one moment the first named stream goes first."""
    heap: list[tuple[int, int, Original]] = []
    for rank, stream in enumerate(streams):
        original = await anext(stream, None)
        if original is not None:
            heap.append((original.at_ms, rank, original))
    heapq.heapify(heap)
    while heap:
        _, rank, original = heap[0]
        yield original
        following = await anext(streams[rank], None)
        if following is None:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, (following.at_ms, rank, following))
