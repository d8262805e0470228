"""Prediction markets on the table: books, polls, results and signals with valid defaults, in YES/Up terms."""

from __future__ import annotations

from decimal import Decimal

from broker_builders import at

from trading_core.broker.inputs import Level, MarketPoll, OrderBook, Place, Rank, Resolution, SignalInput
from trading_core.model import Direction, Signal

MARKET = "0xab"
BIDS = (("0.20", "100"), ("0.19", "500"))
ASKS = (("0.22", "50"), ("0.23", "1000"))


def a_book(
    bids: tuple[Level, ...] = BIDS,
    asks: tuple[Level, ...] = ASKS,
    minute: float = 0,
    *,
    changed: float | None = None,
    market: str = MARKET,
    tick_size: str | None = "0.01",
) -> OrderBook:
    """What stood at `minute`; `changed`: when the venue last changed it (default: just then)."""
    ts_ms = at(minute)
    return OrderBook(
        exchange="polymarket",
        asset="BTC",
        instrument=market,
        bids=bids,
        asks=asks,
        tick_size=tick_size,
        book_time_ms=ts_ms if changed is None else at(changed),
        event_id=f"bk:pm:{market}:{ts_ms}",
        event_time_ms=ts_ms,
        visible_ms=ts_ms,
    )


def a_coin_book(
    bids: tuple[Level, ...], asks: tuple[Level, ...], minute: float = 0, *, asset: str = "ETH"
) -> OrderBook:
    ts_ms = at(minute)
    return OrderBook(
        exchange="hyperliquid", asset=asset, instrument=asset, bids=bids, asks=asks, tick_size=None,
        book_time_ms=ts_ms, event_id=f"bk:hl:{asset}:{ts_ms}", event_time_ms=ts_ms, visible_ms=ts_ms,
    )  # fmt: skip


def a_poll(
    minute: float = 0,
    *,
    bid: str | None = "0.20",
    ask: str | None = "0.22",
    market: str = MARKET,
    tick_size: str | None = "0.01",
    min_size: str | None = None,
    fee_rate: str | None = "0.07",
    fee_exponent: str | None = "1",
    end_minute: float = 15,
) -> MarketPoll:
    ts_ms = at(minute)
    return MarketPoll(
        exchange="polymarket", asset="BTC", instrument=market, bid=bid, ask=ask, tick_size=tick_size,
        min_size=min_size, fee_rate=fee_rate, fee_exponent=fee_exponent, end_time_ms=at(end_minute),
        event_id=f"p:pm:{market}:{ts_ms}", event_time_ms=ts_ms, visible_ms=ts_ms,
    )  # fmt: skip


def a_result(yes_payout: str, minute: float = 16, *, market: str = MARKET, seen: float | None = None) -> Resolution:
    ts_ms = at(minute)
    return Resolution(
        exchange="polymarket", asset="BTC", instrument=market, yes_payout=Decimal(yes_payout),
        event_id=f"r:pm:{market}", event_time_ms=ts_ms, visible_ms=ts_ms if seen is None else at(seen),
    )  # fmt: skip


def a_bet(
    direction: str = "LONG", minute: float = 0, *, price: float = 0.21, strategy: str = "alpha", market: str = MARKET
) -> SignalInput:
    ts_ms = at(minute)
    signal = Signal(
        strategy=strategy, asset="BTC", exchange="polymarket", direction=Direction(direction), confidence=0.9,
        entry_price=price, metadata={}, ts=ts_ms, instrument=market,
    )  # fmt: skip
    place = Place(ts_ms, Rank.SIGNAL, f"{strategy} BTC {market}")
    return SignalInput(signal, f"s:{strategy}:pm:{market}:{ts_ms}", place)
