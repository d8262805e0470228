"""Our metrics beside those of an independent library, where both define the same thing.

Agreed: Sharpe (sample deviation), Sortino (downside over all days, target 0) and maximum drawdown (over the running
peak that starts at the capital). Not compared: profit factor, expectancy and holding times, which it does not have.
"""

import math
import warnings
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from trading_core.metrics.curve import curve_metrics
from trading_core.model import DAY_MS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns of optional packages that it would like
    import empyrical

DAY0 = 1_750_032_000_000
CAPITAL = Decimal(10_000)


def daily(closing: list[Decimal]) -> list[tuple[int, Decimal]]:
    """A curve that starts with the capital at midnight and then has one row at the end of each day."""
    return [(DAY0 + day * DAY_MS, equity) for day, equity in enumerate([CAPITAL, *closing])]


equities = st.lists(st.decimals(min_value=Decimal(2_000), max_value=Decimal(50_000), places=6), min_size=3, max_size=60)


@given(equities, st.sampled_from((252, 365)))
@settings(deadline=None)
def test_ratios_and_drawdown_agree_to_nine_places(closing: list[Decimal], annualisation_days: int) -> None:
    ours = curve_metrics(daily(closing), CAPITAL, annualisation_days)
    returns = np.diff([float(CAPITAL), *map(float, closing)]) / np.array([float(CAPITAL), *map(float, closing[:-1])])
    assume(np.std(returns) > 1e-6)

    assert ours.daily_returns == pytest.approx(returns, rel=1e-9, abs=1e-15)
    theirs = float(empyrical.sharpe_ratio(returns, annualization=annualisation_days))
    assert ours.sharpe == pytest.approx(theirs, rel=1e-9, abs=1e-9)
    if ours.sortino is not None:
        theirs = float(empyrical.sortino_ratio(returns, annualization=annualisation_days))
        assert ours.sortino == pytest.approx(theirs, rel=1e-9, abs=1e-9)
    assert ours.max_drawdown == pytest.approx(-float(empyrical.max_drawdown(returns)), rel=1e-9, abs=1e-12)


def test_a_worked_example_agrees_with_both() -> None:
    # 10,000 -> 10,200 -> 9,996 -> 10,495.8: returns 2 %, -2 %, 5 %. Mean 1/60; sample deviation sqrt(0.00123333...).
    # Downside sqrt(0.0004 / 3). Drawdown 204 / 10,200 = 0.02.
    closing = [Decimal("10200"), Decimal("9996"), Decimal("10495.8")]
    ours = curve_metrics(daily(closing), CAPITAL, 252)
    returns = np.array([0.02, -0.02, 0.05])
    mean = 0.05 / 3
    deviation = math.sqrt(sum((r - mean) ** 2 for r in returns) / 2)
    assert ours.sharpe == pytest.approx(mean / deviation * math.sqrt(252), rel=1e-12)
    assert ours.sharpe == pytest.approx(float(empyrical.sharpe_ratio(returns)), rel=1e-9)
    assert ours.sortino == pytest.approx(mean / math.sqrt(0.0004 / 3) * math.sqrt(252), rel=1e-12)
    assert ours.sortino == pytest.approx(float(empyrical.sortino_ratio(returns)), rel=1e-9)
    assert ours.max_drawdown == pytest.approx(0.02, rel=1e-12)
