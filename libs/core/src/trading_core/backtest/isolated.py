"""`isolation: per_strategy`: runs of single strategies on ledgers of their own, and their sum."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial, reduce

import numpy as np

from trading_core.backtest.decided import Decisions
from trading_core.backtest.equity import Equity
from trading_core.backtest.passes import Passes
from trading_core.backtest.record import Run
from trading_core.broker.rules import RuleBook
from trading_core.market.series import IntArray
from trading_core.money import ZERO

Report = Callable[[int, int], None]


def shares(progress: Report | None, count: int) -> list[Report | None]:
    """What to tell `progress` of each of `count` runs, one after the other, as of one long run."""
    if progress is None:
        return [None] * count
    return [partial(_tell, progress, number, count) for number in range(count)]


def summed(runs: Sequence[Run], rules: RuleBook) -> Run:
    """The portfolio: runs over the same span, each on a ledger of its own. `rules` are the portfolio's.

    Trades are in order of closing, at one time in order of the ledgers.
    """
    first = runs[0]
    return replace(
        first,
        rules=rules,
        strategies=tuple(loaded for run in runs for loaded in run.strategies),
        equity=_sum_of([run.equity for run in runs]),
        decisions=Decisions(
            [one for run in runs for one in run.decisions.single],
            [one for run in runs for one in run.decisions.stretches],
        ),
        trades=sorted((trade for run in runs for trade in run.trades), key=lambda trade: trade.exit_ms or 0),
        payments=sorted((paid for run in runs for paid in run.payments), key=lambda paid: paid.ts_ms),
        owed=sorted((owed for run in runs for owed in run.owed), key=lambda owed: owed.ts_ms),
        passes=Passes(sorted((one for run in runs for one in run.passes.columns), key=lambda one: one[:2])),
        both_levels=sum(run.both_levels for run in runs),
        evaluations=sum(run.evaluations for run in runs),
        isolation="per_strategy",
    )


def _tell(progress: Report, number: int, count: int, done: int, total: int) -> None:
    progress(number * total + done, count * total)


def _sum_of(parts: Sequence[Equity]) -> Equity:
    return Equity(
        capital=sum((part.capital for part in parts), ZERO),
        time_ms=parts[0].time_ms,
        pnl=_added(part.pnl for part in parts),
        unrealised=_added(part.unrealised for part in parts),
        realised=_added(part.realised for part in parts),
        open_costs=_added(part.open_costs for part in parts),
        open_positions=_added(part.open_positions for part in parts),
        strategies=_by_name([part.strategies for part in parts]),
        assets=_by_name([part.assets for part in parts]),
    )


def _added(columns: Iterable[IntArray]) -> IntArray:
    return reduce(np.add, columns)


def _by_name(parts: Sequence[Mapping[str, IntArray]]) -> dict[str, IntArray]:
    names = sorted({name for part in parts for name in part})
    return {name: _added(part[name] for part in parts if name in part) for name in names}
