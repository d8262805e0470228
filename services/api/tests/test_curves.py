"""What is kept of a curve is enough for its figures."""

from __future__ import annotations

from array import array
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_api.curves import CurveBook, Standing
from trading_api.statistics import ratios
from trading_api.thinning import shown
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


def test_a_thinned_curve_keeps_each_stretchs_last_and_deepest_row() -> None:
    """Ten rows in three stretches: 0 to 3, 4 to 6, 7 to 9."""
    times = array("q", range(100, 110))
    falls = array("d", [0.0, 0.3, 0.1, 0.2, 0.4, 0.4, 0.0, 0.0, 0.0, 0.0])
    # First row 0; deepest and last of each: 1 and 3, 5 (the later of two 0.4) and 6, 9 twice (all are 0).
    assert shown(times, falls, 0, 1_000, 3) == (10, [0, 1, 3, 5, 6, 9])
    assert shown(times, falls, 104, 106, 3) == (3, [4, 5, 6])
    assert shown(times, falls, 110, 1_000, 3) == (0, [])


@given(
    falls=st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=60),
    stretches=st.integers(1, 12),
    cut=st.tuples(st.integers(0, 60), st.integers(0, 60)),
)
def test_no_stretch_of_a_thinned_curve_loses_its_depth(
    falls: list[float], stretches: int, cut: tuple[int, int]
) -> None:
    """Row k of the rows that are asked for lies in stretch k x stretches / total, rounded down."""
    rows = [row for row in range(len(falls)) if cut[0] <= row <= cut[1]]
    total, drawn = shown(array("q", range(len(falls))), array("d", falls), *cut, stretches)
    assert total == len(rows)
    if total <= stretches:
        assert drawn == rows
        return
    wanted = {rows[0]}
    for stretch in range(stretches):
        part = [row for place, row in enumerate(rows) if place * stretches // total == stretch]
        wanted |= {part[-1], max(part, key=lambda row: (falls[row], row))}
    assert drawn == sorted(wanted)


def test_every_row_of_a_curve_is_kept_to_the_last_place() -> None:
    book = CurveBook({1: CAPITAL}, CAPITAL)
    for minute, equity in enumerate(("10000.000001", "9999.999999", "12345.678901"), start=1):
        share = Decimal(equity) - CAPITAL
        parts = {"strategies": {"late": share}} if minute == 3 else {"assets": {"BTC": share}}
        book.add(EPOCH + timedelta(minutes=minute), {1: Standing(Decimal(equity), parts)})
    assert book.portfolio.micros.tolist() == [10_000_000_001, 9_999_999_999, 12_345_678_901]
    assert book.portfolio.falls.tolist() == [0.0, pytest.approx(2e-6 / 10_000.000001), 0.0]
    assert book.of("late").micros.tolist() == [10_000_000_000, 10_000_000_000, 12_345_678_901]
    assert book.of("unknown").micros.tolist() == [10_000_000_000] * 3
    assert book.of_asset("BTC").falls.tolist()[1] == pytest.approx(2e-6 / 10_000.000001)
    assert list(book.times_ms) == [60_000, 120_000, 180_000]
