"""Market messages of several exchanges, held back until their watermark says that nothing earlier is missing."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from trading_core.messages import MarketData, WatermarkMessage

NOTHING = -1
"""The watermark of a stream of which none has been read."""

Order = tuple[int, str, int, str]


def order_of(message: MarketData) -> Order:
    """Where a message stands among all; strings compare bytewise."""
    return (message.visible_ms, message.asset, message.event_time_ms, message.id)


@dataclass(slots=True)
class _Pending:
    """What is held back of one exchange. Most of it arrives in order, so it is sorted only when something did not."""

    messages: list[MarketData] = field(default_factory=list)
    newest: Order = (NOTHING, "", 0, "")
    in_order: bool = True

    def add(self, message: MarketData) -> None:
        order = order_of(message)
        if order < self.newest:
            self.in_order = False
        else:
            self.newest = order
        self.messages.append(message)

    def take(self, upto_ms: int) -> list[MarketData]:
        if not self.in_order:
            self.messages.sort(key=order_of)  # Stable: of one message read twice the first stays the first.
            self.in_order = True
        end = bisect_right(self.messages, upto_ms, key=_visible_ms)
        taken = self.messages[:end]
        del self.messages[:end]
        return taken


def _visible_ms(message: MarketData) -> int:
    return message.visible_ms


class Timeline:
    """The one order in which market messages are applied: (visible_ms, asset, event_time_ms, id).

    A message counts as visible from max(its own `visible_ms`, the last watermark of its exchange read
    earlier in the same stream + 1), so that a promise once read is never broken by what follows it.
    """

    def __init__(self, exchanges: Iterable[str], streams: Iterable[str] = ("MARKET", "BOOK")) -> None:
        self._pending = {exchange: _Pending() for exchange in exchanges}
        self._marks: dict[tuple[str, str], int] = {
            (exchange, stream): NOTHING for exchange in self._pending for stream in streams
        }
        self._watermark = dict.fromkeys(self._pending, NOTHING)

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
        self._pending[exchange].add(message)

    def watermark(self, exchange: str) -> int:
        """The newest watermark that every stream of this exchange has reached; NOTHING before that."""
        return self._watermark[exchange]

    def take(self, exchange: str, upto_ms: int) -> list[MarketData]:
        """Remove and return this exchange's messages with `visible_ms` <= `upto_ms`, in order of application."""
        return self._pending[exchange].take(upto_ms)

    def pending(self) -> int:
        """How many messages are held back."""
        return sum(len(pending.messages) for pending in self._pending.values())
