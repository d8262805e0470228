"""Valid messages; a test states only what matters to it."""

from __future__ import annotations

from trading_core import ids
from trading_core.messages import CtxMessage, GridMessage, SignalMessage, WatermarkMessage

T0 = 1_760_000_040_000
"""A full minute, far from a full hour: 2025-10-09 08:54:00 UTC."""


def a_mark(at_ms: int, price: str = "100.0", *, visible_ms: int | None = None, asset: str = "BTC",
           exchange: str = "hyperliquid") -> CtxMessage:  # fmt: skip
    return CtxMessage(
        id=ids.ctx(exchange, asset, at_ms, price),
        exchange=exchange,
        asset=asset,
        event_time_ms=at_ms,
        visible_ms=at_ms if visible_ms is None else visible_ms,
        mark_price=price,
    )


def a_watermark(at_ms: int, exchange: str = "hyperliquid", *, stream: str = "MARKET") -> WatermarkMessage:
    return WatermarkMessage(id=ids.watermark(exchange, at_ms, stream), exchange=exchange, watermark_ms=at_ms)


def a_signal(
    ts: int,
    direction: str = "LONG",
    *,
    strategy: str = "s",
    asset: str = "BTC",
    grid: str = "hyperliquid",
    price: str = "100.0",
) -> SignalMessage:
    decided = direction != "PASS"
    return SignalMessage(
        id=ids.signal(strategy, "hyperliquid", asset, ts),
        strategy=strategy,
        exchange="hyperliquid",
        asset=asset,
        instrument=asset,
        ts=ts,
        grid=grid,
        direction=direction,  # type: ignore[arg-type]
        confidence=0.9 if decided else None,
        entry_price=price if decided else None,
        reason=None if decided else "no_signal",
    )


def a_grid(ts: int, evaluations: int, *, asset: str = "BTC", exchanges: str = "hyperliquid") -> GridMessage:
    return GridMessage(
        id=ids.grid(exchanges, asset, ts), exchanges=exchanges, asset=asset, ts=ts, evaluations=evaluations
    )
