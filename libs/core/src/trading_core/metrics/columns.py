"""The metrics of an equity curve that is given in columns: the same floats as `curve`, without an object per row."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from trading_core.metrics.curve import CurveMetrics, daily_returns, sharpe, sortino
from trading_core.model import DAY_MS
from trading_core.money import exactly, from_micros

IntArray = npt.NDArray[np.int64]

# Relative: floats of integers, their difference and their quotient are each off by 2**-53 at most.
_CLOSE = 1e-12


def column_metrics(time_ms: IntArray, pnl: IntArray, initial_capital: Decimal, annualisation_days: int) -> CurveMetrics:
    """`curve_metrics` of the rows `time_ms` (UTC ms, oldest first) with equity `initial_capital` + `pnl`.

    `pnl` is in millionths of a USD. Each ratio that is returned is computed in Decimal, as `curve` does it; floats
    only say where to look.
    """
    returns = daily_returns(list(_closing(time_ms, pnl, initial_capital)), initial_capital)
    return CurveMetrics(
        days=len(returns),
        sharpe=sharpe(returns, annualisation_days),
        sortino=sortino(returns, annualisation_days),
        max_drawdown=_max_drawdown(pnl, initial_capital),
        daily_returns=returns,
    )


def _closing(time_ms: IntArray, pnl: IntArray, capital: Decimal) -> Iterator[tuple[int, Decimal]]:
    """The first row, which may count for no day, and the last row of each day; a row at 00:00 closes the day before."""
    if not len(time_ms):
        return
    first_ms, last_ms = int(time_ms[0]), int(time_ms[-1])
    ends = np.arange(-(-first_ms // DAY_MS) * DAY_MS, last_ms + DAY_MS, DAY_MS)
    last = np.searchsorted(time_ms, ends, "right") - 1
    last = last[np.diff(last, prepend=-1) > 0]  # a day without a row closes with none
    rows = last if last[0] == 0 else np.concatenate((np.zeros(1, np.int64), last))
    with exactly():
        for ts_ms, amount in zip(time_ms[rows].tolist(), pnl[rows].tolist(), strict=True):
            yield ts_ms, capital + from_micros(amount)


def _max_drawdown(pnl: IntArray, capital: Decimal) -> float:
    """Largest fall from the running peak over that peak. Only the deepest falls are divided exactly."""
    peaks = np.maximum(np.maximum.accumulate(pnl), 0) if len(pnl) else pnl
    falls = peaks - pnl
    if not falls.any():
        return 0.0
    depth = falls / (float(capital) * 1e6 + peaks)
    deepest = np.flatnonzero(depth >= depth.max() * (1 - _CLOSE))
    with exactly():
        pairs = set(zip(peaks[deepest].tolist(), falls[deepest].tolist(), strict=True))
        return float(max(from_micros(fall) / (capital + from_micros(peak)) for peak, fall in pairs))
