"""What a strategy is: a class with a name, an interval, parameters, and a pure `evaluate`."""

from __future__ import annotations

import re
import weakref
from abc import ABC, abstractmethod
from typing import Any, TypeVar

import msgspec

from trading_core.market.prediction import PredictionSnapshot
from trading_core.market.snapshot import MarketSnapshot
from trading_core.market.state import HISTORY
from trading_core.model import INTERVALS_MS, Direction, Exchange, Signal
from trading_core.strategy.past import Past

_NAME = re.compile(r"^[a-z][a-z0-9_]{0,47}$")


class StrategyParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of a strategy's parameters. Limits go into `Annotated[..., msgspec.Meta(...)]` or `__post_init__`."""


class Strategy(ABC):
    """One opinion about one asset at a time, decided from a snapshot alone.

    `evaluate` is pure: no clock, no I/O, nothing random, no sight of the portfolio, nothing remembered between calls.
    The docstring of the class has four headed parts (Thesis, Expected edge, Data requirements, Risk characteristics);
    the dashboard shows it.
    """

    name: str
    """snake_case, the name of its folder."""
    assets: tuple[str, ...] = ()
    """Which assets it looks at; empty: every configured one."""
    exchanges: tuple[str, ...] = (Exchange.HYPERLIQUID.value,)
    """Which exchanges' data it needs; it trades on the first."""
    interval: str = "1m"
    """It is evaluated at every multiple of this interval, UTC."""
    history: int = HISTORY
    """1m candles that its windows may reach back over; what lies before is never seen, live or in a backtest."""

    class Params(StrategyParams, frozen=True):
        """No parameters."""

    params: StrategyParams

    def __init__(self, params: StrategyParams | None = None, *, interval: str | None = None) -> None:
        self.params = self.Params() if params is None else params
        if interval is not None:
            self.interval = interval
        self.prepare()

    def prepare(self) -> None:  # noqa: B027 - most strategies have nothing to prepare
        """Derive constants from `self.params` once, before the first evaluation."""

    @abstractmethod
    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        """The signal at `snapshot.ts`; None (recorded as PASS `no_signal`) when the rule does not fire."""

    def scan(self, past: Past) -> None:
        """What `evaluate` says at many grid points at once: optional, for the speed of backtests only.

        Say it with `past.leave`, `past.say` and `past.ask`. `evaluate` stays the truth: it is asked again wherever a
        signal is acted on, and at a sample of the other points; a difference ends the run.
        """
        raise NotImplementedError

    @classmethod
    def has_scan(cls) -> bool:
        return cls.scan is not Strategy.scan

    def signal(self, snapshot: MarketSnapshot, direction: Direction, confidence: float, **inputs: Any) -> Signal:
        """A signal at the mark of T. `inputs`: what decided, JSON values, kept as its metadata."""
        return self._made(snapshot, "", direction, confidence, inputs)

    def signal_on(
        self,
        market: PredictionSnapshot,
        snapshot: MarketSnapshot,
        direction: Direction,
        confidence: float,
        **inputs: Any,
    ) -> Signal:
        """A signal on one prediction market, at its probability; LONG bets on YES/Up, SHORT on NO/Down.

        Ids and times of what was seen of the market are kept beside `inputs`.
        """
        return self._made(snapshot, market.market, direction, confidence, {**inputs, **market.seen()})

    def _made(
        self, snapshot: MarketSnapshot, instrument: str, direction: Direction, confidence: float, inputs: dict[str, Any]
    ) -> Signal:
        return Signal(
            strategy=self.name,
            asset=snapshot.asset,
            exchange=snapshot.exchange,
            direction=direction,
            confidence=float(confidence),
            entry_price=snapshot.price_of(instrument),
            metadata=inputs,
            ts=snapshot.ts,
            instrument=instrument,
        )


StrategyClass = TypeVar("StrategyClass", bound=type[Strategy])
_registered: weakref.WeakSet[type[Strategy]] = weakref.WeakSet()


def register(cls: StrategyClass) -> StrategyClass:
    """Mark `cls` as the strategy of its module; exactly one class per `strategy.py` carries it.

    TypeError when its class attributes cannot be meant.
    """
    name = getattr(cls, "name", None)
    if not isinstance(name, str) or not _NAME.match(name):
        raise TypeError(f"{cls.__name__}.name must be snake_case, got {name!r}")
    if cls.interval not in INTERVALS_MS:
        raise TypeError(f"{cls.__name__}.interval must be one of {', '.join(INTERVALS_MS)}, got {cls.interval!r}")
    if not cls.exchanges or not set(cls.exchanges) <= {exchange.value for exchange in Exchange}:
        raise TypeError(f"{cls.__name__}.exchanges must name one or more of {', '.join(Exchange)}, got {cls.exchanges}")
    if not issubclass(cls.Params, StrategyParams):
        raise TypeError(f"{cls.__name__}.Params must be a StrategyParams")
    _registered.add(cls)
    return cls


def is_registered(item: object) -> bool:
    return isinstance(item, type) and item in _registered
