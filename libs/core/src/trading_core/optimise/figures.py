"""What one set of parameters did, and by which figure sets are ranked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One backtest of one set. USD, fractions; what is not defined is None. The names are those of its summary."""

    days: int
    trades: int
    losses: int
    sharpe: float | None
    sortino: float | None
    realised_pnl: float
    profit_factor: float | None
    profit_factor_infinite: bool
    expectancy: float | None
    win_rate: float | None
    max_drawdown: float
    daily_returns: tuple[float, ...]


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One set in one fold."""

    in_sample: Figures
    out_of_sample: Figures


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One set of parameters: its place in the space, what it did in every fold, or why it could not run."""

    number: int
    params: dict[str, Any]
    folds: tuple[Pair, ...] = ()
    refused: str | None = None
    """Why these values cannot be used together."""
    failed: str | None = None
    """What the strategy raised."""


METRICS = {
    "sharpe": "Sharpe",
    "sortino": "Sortino",
    "pnl": "P&L",
    "profit_factor": "profit factor",
    "expectancy": "expectancy",
    "win_rate": "win rate",
    "drawdown": "drawdown",
}
"""What sets can be ranked by, and the heading of it. Higher is better, but for the drawdown."""


def figures(summary: Mapping[str, Any]) -> Figures:
    """The figures in the summary of a backtest, whose amounts are decimals in text."""
    named = {field: summary[field] for field in Figures.__struct_fields__}
    return msgspec.convert({**named, "realised_pnl": float(summary["realised_pnl"])}, Figures)


def shown(found: Figures, metric: str) -> float | None:
    """The metric as people know it. None when it is not defined; a profit factor without any loss is infinite."""
    if not found.trades:
        return None
    if metric == "profit_factor" and found.profit_factor_infinite:
        return math.inf
    name = {"pnl": "realised_pnl", "drawdown": "max_drawdown"}.get(metric, metric)
    value: float | None = getattr(found, name)
    return value


def mean_shown(all_of: list[Figures], metric: str) -> float | None:
    """The mean over folds of those in which the metric is defined."""
    values = [value for found in all_of if (value := shown(found, metric)) is not None]
    return math.fsum(values) / len(values) if values else None


def better(value: float, metric: str) -> float:
    """`value` so that higher is better."""
    return -value if metric == "drawdown" else value


def score(outcome: Outcome, metric: str, fold: int | None = None) -> float | None:
    """How good the set is in sample, higher is better: in `fold`, else the mean over all folds.

    None when it cannot be ranked: refused, failed, or the metric is not defined.
    """
    pairs = outcome.folds if fold is None else outcome.folds[fold : fold + 1]
    value = mean_shown([pair.in_sample for pair in pairs], metric)
    return None if value is None else better(value, metric)
