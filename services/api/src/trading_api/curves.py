"""Equity curves in memory: the portfolio's, and initial capital plus P&L of each strategy.

What the metrics rest on is kept exactly: the last row of each day, and the rows at which the curve turned. From these
`trading_core.metrics` finds what it would find from all rows. Of every row there are besides two numbers for drawing,
16 bytes a minute and curve: 92 MB for a year of eleven curves.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from trading_core.db.times import millis
from trading_core.metrics.curve import max_drawdown
from trading_core.model import DAY_MS
from trading_core.money import ZERO, to_micros

Breakdown: TypeAlias = dict[str, dict[str, Decimal]]
"""The column of the same name: `strategies` and `assets`, each name with its share of P&L."""


@dataclass
class Curve:
    """One equity curve, USD, exact. `closing` holds the last row of each UTC day; 00:00 belongs to the day before.

    `micros` and `falls` have one item a row: equity in millionths of a USD, and its drawdown as a fraction.
    """

    initial: Decimal
    last: Decimal
    peak: Decimal
    trough: Decimal
    closing: dict[int, tuple[int, Decimal]] = field(default_factory=dict)
    turns: list[Decimal] = field(default_factory=list)
    newest_ms: int | None = None
    micros: array[int] = field(default_factory=lambda: array("q"))
    falls: array[float] = field(default_factory=lambda: array("d"))
    _at_peak: bool = True

    @classmethod
    def flat(cls, initial: Decimal, beside: Curve | None = None) -> Curve:
        """At the initial capital for as long as `beside` exists: a strategy without any P&L so far."""
        rows = beside.closing if beside else {}
        closing = {day: (ts_ms, initial) for day, (ts_ms, _) in rows.items()}
        count = len(beside.micros) if beside else 0
        micros, falls = array("q", [to_micros(initial)]) * count, array("d", [0.0]) * count
        return cls(initial, initial, initial, initial, closing, micros=micros, falls=falls)

    def add(self, ts_ms: int, equity: Decimal) -> None:
        self.last = equity
        self.newest_ms = ts_ms
        # The very first row, at 00:00, would close a day that was not traded.
        if self.closing or ts_ms % DAY_MS:
            self.closing[(ts_ms - 1) // DAY_MS] = (ts_ms, equity)
        if equity > self.peak:
            self.peak = self.trough = equity
            self._turn(equity, peak=True)
        elif equity < self.trough:
            self.trough = equity
            self._turn(equity, peak=False)
        self.micros.append(to_micros(equity))
        self.falls.append(float(self.peak - equity) / float(self.peak))

    def _turn(self, equity: Decimal, *, peak: bool) -> None:
        """A rise that goes on, or a fall that does, moves the last turn; it makes no new one."""
        if self.turns and self._at_peak == peak:
            self.turns[-1] = equity
        else:
            self.turns.append(equity)
        self._at_peak = peak

    @property
    def drawdown(self) -> float:
        """Now, from the running peak, which starts at the initial capital."""
        return max_drawdown([self.last], self.peak)

    @property
    def max_drawdown(self) -> float:
        return max_drawdown(self.turns, self.initial)


@dataclass(frozen=True)
class Standing:
    """One ledger at a minute: its equity, and what its strategies and assets have earned."""

    equity: Decimal
    breakdown: Breakdown


class CurveBook:
    """Every curve has a value for every row: a name that appears later was flat before.

    A portfolio may be the sum of several ledgers. A strategy's curve starts at the capital of the ledger it trades
    on, an asset's at that of all. A ledger without a row at a minute stands as it stood before.
    """

    def __init__(self, capitals: Mapping[int, Decimal], default_capital: Decimal) -> None:
        self.ids = tuple(sorted(capitals))
        self.initial = sum(capitals.values(), ZERO) if capitals else default_capital
        self.newest: datetime | None = None
        self.times_ms = array("q")
        """Of the rows, for all curves alike."""
        self.portfolio = Curve.flat(self.initial)
        self.strategies: dict[str, Curve] = {}
        self.assets: dict[str, Curve] = {}
        self._capitals = dict(capitals)
        self._standing = {ledger: Standing(capital, {}) for ledger, capital in capitals.items()}

    def add(self, moment: datetime, found: Mapping[int, Standing]) -> None:
        """One minute, with the ledgers that have a row at it."""
        ts_ms = millis(moment)
        self._standing.update(found)
        assets: dict[str, Decimal] = {}
        for ledger, standing in sorted(self._standing.items()):
            capital = self._capitals[ledger]
            for name, share in standing.breakdown.get("strategies", {}).items():
                self._curve(self.strategies, name, capital).add(ts_ms, capital + share)
            for name, share in standing.breakdown.get("assets", {}).items():
                assets[name] = assets.get(name, ZERO) + share
        for name, share in assets.items():
            self._curve(self.assets, name, self.initial).add(ts_ms, self.initial + share)
        for curve in (*self.strategies.values(), *self.assets.values()):
            if curve.newest_ms != ts_ms:
                curve.add(ts_ms, curve.last)
        self.portfolio.add(ts_ms, sum((standing.equity for standing in self._standing.values()), ZERO))
        self.times_ms.append(ts_ms)
        self.newest = moment

    @property
    def first_ms(self) -> int | None:
        return self.times_ms[0] if self.times_ms else None

    def of(self, strategy: str) -> Curve:
        """The curve of a strategy, flat for one that has not earned or lost anything."""
        first = next(iter(self._capitals.values()), self.initial)
        return self.strategies.get(strategy) or Curve.flat(first, self.portfolio)

    def of_asset(self, asset: str) -> Curve:
        return self.assets.get(asset) or Curve.flat(self.initial, self.portfolio)

    def _curve(self, curves: dict[str, Curve], name: str, capital: Decimal) -> Curve:
        if name not in curves:
            curves[name] = Curve.flat(capital, self.portfolio)
        return curves[name]
