"""What the pictures of a backtest show, from its report: floats, thinned to what a screen can hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

POINTS = 1_500
"""So many points of a curve at most; more do not show."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Equity in USD and its fall from the running peak, as a fraction of that peak, 0 or less. Times UTC ms.

    A point stands for a stretch of minutes: the last equity of it and the deepest fall in it.
    """

    times_ms: list[int]
    equity_usd: list[float]
    drawdown: list[float]


def curve(report: Mapping[str, Any], points: int = POINTS) -> Curve:
    """The equity curve of a report, with at most about `points` points."""
    rows = report["equity"]["rows"]
    step = max(1, -(-len(rows) // points))
    found = Curve([], [], [])
    peak, deepest = float(report["summary"]["initial_capital"]), 0.0
    for number, row in enumerate(rows, start=1):
        equity = float(row[1])
        peak = max(peak, equity)
        deepest = min(deepest, equity / peak - 1)
        if number % step == 0 or number == len(rows):
            found.times_ms.append(row[0])
            found.equity_usd.append(equity)
            found.drawdown.append(deepest)
            deepest = 0.0
    return found


def monthly_returns(report: Mapping[str, Any]) -> dict[int, dict[int, float]]:
    """Change of equity by year and month (1 to 12), over the month before; the first month's over the capital.

    A row at 00:00 of the first closes the month before, as it closes the day before in the daily returns.
    """
    closing: dict[tuple[int, int], float] = {}
    for place, row in enumerate(report["equity"]["rows"]):
        if place or row[0] % 86_400_000:
            moment = datetime.fromtimestamp((row[0] - 1) / 1000, UTC)
            closing[moment.year, moment.month] = float(row[1])
    found: dict[int, dict[int, float]] = {}
    before = float(report["summary"]["initial_capital"])
    for (year, month), equity in closing.items():
        found.setdefault(year, {})[month] = equity / before - 1 if before else 0.0
        before = equity
    return found


def exits(trades: Sequence[Mapping[str, Any]]) -> tuple[list[int], list[float]]:
    """Exit time (UTC ms) and realised P&L (USD) of each trade."""
    return [trade["exit_time"] for trade in trades], [float(trade["realised_pnl"]) for trade in trades]


def title(report: Mapping[str, Any]) -> str:
    """Which strategies ran, on what, when."""
    config = report["config"]
    names = ", ".join(strategy["class_name"] for strategy in config["strategies"].values()) or "no strategy"
    return f"{names} on {', '.join(config['assets'])}, {minute(config['from'])} to {minute(config['to'])} UTC"


def minute(time_ms: int) -> str:
    """`time_ms` for a person, UTC."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
