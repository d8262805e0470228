"""A portfolio on the table: builders of inputs with valid defaults, and a desk that applies them in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from trading_core.broker.apply import apply
from trading_core.broker.book import Book, new_book
from trading_core.broker.events import Decision, Event, Fill, PositionState
from trading_core.broker.inputs import FundingRate, Input, Mark, Place, Rank, SignalInput
from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, RuleBook, rule_book
from trading_core.config import BrokerConfig, StrategyRules
from trading_core.model import HOUR_MS, MINUTE_MS, Direction, Signal

DAY0 = 1_750_032_000_000
"""A UTC midnight."""
SECOND_MS = 1_000
Kind = TypeVar("Kind", bound=Event)


def at(minute: float) -> int:
    """The event time `minute` minutes after the midnight of these tests."""
    return DAY0 + round(minute * MINUTE_MS)


def a_rule_book(strategies: Mapping[str, Mapping[str, Any]] | None = None, **broker: Any) -> RuleBook:
    overrides = {name: StrategyRules(**rules) for name, rules in (strategies or {}).items()}
    return rule_book(BrokerConfig(**broker), overrides, DEFAULT_SZ_DECIMALS)


def a_mark(
    price: float, minute: float = 0, *, asset: str = "BTC", visible_ms: int | None = None, event_id: str | None = None
) -> Mark:
    ts_ms = at(minute)
    return Mark(
        exchange="hyperliquid",
        asset=asset,
        instrument=asset,
        price=price,
        event_id=event_id or f"x:hl:{asset}:{ts_ms}:{price}",
        event_time_ms=ts_ms,
        visible_ms=ts_ms if visible_ms is None else visible_ms,
    )


def a_signal(
    direction: str = "LONG",
    minute: float = 0,
    *,
    price: float = 80_000.0,
    asset: str = "BTC",
    strategy: str = "alpha",
    confidence: float = 0.9,
    applied_ms: int | None = None,
) -> SignalInput:
    """A signal of grid point `minute`; `applied_ms` (default: on time) is where it is applied."""
    ts_ms = at(minute)
    signal = Signal(
        strategy=strategy,
        asset=asset,
        exchange="hyperliquid",
        direction=Direction(direction),
        confidence=confidence,
        entry_price=price,
        metadata={},
        ts=ts_ms,
    )
    late = applied_ms is not None and applied_ms > ts_ms
    place = Place(ts_ms if applied_ms is None else applied_ms, Rank.SIGNAL, f"{strategy} {asset} {asset}")
    return SignalInput(signal, f"s:{strategy}:hl:{asset}:{ts_ms}", place, late)


def a_rate(rate: str, hour_minute: float, *, asset: str = "BTC", minute: float | None = None) -> FundingRate:
    """The rate of the hour at `hour_minute`, arriving at `minute` (default: 11 ms after its hour)."""
    hour_ms = at(hour_minute)
    stamp_ms = hour_ms + 11 if minute is None else at(minute)
    assert hour_ms % HOUR_MS == 0, hour_minute
    return FundingRate(
        "hyperliquid", asset, hour_ms, Decimal(rate), f"f:hl:{asset}:{hour_ms}", stamp_ms, max(stamp_ms, hour_ms)
    )


@dataclass
class Desk:
    """A book and its rules; what happened so far."""

    rules: RuleBook = field(default_factory=a_rule_book)
    events: list[Event] = field(default_factory=list)
    book: Book = field(init=False)

    def __post_init__(self) -> None:
        self.book = new_book(self.rules)

    def apply(self, *inputs: Input) -> list[Event]:
        """The events of `inputs`, applied one after the other."""
        caused = [event for given in inputs for event in apply(self.book, self.rules, given)]
        self.events += caused
        return caused

    def decide(self, given: SignalInput) -> Decision:
        [decision] = [event for event in self.apply(given) if isinstance(event, Decision)]
        return decision

    def open_long(self, price: float = 80_000.0, minute: float = 0, **signal: Any) -> PositionState:
        """A LONG at a mark of that minute."""
        return self._open("LONG", price, minute, **signal)

    def open_short(self, price: float = 80_000.0, minute: float = 0, **signal: Any) -> PositionState:
        return self._open("SHORT", price, minute, **signal)

    def last(self, kind: type[Kind]) -> Kind:
        return [event for event in self.events if isinstance(event, kind)][-1]

    def all(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.events if isinstance(event, kind)]

    def closed(self) -> list[PositionState]:
        return [event for event in self.all(PositionState) if event.status == "CLOSED"]

    def _open(self, direction: str, price: float, minute: float, **signal: Any) -> PositionState:
        self.apply(a_mark(price, minute, asset=signal.get("asset", "BTC")))
        caused = self.apply(a_signal(direction, minute, price=price, **signal))
        [position] = [event for event in caused if isinstance(event, PositionState)]
        return position


def exit_fill(events: list[Event]) -> Fill:
    """The one fill among `events` that closed something."""
    [fill] = [event for event in events if isinstance(event, Fill) and event.purpose != "entry"]
    return fill
