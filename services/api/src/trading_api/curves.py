"""Equity curves in memory: the portfolio's, and initial capital plus P&L of each strategy.

Of a year of minutes only what the metrics rest on is kept: the last row of each day, and the rows at which the
curve turned. From these `trading_core.metrics` finds exactly what it would find from all rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from trading_core.db.times import millis
from trading_core.metrics.curve import max_drawdown
from trading_core.model import DAY_MS

Breakdown: TypeAlias = dict[str, dict[str, Decimal]]
"""The column of the same name: `strategies` and `assets`, each name with its share of P&L."""


@dataclass
class Curve:
    """One equity curve, USD, exact. `closing` holds the last row of each UTC day; 00:00 belongs to the day before."""

    initial: Decimal
    last: Decimal
    peak: Decimal
    trough: Decimal
    closing: dict[int, tuple[int, Decimal]] = field(default_factory=dict)
    turns: list[Decimal] = field(default_factory=list)
    _at_peak: bool = True

    @classmethod
    def flat(cls, initial: Decimal, beside: Curve | None = None) -> Curve:
        """At the initial capital for as long as `beside` exists: a strategy without any P&L so far."""
        rows = beside.closing if beside else {}
        closing = {day: (ts_ms, initial) for day, (ts_ms, _) in rows.items()}
        return cls(initial, initial, initial, initial, closing)

    def add(self, ts_ms: int, equity: Decimal) -> None:
        self.last = equity
        self.closing[(ts_ms - 1) // DAY_MS] = (ts_ms, equity)
        if equity > self.peak:
            self.peak = self.trough = equity
            self._turn(equity, peak=True)
        elif equity < self.trough:
            self.trough = equity
            self._turn(equity, peak=False)

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


class CurveBook:
    """Every curve has a value for every row: a name that appears later was flat before."""

    def __init__(self, portfolio_id: int | None, initial: Decimal) -> None:
        self.portfolio_id = portfolio_id
        self.initial = initial
        self.newest: datetime | None = None
        self.portfolio = Curve.flat(initial)
        self.strategies: dict[str, Curve] = {}

    def add(self, moment: datetime, equity: Decimal, breakdown: Breakdown) -> None:
        ts_ms = millis(moment)
        shares = breakdown.get("strategies", {})
        for name in sorted(shares.keys() - self.strategies.keys()):
            self.strategies[name] = Curve.flat(self.initial, self.portfolio)
        for name, curve in self.strategies.items():
            curve.add(ts_ms, self.initial + shares[name] if name in shares else curve.last)
        self.portfolio.add(ts_ms, equity)
        self.newest = moment
