"""The state of one portfolio: everything the rules remember, and nothing that history could tell instead."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from trading_core.broker import valuation
from trading_core.broker.depth import Depth
from trading_core.broker.events import FundingOwed, PositionState
from trading_core.broker.holding import Top
from trading_core.broker.inputs import Limit
from trading_core.broker.rules import RuleBook
from trading_core.broker.terms import MarketTerms
from trading_core.money import NOTHING_USD, ZERO, exactly


class HeldMark(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The newest mark of an instrument; `before` is the price it replaced, the yardstick for odd fills.

    Of a prediction market also the best bid and ask whose mid it is, `top`, and those it replaced: fills refer to them.
    """

    price: float
    event_id: str
    event_time_ms: int
    visible_ms: int
    before: float | None
    top: Top | None = None
    top_before: Top | None = None

    @property
    def late(self) -> bool:
        return self.visible_ms > self.event_time_ms


class LastClose(msgspec.Struct, frozen=True, omit_defaults=True):
    """The last closed position of a strategy on an asset: what the cooldown looks at."""

    position_id: str
    closed_ms: int
    realised_pnl: Decimal
    timed_out: bool = False


class KnownRate(msgspec.Struct, frozen=True):
    """A settled funding rate of one hour, and the stamp by which a later row replaces it."""

    rate: Decimal
    event_id: str
    event_time_ms: int


def instrument_key(exchange: str, instrument: str) -> str:
    return f"{exchange}:{instrument}"


def strategy_asset_key(strategy: str, asset: str) -> str:
    return f"{strategy}:{asset}"


@dataclass(slots=True)
class Book:
    """All state of one portfolio. It changes only in `evolve`, in place; a failed commit means reloading it.

    `positions` are the open ones in order of opening. Bounded: names, open positions, a week of owed funding.
    """

    portfolio: str
    initial_capital: Decimal
    day_start_equity: Decimal
    positions: dict[str, PositionState] = field(default_factory=dict)
    marks: dict[str, HeldMark] = field(default_factory=dict)
    realised: Decimal = NOTHING_USD
    # Replaced, never changed: a row of mark-to-market may hold the one of its time.
    realised_by_strategy: dict[str, Decimal] = field(default_factory=dict)
    realised_by_asset: dict[str, Decimal] = field(default_factory=dict)
    last_closes: dict[str, LastClose] = field(default_factory=dict)
    day_ms: int = 0
    day_realised: dict[str, Decimal] = field(default_factory=dict)
    paused_until: dict[str, int] = field(default_factory=dict)
    paused_by_person: dict[str, str] = field(default_factory=dict)
    funding_rates: dict[str, dict[int, KnownRate]] = field(default_factory=dict)
    owed: dict[str, FundingOwed] = field(default_factory=dict)
    closed_owing: dict[str, PositionState] = field(default_factory=dict)
    depths: dict[str, Depth] = field(default_factory=dict)
    """The newest recorded book by instrument, less what was taken from it."""
    terms: dict[str, MarketTerms] = field(default_factory=dict)
    """Of prediction markets that have not ended, or in which a position is open."""
    limits: dict[str, dict[str, Limit]] = field(default_factory=dict)
    """What people have changed of a strategy's rules while the broker ran."""
    # Derived from `limits`, never stored: the rules that they were laid over, and the result.
    limited: tuple[RuleBook, RuleBook] | None = None
    # Derived from `positions`, never stored: so that a mark costs nothing where no position is open.
    by_instrument: dict[str, list[str]] = field(default_factory=dict)

    def mark(self, exchange: str, instrument: str) -> HeldMark | None:
        return self.marks.get(instrument_key(exchange, instrument))

    def held_mark(self, position: PositionState) -> HeldMark:
        """The mark of an open position: there is one, since without a mark nothing opens."""
        return self.marks[instrument_key(position.exchange, position.instrument)]

    def on_instrument(self, exchange: str, instrument: str) -> list[PositionState]:
        """Open positions on one instrument, in order of opening."""
        ids = self.by_instrument.get(instrument_key(exchange, instrument))
        return [self.positions[position_id] for position_id in ids] if ids else []

    def market_terms(self, exchange: str, instrument: str) -> MarketTerms | None:
        return self.terms.get(instrument_key(exchange, instrument))

    def fresh_depth(self, exchange: str, instrument: str, ts_ms: int, max_age_s: int) -> Depth | None:
        """The newest recorded book; None when there is none or it was not known to stand since `max_age_s` before."""
        depth = self.depths.get(instrument_key(exchange, instrument))
        return None if depth is None or ts_ms - depth.event_time_ms > max_age_s * 1000 else depth

    def of_strategy(self, strategy: str, exchange: str, instrument: str) -> PositionState | None:
        """The strategy's open position on the instrument; it can hold one at most."""
        for position_id in self.by_instrument.get(instrument_key(exchange, instrument), ()):
            position = self.positions[position_id]
            if position.strategy == strategy:
                return position
        return None

    def count_of(self, strategy: str) -> int:
        """How many positions the strategy has open."""
        if not self.positions:
            return 0
        return sum(position.strategy == strategy for position in self.positions.values())

    def timeout_due(self) -> bool:
        """Whether a held mark has reached the deadline of an open position; cheap, to be asked per minute."""
        return any(
            position.deadline_ms is not None and position.deadline_ms <= self.held_mark(position).event_time_ms
            for position in self.positions.values()
        )

    def equity(self) -> Decimal:
        """Initial capital, realised P&L and what is open, at the held marks; exact."""
        with exactly():
            return self.equity_and_exposure()[0]

    def equity_and_exposure(self) -> tuple[Decimal, Decimal]:
        """Equity, and the sum of quantity times mark over all open positions, long and short alike; USD.

        To be called inside `money.exactly()`.
        """
        equity, exposure = self.initial_capital + self.realised, ZERO
        for position in self.positions.values():
            mark_price = self.held_mark(position).price
            equity += valuation.open_pnl(position, mark_price)
            exposure += valuation.notional(position, mark_price)
        return equity, exposure


