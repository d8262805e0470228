"""Valid messages and states made up for tests: of the core, and of anybody's strategy.

Every message is visible at its event time unless told otherwise; a test states only what matters to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from trading_core import ids
from trading_core.market.state import HISTORY, MarketState
from trading_core.messages import (
    BookMessage,
    CandleMessage,
    CtxMessage,
    FundingMessage,
    GapMessage,
    ProbMessage,
    ResolvedMessage,
)
from trading_core.model import HOUR_MS, INTERVALS_MS, MINUTE_MS

T0 = 1_700_006_400_000
"""A UTC midnight."""


def a_candle(open_time_ms: int = T0, close: float = 100.0, **changes: Any) -> CandleMessage:
    """The 1m candle that opens at `open_time_ms`, all its prices `close` unless told otherwise."""
    price = repr(float(close))
    message = CandleMessage(
        id=ids.candle("hyperliquid", "BTC", "1m", open_time_ms, price),
        exchange="hyperliquid",
        asset="BTC",
        event_time_ms=open_time_ms + MINUTE_MS,
        visible_ms=open_time_ms + MINUTE_MS,
        open_time_ms=open_time_ms,
        open=price,
        high=price,
        low=price,
        close=price,
        volume="1.0",
    )
    return replace(message, **changes)


def a_ctx(event_time_ms: int = T0, mark_price: float = 100.0, **changes: Any) -> CtxMessage:
    """An asset context that moves the mark to `mark_price`."""
    price = repr(float(mark_price))
    message = CtxMessage(
        id=ids.ctx("hyperliquid", "BTC", event_time_ms, price),
        exchange="hyperliquid",
        asset="BTC",
        event_time_ms=event_time_ms,
        visible_ms=event_time_ms,
        mark_price=price,
    )
    return replace(message, **changes)


def a_funding(hour_ms: int = T0, rate: float = 0.0000125, **changes: Any) -> FundingMessage:
    """The settled rate of the hour `hour_ms`, stamped 11 ms later as the venue does."""
    message = FundingMessage(
        id=ids.funding("hyperliquid", "BTC", hour_ms),
        exchange="hyperliquid",
        asset="BTC",
        event_time_ms=hour_ms + 11,
        visible_ms=hour_ms + 11,
        hour_ms=hour_ms,
        rate=repr(float(rate)),
    )
    return replace(message, **changes)


def a_gap(from_ms: int, **changes: Any) -> GapMessage:
    """A gap that opens at `from_ms` and is known at once."""
    message = GapMessage(
        id=ids.gap("hyperliquid", "BTC", "candle", from_ms),
        exchange="hyperliquid",
        asset="BTC",
        event_time_ms=from_ms,
        visible_ms=from_ms,
        channel="candle",
        from_ms=from_ms,
        state="open",
    )
    return replace(message, **changes)


A_MARKET = "0x" + "a1" * 32
"""Condition id of the market of these samples."""


def a_poll(event_time_ms: int = T0, **changes: Any) -> ProbMessage:
    """A poll of a market that ends five minutes after T0; the venue says neither volume nor liquidity."""
    message = ProbMessage(
        id=ids.prob("polymarket", A_MARKET, event_time_ms, None),
        exchange="polymarket",
        asset="BTC",
        event_time_ms=event_time_ms,
        visible_ms=event_time_ms,
        market=A_MARKET,
        slug="btc-updown-5m-1700006400",
        title="Bitcoin Up or Down",
        start_time_ms=T0,
        end_time_ms=T0 + 5 * MINUTE_MS,
        yes_token="1",  # noqa: S106 - a token of the venue
        no_token="2",  # noqa: S106
    )
    return replace(message, **changes)


def a_book(event_time_ms: int = T0, bid: str | None = "0.50", ask: str | None = "0.52", **changes: Any) -> BookMessage:
    """A book of one level a side, of the market of `a_poll`; None leaves a side empty."""
    sides = [((price, "100"),) if price is not None else () for price in (bid, ask)]
    message = BookMessage(
        id=ids.book("polymarket", A_MARKET, event_time_ms, sides),
        exchange="polymarket",
        asset="BTC",
        event_time_ms=event_time_ms,
        visible_ms=event_time_ms,
        market=A_MARKET,
        book_time_ms=event_time_ms,
        bids=sides[0],
        asks=sides[1],
    )
    return replace(message, **changes)


def a_result(event_time_ms: int = T0, yes_payout: str = "1", market: str = A_MARKET) -> ResolvedMessage:
    return ResolvedMessage(
        id=ids.resolved("polymarket", market),
        exchange="polymarket",
        asset="BTC",
        event_time_ms=event_time_ms,
        visible_ms=event_time_ms,
        market=market,
        yes_payout=yes_payout,
    )


def a_state(
    closes: Iterable[float], interval: str = "1m", *, start_ms: int = T0, history: int = HISTORY
) -> MarketState:
    """BTC after one candle of `interval` per close, flat inside, the first opening at `start_ms`; mark = last close."""
    state = MarketState("BTC", history=history)
    for number, close in enumerate(closes):
        first_ms = start_ms + number * INTERVALS_MS[interval]
        for open_time_ms in range(first_ms, first_ms + INTERVALS_MS[interval], MINUTE_MS):
            state.apply_row(open_time_ms, close, close, close, close, 1.0)
    return state


def end_of(state: MarketState) -> int:
    """The grid point at which the newest candle of `state` closed."""
    return int(state.seen(state.exchanges[0])["candle_close_ms"])


def hour(number: int) -> int:
    """The full hour `number` hours after T0."""
    return T0 + number * HOUR_MS
