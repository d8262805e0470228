"""What a person or a test makes the venue do wrong, for a while. Pure: monotonic seconds come in as arguments."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from venue_sim.info import JSON_TYPE, Answer

Kind = Literal[
    "stall", "half_open", "close", "refuse", "duplicate", "out_of_order", "oversize", "unknown_event", "malformed",
    "empty_sides", "rest_429", "rest_null", "rest_500", "rest_502", "rest_truncated", "rest_slow", "delisted", "speed",
    "late", "clock_offset",
]  # fmt: skip
OVERSIZE_BYTES = 1_100_000
SIDED = ("bbo", "l2Book", "activeAssetCtx")
"""Channels that show two sides, or what lies between them."""
_REST = {
    "rest_429": Answer(429, "null"),
    "rest_null": Answer(200, "null"),
    "rest_500": Answer(500, '{"error":"internal"}'),
    "rest_502": Answer(502, "<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html"),
}


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fault, for `for_s` seconds of wall time; `channel`, `coin` and `request` narrow it, None means all."""

    kind: Kind
    for_s: Annotated[float, Meta(gt=0, le=3_600)] = 5.0
    channel: str | None = None
    coin: str | None = None
    request: str | None = None
    """REST only: the `type` of the request, such as candleSnapshot."""
    code: Literal[1000, 1001, 1006] = 1006
    """`close` only; 1006 is no close frame at all."""
    factor: Annotated[float, Meta(gt=0, le=1_000)] = 10.0
    """`speed` only: times the usual speed, a burst."""
    delay_s: Annotated[float, Meta(gt=0, le=60)] = 2.0
    """`rest_slow` only."""
    behind: Annotated[int, Meta(ge=1, le=100)] = 3
    """`late` only: each frame goes out when so many newer ones of its subscription have been due."""
    offset_ms: Annotated[int, Meta(ge=-3_600_000, le=3_600_000)] = 2_000
    """`clock_offset` only: above 0 the clock frames are ahead of the events, which then come late; below 0 early."""

    def concerns(self, channel: str, coin: str) -> bool:
        return self.channel in (None, channel) and self.coin in (None, coin)


@dataclass
class Faults:
    """The faults in force. What they keep back from one client is kept per client and subscription."""

    _active: list[tuple[float, Fault]] = field(default_factory=list)

    def start(self, fault: Fault, now_s: float) -> None:
        self._active.append((now_s + fault.for_s, fault))

    def clear(self) -> None:
        self._active.clear()

    def over(self, now_s: float) -> list[Fault]:
        """Faults whose time is up, each named once."""
        ended = [fault for until_s, fault in self._active if until_s <= now_s]
        self._active = [(until_s, fault) for until_s, fault in self._active if until_s > now_s]
        return ended

    def active(self) -> list[Fault]:
        return [fault for _, fault in self._active]

    def any(self, *kinds: Kind) -> Fault | None:
        """The fault of one of these kinds that began first."""
        return next((fault for _, fault in self._active if fault.kind in kinds), None)

    def speed_factor(self) -> float:
        fault = self.any("speed")
        return 1.0 if fault is None else fault.factor

    def offset_ms(self) -> int:
        fault = self.any("clock_offset")
        return 0 if fault is None else fault.offset_ms

    def one_sided(self, coins: Iterable[str]) -> frozenset[tuple[str, str]]:
        """(channel, coin) whose quotes, books and contexts lack a side."""
        emptied = [fault for fault in self.active() if fault.kind == "empty_sides"]
        return frozenset(
            (channel, coin)
            for coin in coins
            for channel in SIDED
            if any(fault.concerns(channel, coin) for fault in emptied)
        )

    def delisted_coins(self) -> frozenset[str]:
        """Coins the venue lists no more; a socket that asks for one is cut."""
        return frozenset(fault.coin for fault in self.active() if fault.kind == "delisted" and fault.coin)

    def rest(self, request: str, body: str) -> Answer | None:
        """The wrong answer instead of `body`, of the fault begun last; None when the right one goes out."""
        for fault in reversed(self.active()):
            if fault.request not in (None, request):
                continue
            if fault.kind == "rest_truncated":
                return Answer(200, body[: len(body) // 2], JSON_TYPE)
            if fault.kind in _REST:
                return _REST[fault.kind]
        return None

    def rest_delay_s(self, request: str) -> float:
        delays = (f.delay_s for f in self.active() if f.kind == "rest_slow" and f.request in (None, request))
        return max(delays, default=0.0)

    def frames(self, channel: str, coin: str, text: str, held: deque[str]) -> list[str]:
        """What goes out instead of one data frame. `held`: what this subscriber's earlier frame left behind."""
        out = [*_drained(held), text]
        for fault in self.active():
            if not fault.concerns(channel, coin):
                continue
            match fault.kind:
                case "stall" | "half_open":
                    return []
                case "duplicate":
                    out = [one for frame in out for one in (frame, frame)]
                case "out_of_order" if len(out) == 1:
                    held.append(text)  # goes out behind the next one
                    return []
                case "out_of_order":
                    out.reverse()
                case "late":
                    held.extend(out)
                    out = [held.popleft()] if len(held) > fault.behind else []
                case "oversize":
                    out.append(json.dumps({"channel": channel, "data": [], "padding": "x" * OVERSIZE_BYTES}))
                case "unknown_event":
                    out.append(json.dumps({"channel": "newThing", "data": {"coin": coin}}))
                case "malformed":
                    out.append(text[: len(text) // 2])
                case _:
                    pass
        return out


def _drained(held: deque[str]) -> list[str]:
    found = list(held)
    held.clear()
    return found
