"""What a venue said and nobody could read, as a dead letter. Pure."""

from __future__ import annotations

from trading_core import ids
from trading_core.messages import DeadLetterMessage

PAYLOAD_MAX = 64 * 1024 // 2


def dead_letter(exchange: str, number: int, reason: str, payload: str, wall_ms: int) -> DeadLetterMessage:
    """`number`: of this start's rejects. It is no market fact: the id tells it from an equal one, a retry keeps it."""
    return DeadLetterMessage(
        id=f"dl:{ids.SHORT[exchange]}:{wall_ms}:{number}:{ids.h8(payload)}",
        source=f"venue.{exchange}",
        reason=reason,
        payload=payload[:PAYLOAD_MAX],
        received_time_ms=wall_ms,
    )
