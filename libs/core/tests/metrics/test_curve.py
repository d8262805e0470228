"""What an equity curve says, with numbers worked out by hand."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_core.metrics.curve import curve_metrics, daily_returns, max_drawdown, sharpe, sortino
from trading_core.model import DAY_MS, HOUR_MS, MINUTE_MS

DAY0 = 1_750_032_000_000
CAPITAL = Decimal(1_000)


def curve(*rows: tuple[float, str]) -> list[tuple[int, Decimal]]:
    """Rows of (days after midnight, equity)."""
    return [(DAY0 + round(days * DAY_MS), Decimal(equity)) for days, equity in rows]


def test_a_row_at_midnight_closes_the_day_before() -> None:
    rows = curve((0, "1000"), (0.5, "1200"), (1, "1100"), (1.5, "900"), (2, "990"))
    # 1100 / 1000 and 990 / 1100
    assert daily_returns(rows, CAPITAL) == pytest.approx((0.1, -0.1))


def test_partial_first_and_last_days_count() -> None:
    rows = curve((0.75, "1000"), (1, "1010"), (1.25, "1020.1"))
    assert daily_returns(rows, CAPITAL) == pytest.approx((0.01, 0.01))


def test_the_first_day_is_measured_against_the_initial_capital() -> None:
    assert daily_returns(curve((0.5, "1050"), (0.6, "1050")), CAPITAL) == pytest.approx((0.05,))


def test_a_day_without_a_row_is_no_day() -> None:
    assert len(daily_returns(curve((0.5, "1000"), (3.5, "1001")), CAPITAL)) == 2


def test_no_rows_are_no_days() -> None:
    metrics = curve_metrics([], CAPITAL, 252)
    assert (metrics.days, metrics.sharpe, metrics.sortino, metrics.max_drawdown) == (0, None, None, 0.0)


def test_sharpe_divides_by_the_sample_deviation() -> None:
    # Mean 0.01, deviations 0.01, 0, -0.01: variance 0.0002 / 2, so 0.01 / 0.01 x sqrt(252).
    assert sharpe((0.02, 0.01, 0.0), 252) == pytest.approx(math.sqrt(252), rel=1e-9)


def test_sharpe_is_undefined_without_two_days_or_any_movement() -> None:
    assert sharpe((0.02,), 252) is None
    assert sharpe((0.01, 0.01, 0.01), 252) is None
    assert sharpe((), 252) is None


def test_sortino_divides_by_all_days() -> None:
    # Mean 0.01; downside sqrt((0 + 0.02^2) / 2) = 0.0141421…
    assert sortino((0.04, -0.02), 365) == pytest.approx(0.01 / math.sqrt(0.0002) * math.sqrt(365), rel=1e-9)


def test_sortino_is_undefined_when_no_day_loses() -> None:
    assert sortino((0.01, 0.0), 252) is None
    assert sortino((-0.01,), 252) is None


def test_the_drawdown_is_measured_from_the_running_peak() -> None:
    equities = [Decimal(value) for value in (1_000, 1_200, 900, 1_300, 1_040)]
    assert max_drawdown(equities, CAPITAL) == pytest.approx(0.25)  # (1200 - 900) / 1200, then (1300 - 1040) / 1300


def test_the_peak_starts_at_the_initial_capital() -> None:
    assert max_drawdown([Decimal(900), Decimal(950)], CAPITAL) == pytest.approx(0.1)


def test_a_rising_curve_has_no_drawdown() -> None:
    assert max_drawdown([Decimal(1_000), Decimal(1_001)], CAPITAL) == 0.0


@given(st.lists(st.decimals("1", "5000", places=2), min_size=1, max_size=400), st.integers(0, 1_439))
def test_daily_returns_compound_to_the_change_of_the_whole_curve(equities: list[Decimal], minute: int) -> None:
    start = DAY0 + minute * MINUTE_MS
    rows = [(start, CAPITAL), *((start + (number + 1) * HOUR_MS, e) for number, e in enumerate(equities))]
    grown = math.prod(1 + value for value in daily_returns(rows, CAPITAL))
    assert grown == pytest.approx(float(equities[-1] / CAPITAL), rel=1e-9)


@given(st.lists(st.decimals("1", "5000", places=2), max_size=60))
def test_the_drawdown_is_the_worst_pair_of_a_peak_and_a_later_low(equities: list[Decimal]) -> None:
    points = [CAPITAL, *equities]
    pairs = [(high - low) / high for place, high in enumerate(points) for low in points[place:]]
    assert max_drawdown(equities, CAPITAL) == pytest.approx(float(max(pairs)), abs=1e-12)
