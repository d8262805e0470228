"""Market messages of several exchanges, held back until their watermark says that nothing earlier is missing."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

import msgspec

from trading_core.messages import MarketData, WatermarkMessage

NOTHING = -1
"""The watermark of a stream of which none has been read."""

Key = tuple[str, int, str]
_Entry = tuple[int, Key, int, MarketData]


def key_of(message: MarketData) -> Key:
    """Where a message stands among those of the same visible time; strings compare bytewise."""
    return (message.asset, message.event_time_ms, message.id)


class Timeline:
    """The one order in which market messages are applied: (visible_ms, asset, event_time_ms, id).

    A message counts as visible from max(its own `visible_ms`, the last watermark of its exchange read
    earlier in the same stream + 1), so that a promise once read is never broken by what follows it.
    """

    def __init__(self, exchanges: Iterable[str], streams: Iterable[str] = ("MARKET", "BOOK")) -> None:
        self._pending: dict[str, list[_Entry]] = {exchange: [] for exchange in exchanges}
        self._marks: dict[tuple[str, str], int] = {
            (exchange, stream): NOTHING for exchange in self._pending for stream in streams
        }
        self._watermark = dict.fromkeys(self._pending, NOTHING)
        self._arrivals = 0

    def add(self, stream: str, message: MarketData | WatermarkMessage) -> None:
        """Take one message as it was read from `stream`; one of an exchange not asked for is ignored."""
        exchange = message.exchange
        mark = self._marks.get((exchange, stream))
        if mark is None:
            return
        if isinstance(message, WatermarkMessage):
            if message.watermark_ms > mark:
                self._marks[exchange, stream] = message.watermark_ms
                self._watermark[exchange] = min(ms for (name, _), ms in self._marks.items() if name == exchange)
            return
        if message.visible_ms <= mark:
            message = msgspec.structs.replace(message, visible_ms=mark + 1)
        self._arrivals += 1  # makes the heap entry unique, so that messages themselves are never compared
        heapq.heappush(self._pending[exchange], (message.visible_ms, key_of(message), self._arrivals, message))

    def watermark(self, exchange: str) -> int:
        """The newest watermark that every stream of this exchange has reached; NOTHING before that."""
        return self._watermark[exchange]

    def take(self, exchange: str, upto_ms: int) -> list[MarketData]:
        """Remove and return this exchange's messages with `visible_ms` <= `upto_ms`, in order of application."""
        heap = self._pending[exchange]
        taken = []
        while heap and heap[0][0] <= upto_ms:
            taken.append(heapq.heappop(heap)[3])
        return taken

    def pending(self) -> int:
        """How many messages are held back."""
        return sum(map(len, self._pending.values()))
