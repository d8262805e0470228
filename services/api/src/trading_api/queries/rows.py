"""From database rows to the rows of answers."""

from __future__ import annotations

from decimal import Decimal

from trading_api.database import Row, maybe_ms
from trading_api.schemas import FillRow, GapRow, HeldMarket, MarketRow, OpenGap, SignalRow
from trading_core.broker import holding
from trading_core.db.times import millis
from trading_core.model import Exchange
from trading_core.money import plain

POLYMARKET = Exchange.POLYMARKET.value


def text(amount: Decimal | None) -> str | None:
    return None if amount is None else plain(amount)


def held_market(row: Row, direction: str) -> HeldMarket:
    """`row` of `trades.MARKETS`."""
    yes_payout: Decimal | None = row["yes_payout"]
    payout = None if yes_payout is None else holding.held_price(POLYMARKET, direction, yes_payout)
    return HeldMarket(
        title=row["market_title"],
        outcome="YES" if direction == "LONG" else "NO",
        end_ms=maybe_ms(row["end_ts"]),
        resolved_ms=maybe_ms(row["resolved_ts"]),
        payout=_number(payout),
    )


def signal(row: Row) -> SignalRow:
    return SignalRow(
        id=row["event_id"],
        t=millis(row["ts"]),
        strategy=row["strategy"],
        exchange=row["exchange"],
        asset=row["asset"],
        direction=row["direction"],
        confidence=row["confidence"],
        entry_price=text(row["entry_price"]),
        decision=row["decision"],
        reason=row["reason"],
    )


def fill(row: Row) -> FillRow:
    closing = row["purpose"] != "entry"
    return FillRow(
        id=row["event_id"],
        t=millis(row["ts"]),
        strategy=row["strategy"],
        exchange=row["exchange"],
        asset=row["asset"],
        direction=row["direction"],
        side=row["side"],
        purpose=row["purpose"],
        quantity=plain(row["quantity"]),
        price=plain(row["price"]),
        fee=plain(row["fee"]),
        exit_reason=row["exit_reason"] if closing else None,
        realised_pnl=text(row["realised_pnl"]) if closing else None,
    )


def gap(row: Row) -> GapRow:
    return GapRow(
        id=row["event_id"],
        exchange=row["exchange"],
        asset=row["asset"],
        channel=row["channel"],
        from_ms=millis(row["from_ts"]),
        to_ms=maybe_ms(row["to_ts"]),
        state=row["state"],
        reason=row["reason"],
    )


def open_gap(row: Row) -> OpenGap:
    return OpenGap(
        exchange=row["exchange"],
        asset=row["asset"],
        channel=row["channel"],
        from_ms=millis(row["from_ts"]),
        reason=row["reason"],
    )


def market(row: Row, now_ms: int) -> MarketRow:
    """`now_ms`: the venue's time, which tells whether the market has ended."""
    end_ms, resolved_ms = millis(row["end_ts"]), maybe_ms(row["resolved_ts"])
    return MarketRow(
        id=row["market_id"],
        asset=row["asset"],
        title=row["market_title"],
        slug=row["slug"],
        state="resolved" if resolved_ms is not None else "open" if end_ms > now_ms else "awaited",
        start_ms=maybe_ms(row["start_ts"]),
        end_ms=end_ms,
        polled_ms=millis(row["ts"]),
        probability=_number(row["yes_price"]),
        bid=_number(row["bid"]),
        ask=_number(row["ask"]),
        last=_number(row["last"]),
        spread=_number(row["spread"]),
        volume_24h=text(row["volume_24h"]),
        liquidity=text(row["liquidity"]),
        resolved_ms=resolved_ms,
        yes_payout=_number(row["yes_payout"]),
    )


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
