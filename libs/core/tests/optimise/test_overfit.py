"""Deflated Sharpe ratio and probability of overfitting, against the numbers of the papers and of small cases."""

import math

import numpy as np
import pytest

from trading_core.optimise.overfit import (
    deflated_sharpe,
    effective_trials,
    expected_best_sharpe,
    overfitting,
    probabilistic_sharpe,
)

# The example of Bailey and López de Prado (2014): the best of 100 tries has an annualised Sharpe ratio of 2.5 over 1250
# days (250 a year), skewness -3, kurtosis 10; the annualised ratios of the tries have variance 1/2.
DAILY = 2.5 / math.sqrt(250)
VARIANCE = 0.5 / 250


def test_the_expected_best_of_a_hundred_tries_is_that_of_the_paper() -> None:
    # sqrt(0.002) (0.4228 x 2.3263 + 0.5772 x 2.6804) = 0.04472 x 2.5306 = 0.1132
    assert expected_best_sharpe(VARIANCE, 100) == pytest.approx(0.1132, abs=5e-5)


def test_the_deflated_ratio_of_a_hundred_tries_is_that_of_the_paper() -> None:
    benchmark = expected_best_sharpe(VARIANCE, 100)
    assert probabilistic_sharpe(DAILY, benchmark, 1_250, -3, 10) == pytest.approx(0.9004, abs=5e-5)


def test_with_46_tries_the_same_ratio_would_have_been_credible() -> None:
    # The paper: 0.9505 with 46 tries, which a test at 95 % accepts.
    benchmark = expected_best_sharpe(VARIANCE, 46)
    assert probabilistic_sharpe(DAILY, benchmark, 1_250, -3, 10) == pytest.approx(0.9505, abs=5e-5)


def test_a_single_try_was_not_selected() -> None:
    assert expected_best_sharpe(0.0, 1) == 0.0


def test_a_normal_ratio_equal_to_the_benchmark_is_a_coin_toss() -> None:
    assert probabilistic_sharpe(0.1, 0.1, 100, 0, 3) == 0.5


def test_an_estimate_without_any_error_is_certain() -> None:
    # Two sizes of days with skewness 4 and kurtosis 17: 1 - 4 x 0.5 + 16/4 x 0.25 = 0.
    assert probabilistic_sharpe(0.5, 0.1, 50, 4, 17) == 1.0
    assert probabilistic_sharpe(0.5, 0.6, 50, 4, 17) == 0.0


def test_the_deflated_ratio_takes_its_moments_from_the_days() -> None:
    # Days 1 % and -1 % and 3 % in turn: mean 0.01, sample variance 0.00024 + n/(n-1); 30 days, one try: benchmark 0.
    # ddof 1: sqrt(0.0008/3 x 30/29) = 0.016609, ratio 0.602080. Symmetric, so no skewness; the standardised squares are
    # 0, 1.5, 1.5, so kurtosis 4.5/3 = 1.5. Spread 1 + 0.125 x 0.3625 = 1.045313.
    # 0.602080 x sqrt(29) / sqrt(1.045313) = 3.1713; the normal distribution there is 0.999241.
    days = np.array([[0.01], [-0.01], [0.03]] * 10)
    assert deflated_sharpe(days, 0, 1) == pytest.approx(0.999241, abs=2e-6)


def test_nothing_is_said_of_a_set_that_never_moves_or_of_two_days() -> None:
    assert deflated_sharpe(np.zeros((30, 1)), 0, 1) is None
    assert deflated_sharpe(np.array([[0.01], [0.02]]), 0, 1) is None


def test_equal_tries_are_one_and_uncorrelated_ones_are_all() -> None:
    up_down, early_late = [1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0]
    assert effective_trials(np.array([up_down] * 7).T) == pytest.approx(1)
    assert effective_trials(np.array([up_down, early_late]).T) == pytest.approx(2)
    # Correlations 1, 0 and 0: mean 1/3, so 1/3 + 2/3 x 3.
    assert effective_trials(np.array([up_down, up_down, early_late]).T) == pytest.approx(1 / 3 + 2)


def test_a_try_that_never_moves_is_none() -> None:
    assert effective_trials(np.array([[1.0, -1.0, 1.0], [0.0, 0.0, 0.0], [0.1, 0.1, 0.1]]).T) == 1


def test_the_better_half_is_the_better_other_half_when_one_try_is_always_better() -> None:
    steady = np.tile([0.010, 0.012], 20)
    assert overfitting(np.stack([steady, -steady, steady - 0.02], axis=1)) == 0.0


def test_what_shines_in_one_half_only_is_overfit() -> None:
    # Eight days are four blocks of two. A gains in blocks 1 and 2 what B gains in 3 and 4, and loses in the others.
    # Choosing on {1,2} takes A, worse on {3,4}; on {3,4} takes B, worse on {1,2}. With one block of each both are
    # equal inside (the first is taken) and outside: the median, counted half. So (1 + 1 + 4/2) / 6.
    good, bad = [0.01, 0.02, 0.01, 0.02], [-0.01, -0.02, -0.01, -0.02]
    assert overfitting(np.array([good + bad, bad + good]).T) == pytest.approx(4 / 6)


def test_equal_tries_are_chosen_blindly() -> None:
    same = np.random.default_rng(1).standard_normal(40)
    assert overfitting(np.stack([same, same, same], axis=1)) == 0.5


def test_too_few_days_or_tries_give_no_probability() -> None:
    assert overfitting(np.ones((7, 5))) is None
    assert overfitting(np.ones((50, 1))) is None
