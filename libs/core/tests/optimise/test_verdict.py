"""The verdict: noise is called noise, an edge is recognised, and what lies between is called unclear."""

import numpy as np
import pytest
from optimise_builders import an_outcome, crossings, hourly_returns, outcomes_of

from trading_core.optimise.figures import Outcome
from trading_core.optimise.verdict import Judgement, judge, per_cent, ranked

SEEDS = 100
DAYS, TRAIN = 60, 42


def verdict(returns: np.ndarray) -> str:
    judgement = judge(outcomes_of(returns, TRAIN), "sharpe")
    assert judgement is not None
    return judgement.verdict


def test_the_best_of_a_grid_on_random_walks_is_called_noise() -> None:
    """64 moving-average crossings, each like its neighbours, no costs: nothing but luck can make one good."""
    called = [verdict(crossings(hourly_returns(seed, DAYS))) for seed in range(SEEDS)]
    assert called.count("noise") >= 95


def test_an_edge_in_the_market_is_recognised() -> None:
    """Each hour goes on with 35 % of the hour before: the best crossings earn a daily Sharpe ratio of about 0.6."""
    called = [verdict(crossings(hourly_returns(seed, DAYS, trend=0.35))) for seed in range(SEEDS)]
    assert called.count("edge") >= 80


def test_sets_that_lose_much_do_not_hide_an_edge() -> None:
    """Beside the crossings of a trend sets that trade away ten times as much in costs: a usual corner of a grid."""

    def with_costly_sets(seed: int) -> np.ndarray:
        earning = 0.05 * crossings(hourly_returns(seed, DAYS, trend=0.35))
        losing = -0.3 + 0.05 * np.random.default_rng(seed).standard_normal((DAYS, 20))
        return np.concatenate([earning, losing], axis=1)

    called = [verdict(with_costly_sets(seed)) for seed in range(10)]
    assert called.count("edge") >= 8


def test_independent_coins_are_called_noise() -> None:
    """100 tries that have nothing in common, which makes the best of them as good as luck can."""
    called = [verdict(np.random.default_rng(seed).standard_t(4, (DAYS, 100))) for seed in range(SEEDS)]
    assert called.count("noise") >= 95


def test_many_small_gains_before_a_rare_loss_are_called_noise() -> None:
    """Nine gains of 1 to one loss of 9: worth nothing, and often flawless so far."""

    def flawless(seed: int) -> np.ndarray:
        return np.where(np.random.default_rng(seed).random((DAYS, 20)) < 0.9, 0.001, -0.009)

    called = [verdict(flawless(seed)) for seed in range(SEEDS)]
    assert called.count("noise") >= 95


def steady(seed: int, days: int, mean: float) -> np.ndarray:
    return mean + 0.01 * np.random.default_rng(seed).standard_normal(days)


def judged(outcome: Outcome) -> Judgement:
    found = judge([outcome], "sharpe")
    assert found is not None
    return found


def test_what_shines_where_it_was_chosen_and_loses_where_it_was_judged_is_unclear() -> None:
    found = judged(an_outcome(0, steady(1, 60, 0.02), steady(2, 20, -0.005)))
    assert (found.verdict, "it lost where it was judged" in found.why) == ("unclear", True)
    assert found.luck_out_of_sample == 1.0


def test_a_handful_of_trades_is_unclear_however_good() -> None:
    found = judged(an_outcome(0, steady(1, 60, 0.02), steady(2, 20, 0.02), trades=3))
    assert (found.verdict, found.trades) == ("unclear", 6)


def test_days_too_few_for_any_verdict_are_said_to_be_so() -> None:
    # Gains on all of four days: 1/8 x 1/2 and their logarithm leave luck with 24 %.
    found = judged(an_outcome(0, [0.01, 0.02, 0.03], [0.01]))
    assert found.verdict == "noise"
    assert "4 days are too few" in found.why


def test_the_sentence_counts_tries_and_says_how_often_luck_does_as_well() -> None:
    found = judge([an_outcome(number, [0.01, 0.02, -0.01], [0.01]) for number in range(3)], "sharpe")
    assert found is not None
    # Three equal tries are one: of eight sums of +-1 +-2 +-1 those of 2 or more are (1,2,1), (1,2,-1), (-1,2,1).
    assert found.sentence == "The best of 3 tries would look this good by luck in 38 % of cases."
    assert found.effective_trials == pytest.approx(1)


def test_nothing_is_judged_when_nothing_traded() -> None:
    assert judge([an_outcome(0, [0.0, 0.0], [0.0], trades=0)], "sharpe") is None
    assert judge([Outcome(number=0, params={}, refused="impossible")], "sharpe") is None
    assert judge([], "sharpe") is None


def test_every_fold_follows_the_set_that_it_chose() -> None:
    one, other = an_outcome(0, [0.02, 0.01], [0.01]), an_outcome(1, [0.01, -0.01], [0.02])
    turned = [
        Outcome(number=0, params={}, folds=(*one.folds, *other.folds)),
        Outcome(number=1, params={}, folds=(*other.folds, *one.folds)),
    ]
    found = judge(turned, "sharpe")
    assert found is not None
    assert found.chosen == (0, 1)
    # Both choices gained 1 % where they were judged: two gains of two days are one world in four.
    assert (found.days_out_of_sample, found.luck_out_of_sample) == (2, 0.25)


def test_sets_are_ranked_by_the_metric_and_those_without_it_come_last() -> None:
    deep, flat = an_outcome(0, [0.01, -0.01], [0.0], max_drawdown=0.3), an_outcome(1, [0.01, 0.0], [0.0])
    idle = an_outcome(2, [0.0, 0.0], [0.0], trades=0, max_drawdown=0.0)
    assert [outcome.number for outcome in ranked([deep, flat, idle], "drawdown")] == [1, 0, 2]
    assert [outcome.number for outcome in ranked([deep, flat, idle], "pnl")] == [1, 0, 2]


def test_only_wins_are_the_best_profit_factor() -> None:
    some = an_outcome(0, [0.01], [0.0], profit_factor=9.0)
    only = an_outcome(1, [0.01], [0.0], profit_factor_infinite=True)
    assert [outcome.number for outcome in ranked([some, only], "profit_factor")] == [1, 0]


def test_per_cent_is_as_fine_as_it_has_to_be() -> None:
    assert [per_cent(p) for p in (0.376, 0.0312, 0.0996, 0.0002, 1.0)] == [
        "38 %", "3.1 %", "10 %", "less than 0.1 %", "100 %",
    ]  # fmt: skip
