"""The candle backtest: which engine runs it, and what both are given.

The reference engine goes minute by minute. The fast one looks only at the minutes at which something can happen and
gives the same to the last digit; where it cannot promise that, the reference runs instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from trading_core.backtest.fast import FastEngine
from trading_core.backtest.feed import EXCHANGE
from trading_core.backtest.history import History
from trading_core.backtest.isolated import shares, summed
from trading_core.backtest.record import Run as Run
from trading_core.backtest.reference import Progress as Progress
from trading_core.backtest.reference import ReferenceEngine
from trading_core.broker.rules import Isolation, RuleBook
from trading_core.model import MINUTE_MS
from trading_core.strategy.registry import LoadedStrategy

if TYPE_CHECKING:
    from trading_core.config import SnapshotConfig

Engine = Literal["fast", "reference"]


def run_backtest(
    history: History,
    strategies: Sequence[LoadedStrategy],
    rules: RuleBook,
    limits: SnapshotConfig,
    from_ms: int,
    to_ms: int,
    progress: Progress | None = None,
    engine: Engine = "fast",
    isolation: Isolation = "shared",
) -> Run:
    """The run over bars that open in [from_ms, to_ms); earlier ones warm up the indicators only.

    Bounds inside a minute are rounded up, which leaves the set of bars as it is. ValueError for an empty span.
    StrategyFailed when a strategy raises. `engine`: both give the same; the reference goes event by event.
    `isolation`: per_strategy runs each strategy on a ledger of its own and gives the sum.
    """
    from_ms, to_ms = (-(-bound // MINUTE_MS) * MINUTE_MS for bound in (from_ms, to_ms))
    if from_ms >= to_ms:
        raise ValueError(f"an empty span: from {from_ms} to {to_ms}")
    ordered = sorted(strategies, key=lambda loaded: loaded.name)
    evaluated = tuple(loaded for loaded in ordered if loaded.exchanges == (EXCHANGE,))
    not_evaluated = tuple(loaded for loaded in ordered if loaded not in evaluated)
    if isolation == "per_strategy" and evaluated:
        runs = [
            run_backtest(history, [alone], rules.alone(alone.name), limits, from_ms, to_ms, part, engine)
            for alone, part in zip(evaluated, shares(progress, len(evaluated)), strict=True)
        ]
        return replace(summed(runs, rules), not_evaluated=not_evaluated)
    made = FastEngine if engine == "fast" else ReferenceEngine
    chosen = made(history, evaluated, rules, limits, from_ms, to_ms)
    record = chosen.run(progress)
    return Run(
        from_ms=from_ms,
        to_ms=to_ms,
        rules=rules,
        strategies=evaluated,
        not_evaluated=not_evaluated,
        assets=tuple(sorted(history.candles)),
        source=history.source,
        gaps=history.gaps(from_ms, to_ms),
        equity=chosen.equity(),
        decisions=record.decisions,
        trades=record.trades,
        payments=record.payments,
        owed=record.owed,
        passes=chosen.passes(),
        both_levels=record.both_levels,
        evaluations=record.evaluations,
        engine=engine,
    )
