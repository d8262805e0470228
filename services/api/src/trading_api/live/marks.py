"""The newest mark of every instrument, from the stream while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from trading_core.messages import CtxMessage, ProbMessage
from trading_core.money import decimal_of

Key = tuple[str, str]
"""(exchange, instrument)"""


@dataclass(frozen=True, slots=True)
class Mark:
    """`funding_rate_1h`: the venue's estimate that came with it; None where none is paid or known."""

    price: Decimal
    event_time_ms: int
    funding_rate_1h: Decimal | None = None


@dataclass
class Marks:
    """`changed` holds the instruments with a mark that no browser has been told of."""

    newest: dict[Key, Mark] = field(default_factory=dict)
    changed: set[Key] = field(default_factory=set)
    event_time_ms: int | None = None

    def hear(self, message: CtxMessage | ProbMessage) -> None:
        """Of a coin its own marks, never a poll's; of a prediction market the middle that each poll found.

        Nothing is told of the latter: there are hundreds, and positions show the newest when they are asked for.
        """
        if isinstance(message, ProbMessage):
            if message.mid is not None:
                key = (message.exchange, message.market)
                self.offer(key, Mark(decimal_of(message.mid), message.event_time_ms))
                self.changed.discard(key)
        elif not message.polled:
            estimate = message.funding_estimate_1h
            rate = None if estimate is None else decimal_of(estimate)
            mark = Mark(decimal_of(message.mark_price), message.event_time_ms, rate)
            self.offer((message.exchange, message.asset), mark)

    def offer(self, key: Key, mark: Mark) -> None:
        """An older event never replaces a newer mark."""
        held = self.newest.get(key)
        if held is not None and mark.event_time_ms < held.event_time_ms:
            return
        if held is None or mark.price != held.price or mark.event_time_ms - held.event_time_ms >= 1_000:
            self.changed.add(key)
        self.newest[key] = mark
        self.event_time_ms = max(self.event_time_ms or 0, mark.event_time_ms)

    def take_changed(self) -> list[Key]:
        taken = sorted(self.changed)
        self.changed.clear()
        return taken