class _Stored(msgspec.Struct):
    """What `dump` writes: the fields of a book that history alone could give back."""

    portfolio: str
    initial_capital: Decimal
    day_start_equity: Decimal
    positions: list[PositionState]
    marks: dict[str, HeldMark]
    realised: Decimal
    realised_by_strategy: dict[str, Decimal]
    realised_by_asset: dict[str, Decimal]
    last_closes: dict[str, LastClose]
    day_ms: int
    day_realised: dict[str, Decimal]
    paused_until: dict[str, int]
    paused_by_person: dict[str, str]
    funding_rates: dict[str, dict[int, KnownRate]]
    owed: list[FundingOwed]
    closed_owing: list[PositionState]
    # A checkpoint from before prediction markets were traded has none of them.
    depths: dict[str, Depth] = {}
    terms: dict[str, MarketTerms] = {}
    limits: dict[str, dict[str, Limit]] = {}


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Stored)
_PLAIN = tuple(name for name in _Stored.__struct_fields__ if name not in ("positions", "owed", "closed_owing"))


def new_book(rules: RuleBook) -> Book:
    """An empty portfolio: its first day starts with the initial capital."""
    capital = rules.initial_capital
    return Book(portfolio=rules.portfolio, initial_capital=capital, day_start_equity=capital)


def dump(book: Book) -> bytes:
    """The book as JSON, Decimals as strings. `load(dump(book))` goes on exactly as `book` would."""
    stored = _Stored(
        positions=list(book.positions.values()),
        owed=list(book.owed.values()),
        closed_owing=list(book.closed_owing.values()),
        **{name: getattr(book, name) for name in _PLAIN},
    )
    return _encoder.encode(stored)


def load(data: bytes | str) -> Book:
    """The book that `dump` wrote. msgspec.ValidationError when it is not one."""
    stored = _decoder.decode(data)
    book = Book(
        positions={position.position_id: position for position in stored.positions},
        owed={owed.event_id: owed for owed in stored.owed},
        closed_owing={position.position_id: position for position in stored.closed_owing},
        **{name: getattr(stored, name) for name in _PLAIN},
    )
    for position in stored.positions:
        key = instrument_key(position.exchange, position.instrument)
        book.by_instrument.setdefault(key, []).append(position.position_id)
    return book
