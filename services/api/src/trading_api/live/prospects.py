"""What lies ahead of an open position besides its exits: the next funding, and the result of its market."""

from __future__ import annotations

from typing import Any

from trading_api.live import valuation
from trading_api.live.marks import Mark
from trading_api.queries import rows, trades
from trading_api.schemas import HeldMarket
from trading_core.broker import holding
from trading_core.broker.events import PositionState
from trading_core.model import HOUR_MS
from trading_core.money import plain


def funding_ahead(position: PositionState, mark: Mark | None, now_ms: int | None, interval_h: int) -> dict[str, Any]:
    """The fields of an `OpenPosition` about its next settlement; none of a token, which pays no funding."""
    if holding.is_token(position.exchange) or now_ms is None:
        return {}
    interval_ms = interval_h * HOUR_MS
    ahead: dict[str, Any] = {
        "funding_interval_ms": interval_ms,
        "next_funding_ms": (now_ms // interval_ms + 1) * interval_ms,
    }
    if mark is None or (rate := mark.funding_rate_1h) is None:
        return ahead
    amount = valuation.next_funding(position, mark.price, rate, interval_h)
    return {**ahead, "funding_rate_1h": plain(rate), "next_funding": plain(amount)}


async def held_markets(connection: Any, positions: list[PositionState]) -> dict[str, HeldMarket]:
    """The markets behind tokens that are held, by position."""
    held = [position for position in positions if holding.is_token(position.exchange)]
    if not held:
        return {}
    named = sorted({position.instrument for position in held})
    known = {row["market_id"]: row for row in await connection.fetch(trades.MARKETS, named)}
    return {each.position_id: rows.held_market(known[each.instrument], each.direction) for each in held}
