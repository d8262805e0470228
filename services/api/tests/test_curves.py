"""What is kept of a curve is enough for its figures."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from trading_api.curves import CurveBook, Standing
from trading_api.statistics import ratios
from trading_core.db.times import EPOCH, millis
from trading_core.metrics.curve import curve_metrics

CAPITAL = Decimal(10_000)


@pytest.mark.parametrize("first_hour", [0, 1, 7])
def test_ratios_of_what_is_kept_are_those_of_all_rows(first_hour: int) -> None:
    """Also when the first day is whole: its last row, at 00:00, is then the first that is kept."""
    moments = [EPOCH + timedelta(hours=hour) for hour in range(first_hour, 4 * 24 + 3)]
    equities = [CAPITAL + Decimal((37 * number) % 101 - 40) for number in range(len(moments))]
    book = CurveBook({1: CAPITAL}, CAPITAL)
    for moment, equity in zip(moments, equities, strict=True):
        book.add(moment, {1: Standing(equity, {"strategies": {}})})
    whole = curve_metrics([(millis(m), e) for m, e in zip(moments, equities, strict=True)], CAPITAL, 252)
    assert ratios(book.portfolio, 252) == {
        "sharpe": whole.sharpe, "sortino": whole.sortino, "max_drawdown": whole.max_drawdown, "days": whole.days,
    }  # fmt: skip
