"""What can happen to a portfolio, in the order in which it is applied: the inputs of the broker's pure core.

The caller brings everything into the order `(visible_ms, rank, key)`; the core never looks at a clock.
Times are UTC milliseconds of event time. Prices are float as everywhere in market data; they become
Decimal where they meet money.
"""

from __future__ import annotations

from decimal import Decimal
from enum import IntEnum
from typing import Literal

import msgspec

from trading_core.model import Candle, Signal

Verb = Literal["pause", "resume", "close", "limits"]
Limit = str | int | float | None
Level = tuple[str, str]
"""Price and size of one level of an order book."""


class Rank(IntEnum):
    """The order of application at equal `visible_ms`."""

    DAY = 1
    MARKET = 2
    FUNDING = 3
    TIMEOUT = 4
    SIGNAL = 5
    EQUITY = 6


class Place(msgspec.Struct, frozen=True, order=True, gc=False):
    """A position in the order of application. Tuples compare; `key` bytewise (its code points are ASCII)."""

    visible_ms: int
    rank: int
    key: str


class DayChange(msgspec.Struct, frozen=True):
    """A UTC day begins at `ts_ms`. Applied before anything else of that minute."""

    ts_ms: int


class Mark(msgspec.Struct, frozen=True):
    """A new mark of one instrument. One older (`event_time_ms`) than the held mark, or itself again, is ignored."""

    exchange: str
    asset: str
    instrument: str
    price: float
    event_id: str
    event_time_ms: int
    visible_ms: int


class OrderBook(msgspec.Struct, frozen=True):
    """The recorded levels of one instrument, best first, prices and sizes as the venue printed them.

    What `fill_model: book` walks. Of a prediction market (YES/Up terms) it also brings the mark: the mid of the best
    two. `book_time_ms` is when the venue last changed it: the same book told again gives back nothing that was taken.
    """

    exchange: str
    asset: str
    instrument: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    tick_size: str | None
    book_time_ms: int
    event_id: str
    event_time_ms: int
    visible_ms: int


class MarketPoll(msgspec.Struct, frozen=True):
    """One poll of a prediction market: its terms, and whether its book still stood. None is unknown."""

    exchange: str
    asset: str
    instrument: str
    bid: str | None
    ask: str | None
    tick_size: str | None
    min_size: str | None
    fee_rate: str | None
    fee_exponent: str | None
    end_time_ms: int
    event_id: str
    event_time_ms: int
    visible_ms: int


class Resolution(msgspec.Struct, frozen=True):
    """The venue's report of a result. `yes_payout`: what a YES/Up token pays, 0 to 1; the other one pays the rest."""

    exchange: str
    asset: str
    instrument: str
    yes_payout: Decimal
    event_id: str
    event_time_ms: int
    visible_ms: int


class Bar(msgspec.Struct, frozen=True):
    """A closed 1m candle of a candle backtest: its range meets stops and targets, its close is the mark."""

    exchange: str
    asset: str
    candle: Candle


class FundingRate(msgspec.Struct, frozen=True):
    """The settled rate of the hour `hour_ms`, as a fraction of notional; books what is owed for that hour.

    Of two rows of one hour the one with the later stamp counts, as long as none has been charged.
    """

    exchange: str
    asset: str
    hour_ms: int
    rate: Decimal
    event_id: str
    event_time_ms: int
    visible_ms: int


class FundingHour(msgspec.Struct, frozen=True):
    """The full hour `ts_ms`: every position entered before it pays, receives or owes."""

    ts_ms: int


class Timeouts(msgspec.Struct, frozen=True):
    """Close what is due: positions whose deadline is not after the event time of the held mark.

    To be applied after the marks of each `visible_ms` at which `Book.timeout_due()` is true.
    """

    ts_ms: int


class SignalInput(msgspec.Struct, frozen=True):
    """A LONG, SHORT or CLOSE signal at its place. `place.visible_ms` is the event time of all it causes."""

    signal: Signal
    event_id: str
    place: Place
    late: bool = False


class MarkToMarket(msgspec.Struct, frozen=True):
    """Value the portfolio at the full minute `ts_ms`, after the signals of that minute."""

    ts_ms: int


class CloseAll(msgspec.Struct, frozen=True):
    """Close every position at its held mark, reason `manual`: the end of a backtest."""

    ts_ms: int


class ClosePosition(msgspec.Struct, frozen=True):
    """A person closes one position at its held mark, reason `manual`. Nothing happens if it is not open."""

    position_id: str
    ts_ms: int


class Command(msgspec.Struct, frozen=True, kw_only=True, tag="command"):
    """What a person asks for, by name: the strategies to pause or resume, the positions to close, or new limits.

    `place`: after what it was applied, between two grid points; its `visible_ms` is the event time of the effects.
    `limits`: keys of a strategy's `rules:`, laid over what is in force for each of `strategies`; none: as configured.
    """

    request_id: str
    verb: Verb
    who: str
    why: str
    place: Place
    strategies: tuple[str, ...] = ()
    positions: tuple[str, ...] = ()
    limits: dict[str, Limit] = {}


class PauseByPerson(msgspec.Struct, frozen=True):
    """A person pauses a strategy, or with `paused=False` ends that pause. A day's pause is not touched."""

    strategy: str
    paused: bool
    ts_ms: int
    reason: str = ""


Input = (
    DayChange
    | Mark
    | OrderBook
    | MarketPoll
    | Resolution
    | Bar
    | FundingRate
    | FundingHour
    | Timeouts
    | SignalInput
    | MarkToMarket
    | CloseAll
    | ClosePosition
    | PauseByPerson
    | Command
)
