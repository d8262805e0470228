"""From curves and closed positions to the figures of an answer, by the formulas of `trading_core.metrics`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from trading_api.curves import Curve
from trading_core.metrics.curve import daily_returns, sharpe, sortino
from trading_core.metrics.trades import Trade, TradeMetrics, trade_metrics


def ratios(curve: Curve, annualisation_days: int) -> dict[str, Any]:
    """The fields of `Ratios`."""
    # One row a day, each in the day that it closes: the first of all rows, which counts for none, is not among them.
    returns = daily_returns([(ts_ms - 1, equity) for ts_ms, equity in curve.closing.values()], curve.initial)
    return {
        "sharpe": sharpe(returns, annualisation_days),
        "sortino": sortino(returns, annualisation_days),
        "max_drawdown": curve.max_drawdown,
        "days": len(returns),
    }


def trade_statistics(trades: Iterable[Trade]) -> tuple[TradeMetrics, dict[str, Any]]:
    """The metrics, and of them the fields of `TradeStatistics`."""
    found = trade_metrics(trades)
    return found, {
        "trades": found.trades,
        "win_rate": found.win_rate,
        "avg_win": found.avg_win,
        "avg_loss": found.avg_loss,
        "profit_factor": found.profit_factor,
        "profit_factor_infinite": found.profit_factor_infinite,
        "expectancy": found.expectancy,
        "average_hold_s": found.avg_hold_s,
    }
