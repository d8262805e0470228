"""How often luck does as well: exact in small cases, right on average, and aware of tries that resemble each other."""

import math

import numpy as np
import pytest

from trading_core.optimise.luck import luck, together, unseen_loss


def test_one_try_that_gained_every_day_is_one_world_of_all() -> None:
    # Of the 2^5 ways to sign five days only one has all of them up.
    assert luck(np.full((5, 1), 0.01), 0) == 1 / 32


def test_the_size_of_days_counts() -> None:
    # Sums of +-1 +-2 +-4 that reach 4 - 1 - 2 = 1: all four with 4 up.
    assert luck(np.array([[-1.0], [-2.0], [4.0]]), 0) == 4 / 8


def test_a_try_that_lost_or_stood_still_is_no_better_than_luck() -> None:
    assert luck(np.array([[0.01], [-0.02]]), 0) == 1.0
    assert luck(np.zeros((5, 2)), 0) == 1.0
    assert luck(np.zeros((0, 1)), 0) == 1.0


def test_copies_of_one_try_are_one_try() -> None:
    days = np.random.default_rng(3).standard_normal((10, 1)) + 0.5
    assert luck(np.repeat(days, 50, axis=1), 7) == luck(days, 0)


def test_opposites_are_two_chances() -> None:
    # The other way round every try is as good in the mirrored world.
    days = np.full((6, 1), 0.01)
    assert luck(np.concatenate([days, -days], axis=1), 0) == 2 / 64


def test_idle_days_and_the_size_of_a_try_do_not_matter() -> None:
    days = np.random.default_rng(4).standard_normal((8, 3)) + 0.3
    idle = np.concatenate([days, np.zeros((4, 3))])
    assert luck(idle, 0) == pytest.approx(luck(days, 0))
    assert luck(days * np.array([1.0, 100.0, 0.01]), 0) == luck(days, 0)


def test_the_best_of_independent_tries_is_as_good_as_it_is_in_theory() -> None:
    # A z of 3 in one of 20 independent tries of 200 days: 1 - (1 - 0.00135)^20 = 2.7 %.
    days = np.random.default_rng(5).standard_normal((200, 20))
    days -= days.mean(axis=0)
    days /= np.sqrt((days**2).sum(axis=0))
    days[:, 0] += 3 / 200 / math.sqrt(1 - 9 / 200)
    assert luck(days, 0) == pytest.approx(0.027, abs=0.006)


def test_luck_is_the_same_every_time() -> None:
    days = np.random.default_rng(6).standard_normal((40, 30)) + 0.2
    assert luck(days, 3) == luck(days, 3)


def test_a_rare_large_loss_of_some_tries_is_charged_to_those_that_it_spared() -> None:
    # Gains of 1 on most days, a loss of 9 on few: worth nothing on average, and half of the tries have not lost yet.
    calm, hit = np.full(12, 1.0), np.full(12, 1.0)
    hit[5] = -9.0
    both = np.stack([calm, hit], axis=1)
    assert unseen_loss(both) == 8.0
    assert luck(both, 0) < 0.001
    assert luck(both, 0, unseen=unseen_loss(both)) > 0.1


def test_tails_that_balance_are_charged_with_nothing() -> None:
    assert unseen_loss(np.array([[0.03, -0.02]])) == 0.0
    assert unseen_loss(np.zeros((0, 2))) == 0.0
    assert unseen_loss(np.zeros((3, 2))) == 0.0


def test_a_try_that_loses_more_than_the_others_earn_does_not_set_the_scale() -> None:
    # Losses of 100 +- 10 beside gains of 1 and losses of 0.5: in typical days -1.1 and +1.
    steady_loss = np.array([-100.0, -110.0, -90.0, -100.0])
    good = np.array([1.0, 1.0, -0.5, 1.0])
    assert unseen_loss(np.stack([steady_loss, good], axis=1)) == pytest.approx(0.1)


def test_two_probabilities_join_as_fishers_product() -> None:
    # chi-squared with 4 degrees of freedom beyond -2 ln(0.05 x 0.05) = 11.98 is 0.0175.
    assert together(0.05, 0.05) == pytest.approx(0.01748, abs=1e-5)
    assert together(1.0, 1.0) == 1.0
