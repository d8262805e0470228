"""What an equity curve says: daily returns, Sharpe, Sortino, drawdown. Floats made from exact Decimals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from trading_core.model import DAY_MS
from trading_core.money import exactly


class CurveMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """`days` is what the ratios rest on. A ratio that is not defined is None, never a huge number."""

    days: int
    sharpe: float | None
    sortino: float | None
    max_drawdown: float
    daily_returns: tuple[float, ...]


def curve_metrics(
    rows: Sequence[tuple[int, Decimal]], initial_capital: Decimal, annualisation_days: int
) -> CurveMetrics:
    """All metrics of one curve. `rows`: (UTC ms, equity in USD) at full minutes, oldest first, from its start on."""
    returns = daily_returns(rows, initial_capital)
    return CurveMetrics(
        days=len(returns),
        sharpe=sharpe(returns, annualisation_days),
        sortino=sortino(returns, annualisation_days),
        max_drawdown=max_drawdown((equity for _, equity in rows), initial_capital),
        daily_returns=returns,
    )


def daily_returns(rows: Sequence[tuple[int, Decimal]], initial_capital: Decimal) -> tuple[float, ...]:
    """Change of each UTC day's last equity over that of the day before; the first day's over the capital.

    A row at 00:00 closes the day before. As the very first row it closes a day that was not traded, so it counts
    for none. Partial first and last days count.
    """
    closing: dict[int, Decimal] = {}
    for place, (ts_ms, equity) in enumerate(rows):
        if place or ts_ms % DAY_MS:
            closing[(ts_ms - 1) // DAY_MS] = equity
    returns = []
    before = initial_capital
    with exactly():
        for equity in closing.values():
            # Equity may in theory reach 0; a change over nothing is no return.
            returns.append(float((equity - before) / before) if before else 0.0)
            before = equity
    return tuple(returns)


def sharpe(returns: Sequence[float], annualisation_days: int) -> float | None:
    """Mean over sample standard deviation (ddof 1), annualised. None below two days or when no day differs."""
    if len(returns) < 2 or min(returns) == max(returns):
        return None
    mean = math.fsum(returns) / len(returns)
    variance = math.fsum((value - mean) ** 2 for value in returns) / (len(returns) - 1)
    return mean / math.sqrt(variance) * math.sqrt(annualisation_days) if variance > 0 else None


def sortino(returns: Sequence[float], annualisation_days: int) -> float | None:
    """Mean over downside deviation, target 0, annualised. None below two days or when no day is negative.

    The downside deviation divides by the number of days, not by that of the losing ones (Sortino and Price 1994).
    """
    if len(returns) < 2 or min(returns) >= 0:
        return None
    mean = math.fsum(returns) / len(returns)
    downside = math.fsum(min(value, 0.0) ** 2 for value in returns) / len(returns)
    return mean / math.sqrt(downside) * math.sqrt(annualisation_days) if downside > 0 else None


def max_drawdown(equities: Iterable[Decimal], initial_capital: Decimal) -> float:
    """Largest fall from the running peak over that peak, 0 or more. The peak starts at the initial capital."""
    peak = trough = initial_capital
    largest = Decimal(0)
    with exactly():
        for equity in equities:
            if equity > peak:
                peak = trough = equity
            elif equity < trough:
                trough = equity
                largest = max(largest, (peak - equity) / peak)
    return float(largest)
