"""The core's events as messages on EXEC: the same bytes from the live broker and from a replay."""

from __future__ import annotations

from typing import Any

import msgspec

from trading_core.broker.events import Event
from trading_core.messages import ExecKind, ExecMessage

_KIND_OF: dict[str, ExecKind] = {
    "decision": "decision",
    "order": "order",
    "fill": "fill",
    "position": "position",
    "funding": "funding",
    "funding_owed": "funding",
    "equity": "equity",
    "paused": "risk",
    "resumed": "risk",
    "day": "risk",
    "command": "command",
}


def kind_of(event: Event) -> ExecKind:
    """The kind under which `event` is announced."""
    return _KIND_OF[str(event.__struct_config__.tag)]


def announcement(event: Event, portfolio: str, outbox_id: int = 0) -> ExecMessage:
    """`event` for EXEC; the outbox gives `outbox_id` when the row is sent."""
    body: dict[str, Any] = msgspec.to_builtins(event)
    return ExecMessage(
        id=event.event_id,
        kind=_KIND_OF[body["type"]],
        portfolio=portfolio,
        strategy=getattr(event, "strategy", None),
        asset=getattr(event, "asset", None),
        event_time_ms=event.ts_ms,
        outbox_id=outbox_id,
        body=body,
    )
