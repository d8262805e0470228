"""What a person or a test makes this half of the venue do wrong, for a while or until it is switched off. Pure."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from venue_sim.info import JSON_TYPE, Answer

Kind = Literal[
    "stall", "half_open", "close", "refuse", "duplicate", "out_of_order", "oversize", "unknown_event", "malformed",
    "empty_sides", "wrong_top", "no_dump", "trades", "tick_size", "late_result", "no_result",
    "rest_429", "rest_html", "rest_null", "rest_500", "rest_truncated", "rest_slow",
]  # fmt: skip
SWITCHES: dict[str, Kind] = {
    "is_silent": "stall", "no_result": "no_result", "wrong_top": "wrong_top", "html_429": "rest_429",
    "twice": "duplicate",
}  # fmt: skip
"""Names of `POST /control/polymarket`, which hold until they are switched off."""
OVERSIZE_BYTES = 1_100_000
_THROTTLED = "<html><head><title>Too many requests</title></head><body>1015</body></html>"
_REST = {
    "rest_429": Answer(429, _THROTTLED, "text/html"),
    "rest_html": Answer(200, _THROTTLED, "text/html"),
    "rest_null": Answer(200, "null"),
    "rest_500": Answer(500, '{"error":"internal"}'),
}


class Fault(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="exchange", tag="polymarket"
):
    """One fault, for `for_s` seconds of wall time; `request` narrows those of REST, None means all."""

    kind: Kind
    for_s: Annotated[float, Meta(gt=0, le=3_600)] = 5.0
    request: str | None = None
    """REST only: how the path begins, such as `gamma` or `clob/books`."""
    code: Literal[1000, 1001, 1006] = 1006
    """`close` and `refuse` only; 1006 is no close frame at all."""
    delay_s: Annotated[float, Meta(gt=0, le=60)] = 2.0
    """`rest_slow` only."""


@dataclass
class Faults:
    """The faults in force. What they keep back from one client is kept per client."""

    _timed: list[tuple[float, Fault]] = field(default_factory=list)
    _switched: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(SWITCHES, False))

    def start(self, fault: Fault, now_s: float) -> None:
        self._timed.append((now_s + fault.for_s, fault))

    def switch(self, **switches: bool) -> dict[str, bool]:
        """What is on then. ValueError when there is no such switch."""
        if unknown := sorted(set(switches) - set(SWITCHES)):
            raise ValueError(f"{', '.join(unknown)}; there are {', '.join(SWITCHES)}")
        self._switched |= switches
        return dict(self._switched)

    def clear(self) -> None:
        self._timed.clear()
        self._switched = dict.fromkeys(SWITCHES, False)

    def over(self, now_s: float) -> list[Fault]:
        """Faults whose time is up, each named once."""
        ended = [fault for until_s, fault in self._timed if until_s <= now_s]
        self._timed = [(until_s, fault) for until_s, fault in self._timed if until_s > now_s]
        return ended

    def active(self) -> list[Fault]:
        return [fault for _, fault in self._timed]

    def has(self, *kinds: Kind) -> bool:
        switched = (SWITCHES[name] for name, is_on in self._switched.items() if is_on)
        return not set(kinds).isdisjoint((*switched, *(fault.kind for fault in self.active())))

    def rest(self, path: str, body: str) -> Answer | None:
        """The wrong answer instead of `body`; None when the right one goes out."""
        if self._switched["html_429"]:
            return _REST["rest_429"]
        for fault in self._of(path):
            if fault.kind == "rest_truncated":
                return Answer(200, body[: len(body) // 2], JSON_TYPE)
            if fault.kind in _REST:
                return _REST[fault.kind]
        return None

    def rest_delay_s(self, path: str) -> float:
        return max((fault.delay_s for fault in self._of(path) if fault.kind == "rest_slow"), default=0.0)

    def frames(self, text: str, held: deque[str]) -> list[str]:
        """What goes out instead of one frame of data. `held`: what this client's earlier frame left behind."""
        if self.has("stall", "half_open"):
            return []
        out = [*held, text]
        held.clear()
        if self.has("out_of_order"):
            if len(out) == 1:
                held.append(text)  # goes out behind the next one
                return []
            out.reverse()
        if self.has("duplicate"):
            out = [one for frame in out for one in (frame, frame)]
        if self.has("oversize"):
            out.append(json.dumps({"event_type": "padding", "padding": "x" * OVERSIZE_BYTES}))
        if self.has("unknown_event"):
            out.append(json.dumps({"event_type": "new_thing", "market": "0x0"}))
        if self.has("malformed"):
            out.append(text[: len(text) // 2])
        return out

    def _of(self, path: str) -> Sequence[Fault]:
        return [fault for fault in self.active() if fault.request is None or path.startswith(fault.request)]
