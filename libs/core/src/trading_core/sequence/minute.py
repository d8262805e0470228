"""The order of application inside one minute of event time: (visible_ms, rank, key).

Live broker, replay and parity all build their inputs here; only where the messages come from differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from trading_core.broker.inputs import (
    DayChange,
    FundingHour,
    FundingRate,
    Input,
    Mark,
    MarketPoll,
    MarkToMarket,
    OrderBook,
    Place,
    Rank,
    Resolution,
    SignalInput,
    Timeouts,
)
from trading_core.messages import (
    BookMessage,
    CtxMessage,
    FundingMessage,
    MarketData,
    ProbMessage,
    ResolvedMessage,
    SignalMessage,
)
from trading_core.model import DAY_MS, HOUR_MS, Direction, Signal
from trading_core.money import decimal_of

Step = tuple[Place, Input]

# What a broker decides upon; it reads nothing else, live or from a recording.
DECIDED_UPON = (CtxMessage, FundingMessage, BookMessage, ProbMessage, ResolvedMessage)

# A held message sorts behind every other one of its minute: '~' is above all characters of an asset's name.
HELD = "~"


def inputs_of_minute(
    ts: int,
    events: Sequence[MarketData],
    held: Sequence[MarketData],
    signals: Iterable[SignalMessage],
) -> Iterator[Step]:
    """What is applied after grid point `ts` - 1 minute up to and including `ts`, each with its place.

    events: visible in (ts - 60 s, ts]; held: visible earlier, kept back by a skip; both in Timeline order.
    signals: those of grid point `ts`, in any order; PASS is ignored.
    """
    day_change_due = ts % DAY_MS == 0
    for visible_ms, group in groupby(events, key=lambda message: message.visible_ms):
        if day_change_due and visible_ms == ts:
            yield Place(ts, Rank.DAY, ""), DayChange(ts_ms=ts)
            day_change_due = False
        yield from _market_steps(visible_ms, group, "")
        if visible_ms < ts:
            yield Place(visible_ms, Rank.TIMEOUT, ""), Timeouts(ts_ms=visible_ms)
    if day_change_due:
        yield Place(ts, Rank.DAY, ""), DayChange(ts_ms=ts)
    yield from _market_steps(ts, held, HELD)
    if ts % HOUR_MS == 0:
        yield Place(ts, Rank.FUNDING, ""), FundingHour(ts_ms=ts)
    yield Place(ts, Rank.TIMEOUT, ""), Timeouts(ts_ms=ts)
    for message in sorted(signals, key=signal_order):
        place = Place(ts, Rank.SIGNAL, " ".join(signal_order(message)))
        yield place, signal_input(message, place, late=False)
    yield Place(ts, Rank.EQUITY, ""), MarkToMarket(ts_ms=ts)


def signal_order(message: SignalMessage) -> tuple[str, str, str]:
    """Signals of one grid point are applied in this order, compared bytewise."""
    return (message.strategy, message.asset, message.instrument)


def _market_steps(visible_ms: int, messages: Iterable[MarketData], prefix: str) -> Iterator[Step]:
    for message in messages:
        step = market_input(message, visible_ms)
        if step is not None:
            # A blank sorts below every character of an asset, so the text compares as the tuple would.
            key = f"{prefix}{message.asset} {message.event_time_ms:015d} {message.id}"
            yield Place(visible_ms, Rank.MARKET, key), step


def market_input(
    message: MarketData, visible_ms: int
) -> Mark | FundingRate | OrderBook | MarketPoll | Resolution | None:
    """The broker's input in a market message; None for kinds that it does not decide upon."""
    match message:
        case CtxMessage(polled=False):
            return Mark(
                exchange=message.exchange,
                asset=message.asset,
                instrument=message.asset,
                price=float(message.mark_price),
                event_id=message.id,
                event_time_ms=message.event_time_ms,
                visible_ms=visible_ms,
            )
        case FundingMessage():
            return FundingRate(
                exchange=message.exchange,
                asset=message.asset,
                hour_ms=message.hour_ms,
                rate=decimal_of(message.rate),
                event_id=message.id,
                event_time_ms=message.event_time_ms,
                visible_ms=visible_ms,
            )
        case BookMessage():
            return OrderBook(
                exchange=message.exchange,
                asset=message.asset,
                instrument=message.market or message.asset,
                bids=message.bids,
                asks=message.asks,
                tick_size=message.tick_size,
                book_time_ms=message.book_time_ms,
                event_id=message.id,
                event_time_ms=message.event_time_ms,
                visible_ms=visible_ms,
            )
        case ProbMessage():
            return MarketPoll(
                exchange=message.exchange,
                asset=message.asset,
                instrument=message.market,
                bid=message.bid,
                ask=message.ask,
                tick_size=message.tick_size,
                min_size=message.min_size,
                fee_rate=message.fee_rate,
                fee_exponent=message.fee_exponent,
                end_time_ms=message.end_time_ms,
                event_id=message.id,
                event_time_ms=message.event_time_ms,
                visible_ms=visible_ms,
            )
        case ResolvedMessage():
            return Resolution(
                exchange=message.exchange,
                asset=message.asset,
                instrument=message.market,
                yes_payout=decimal_of(message.yes_payout),
                event_id=message.id,
                event_time_ms=message.event_time_ms,
                visible_ms=visible_ms,
            )
        case _:
            return None


def signal_input(message: SignalMessage, place: Place, *, late: bool) -> SignalInput:
    """`place`: where it is applied, or, for a late one, the place after which it was applied."""
    if message.direction == "PASS" or message.confidence is None or message.entry_price is None:
        raise ValueError(f"signal {message.id} is a PASS or has no confidence or price: it is never decided")
    signal = Signal(
        strategy=message.strategy,
        asset=message.asset,
        exchange=message.exchange,
        direction=Direction(message.direction),
        confidence=message.confidence,
        entry_price=float(message.entry_price),
        metadata=message.metadata,
        ts=message.ts,
        instrument=message.instrument,
    )
    return SignalInput(signal=signal, event_id=message.id, place=place, late=late)
