"""Which sets are tried: the same ones every time, and the rest of them after an interruption."""

from collections.abc import Callable

import pytest
from optimise_builders import an_outcome

from trading_core.optimise.figures import Outcome
from trading_core.optimise.journal import Memory
from trading_core.optimise.pool import Pool
from trading_core.optimise.run import run_search
from trading_core.optimise.search import Grid, Random, Search
from trading_core.optimise.space import Space, parse_space
from trading_core.optimise.tpe import Tpe

SPACE = parse_space(["a=0:30:1", "b=0:30:1"])


def hill(number: int) -> Outcome:
    """Best at a = 20, b = 10."""
    params = SPACE.params(number)
    height = -((params["a"] - 20) ** 2) - (params["b"] - 10) ** 2
    return an_outcome(number, [0.01, 0.02], [0.01], sharpe=float(height))


class Counting:
    """A pool that computes `made` and remembers which sets it was asked for."""

    def __init__(self, made: Callable[[int], Outcome], stop_after: int | None = None) -> None:
        self.asked: list[int] = []
        self._made = made
        self._stop_after = stop_after

    def pool(self) -> Pool:
        return Pool(self._compute, None, 1)

    def _compute(self, number: int) -> Outcome:
        if len(self.asked) == self._stop_after:
            raise KeyboardInterrupt
        self.asked.append(number)
        return self._made(number)


def numbers(search: Search, made: Callable[[int], Outcome] = hill) -> list[int]:
    counting = Counting(made)
    run_search(search, counting.pool(), Memory(), [])
    return counting.asked


def test_a_grid_tries_every_set_in_order() -> None:
    assert numbers(Grid(parse_space(["a=1,2", "b=1,2,3"]))) == [0, 1, 2, 3, 4, 5]


def test_a_random_search_tries_different_sets_and_the_same_for_the_same_seed() -> None:
    found = numbers(Random(SPACE, 50, seed=1))
    assert len(set(found)) == 50
    assert found == numbers(Random(SPACE, 50, seed=1))
    assert found != numbers(Random(SPACE, 50, seed=2))


def test_more_random_trials_begin_with_those_of_fewer() -> None:
    assert numbers(Random(SPACE, 80, seed=1))[:50] == numbers(Random(SPACE, 50, seed=1))


def test_a_random_search_for_more_than_there_is_tries_all() -> None:
    assert sorted(numbers(Random(parse_space(["a=0:9:1"]), 50, seed=1))) == list(range(10))


def test_impossible_sets_do_not_count_as_random_trials() -> None:
    def odd(number: int) -> Outcome:
        return hill(number) if number % 2 else Outcome(number=number, params={}, refused="even")

    found = numbers(Random(SPACE, 40, seed=3), odd)
    assert sum(number % 2 for number in found) == 40


def test_tpe_climbs_and_does_so_the_same_way_every_time() -> None:
    found = numbers(Tpe(SPACE, 64, seed=1, metric="sharpe", name="hill"))
    heights = [hill(number).folds[0].in_sample.sharpe or 0.0 for number in found]
    assert max(heights[32:]) >= -25
    assert sum(heights[-16:]) > sum(heights[:16])
    assert found == numbers(Tpe(SPACE, 64, seed=1, metric="sharpe", name="hill"))


def test_tpe_goes_on_where_nothing_can_be_ranked() -> None:
    found = numbers(Tpe(SPACE, 20, seed=1, metric="sharpe", name="none"), lambda n: Outcome(number=n, params={}))
    assert 16 <= len(found) <= 20


def search_of(kind: str, space: Space) -> Search:
    if kind == "grid":
        return Grid(space)
    return Random(space, 48, 5) if kind == "random" else Tpe(space, 48, 5, "sharpe", "resumed")


@pytest.mark.parametrize("kind", ["grid", "random", "tpe"])
def test_a_search_that_was_broken_off_ends_like_an_unbroken_one(kind: str) -> None:
    space = parse_space(["a=0:30:1", "b=0:30:1"]) if kind != "grid" else parse_space(["a=0:7:1", "b=0:5:1"])
    whole = Counting(hill)
    unbroken = run_search(search_of(kind, space), whole.pool(), Memory(), [])

    kept = Keeping()
    with pytest.raises(KeyboardInterrupt):
        run_search(search_of(kind, space), Counting(hill, stop_after=21).pool(), kept, [])
    assert len(kept.outcomes) == 21
    rest = Counting(hill)
    assert run_search(search_of(kind, space), rest.pool(), Memory(), kept.outcomes) == unbroken
    assert len(rest.asked) == len(whole.asked) - 21


class Keeping(Memory):
    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def save(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
