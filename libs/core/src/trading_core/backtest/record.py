"""What happened in a backtest, and how it is put down while the run goes on."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from trading_core.backtest.decided import Decisions
from trading_core.backtest.equity import Equity
from trading_core.backtest.history import Gap
from trading_core.backtest.passes import PassColumn, Passes
from trading_core.broker.events import Decision, EquityMark, Event, Fill, FundingOwed, FundingPayment, PositionState
from trading_core.broker.rules import Isolation, RuleBook
from trading_core.money import to_micros
from trading_core.strategy.registry import LoadedStrategy

Fidelity = Literal["candle", "tick"]


@dataclass(slots=True, kw_only=True)
class Run:
    """What happened in a backtest, in order of time."""

    from_ms: int
    to_ms: int
    rules: RuleBook
    strategies: tuple[LoadedStrategy, ...]
    not_evaluated: tuple[LoadedStrategy, ...]
    """Strategies that need an exchange of which the history has nothing."""
    assets: tuple[str, ...]
    source: str
    gaps: list[Gap]
    equity: Equity
    """One row for each full minute from `from_ms` to `to_ms`, both included."""
    decisions: Decisions = field(default_factory=Decisions)
    trades: list[PositionState] = field(default_factory=list)
    """Closed positions in order of closing."""
    payments: list[FundingPayment] = field(default_factory=list)
    owed: list[FundingOwed] = field(default_factory=list)
    passes: Passes = field(default_factory=Passes)
    both_levels: int = 0
    """Exits whose bar held the stop and the target."""
    evaluations: int = 0
    fidelity: Fidelity = "candle"
    remarks: tuple[str, ...] = ()
    """What a reader must know of this very run, beside the notes of its fidelity."""
    engine: str = "reference"
    """Which engine ran; all give the same."""
    isolation: Isolation = "shared"
    """`per_strategy`: the sum of runs on ledgers of their own, each with the capital of `rules`."""


class Record:
    """Sorts the broker's events and the passes of a run as they come."""

    def __init__(self) -> None:
        self.decisions = Decisions()
        self.trades: list[PositionState] = []
        self.payments: list[FundingPayment] = []
        self.owed: list[FundingOwed] = []
        self.both_levels = 0
        self.evaluations = 0
        self._marks: list[EquityMark] = []
        self._passes: dict[tuple[str, str], tuple[array[int], array[int]]] = {}
        self._reasons: dict[str, int] = {}

    def take(self, events: Iterable[Event]) -> None:
        for event in events:
            match event:
                case PositionState():
                    if event.status == "CLOSED":
                        self.trades.append(event)
                case Fill():
                    self.both_levels += event.both_levels
                case Decision():
                    self.decisions.add(event)
                case EquityMark():
                    self._marks.append(event)
                case FundingPayment():
                    self.payments.append(event)
                case FundingOwed():
                    self.owed.append(event)
                case _:
                    pass  # Orders, days and pauses are in the decisions and trades they lead to.

    def passed(self, ts_ms: int, strategy: str, asset: str, reason: str) -> None:
        column = self._passes.get((strategy, asset))
        if column is None:
            column = self._passes[strategy, asset] = (array("q"), array("i"))
        column[0].append(ts_ms)
        column[1].append(self._reasons.setdefault(reason, len(self._reasons)))

    def passes(self) -> Passes:
        reasons = tuple(self._reasons)
        return Passes(
            [
                PassColumn(*key, np.array(times, np.int64), np.array(codes, np.int32), reasons)
                for key, (times, codes) in sorted(self._passes.items())
            ]
        )

    def equity(self, rules: RuleBook) -> Equity:
        """The mark-to-market rows so far. OverflowError for amounts of more than nine million million USD."""
        marks = self._marks

        def column(amounts: Iterable[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
            return np.fromiter(amounts, np.int64, len(marks))

        unrealised = column(to_micros(mark.unrealised) for mark in marks)
        realised = column(to_micros(mark.realised) for mark in marks)
        open_costs = column(to_micros(mark.open_costs) for mark in marks)
        # Whoever ever had a share has one to the end, so the last row names them all.
        strategies: Sequence[str] = sorted(marks[-1].strategies) if marks else ()
        assets: Sequence[str] = sorted(marks[-1].assets) if marks else ()
        return Equity(
            capital=rules.initial_capital,
            time_ms=column(mark.ts_ms for mark in marks),
            pnl=unrealised + realised + open_costs,
            unrealised=unrealised,
            realised=realised,
            open_costs=open_costs,
            open_positions=column(mark.open_positions for mark in marks),
            strategies={
                name: column(to_micros(mark.strategies[name]) if name in mark.strategies else 0 for mark in marks)
                for name in strategies
            },
            assets={
                name: column(to_micros(mark.assets[name]) if name in mark.assets else 0 for mark in marks)
                for name in assets
            },
        )
