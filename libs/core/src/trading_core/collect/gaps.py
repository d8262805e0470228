"""Holes in a channel's data as messages. Pure."""

from __future__ import annotations

from typing import Literal

from trading_core import ids
from trading_core.messages import GapMessage

Channel = Literal["trade", "bbo", "ctx", "candle_1m", "book", "prob"]
GapState = Literal["open", "filled", "lost"]


def gap(
    exchange: str,
    asset: str,
    channel: Channel,
    from_ms: int,
    to_ms: int | None,
    state: GapState,
    reason: str,
    visible_ms: int,
    received_ms: int,
) -> GapMessage:
    return GapMessage(
        id=ids.gap(exchange, asset, channel, from_ms, to_ms),
        exchange=exchange,
        asset=asset,
        event_time_ms=from_ms,
        visible_ms=max(from_ms, visible_ms),
        received_time_ms=received_ms,
        channel=channel,
        from_ms=from_ms,
        to_ms=to_ms,
        state=state,
        reason=reason,
    )
