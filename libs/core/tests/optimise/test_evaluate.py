"""Sets through the real backtest: noise is noise, an edge is an edge, and workers change nothing."""

from __future__ import annotations

from pathlib import Path

from optimise_builders import AT_HOUR, T0, TOSS, free_trading, minute_history, write_strategy

from trading_core.model import DAY_MS
from trading_core.optimise.figures import Outcome
from trading_core.optimise.pool import Job, open_pool
from trading_core.optimise.space import parse_space
from trading_core.optimise.verdict import judge
from trading_core.optimise.walk_forward import folds


def a_job(folder: Path, *params: str, seed: int = 1, days: int = 10, drift: float = 0.0) -> Job:
    """A search on free trading; with `drift` the hour from 14:00 on rises by that much each day."""
    history = minute_history(seed, days, {14: drift} if drift else None)
    parts = folds(T0, T0 + days * DAY_MS, 1, "rolling")
    return Job(folder, free_trading(folder.parent), history, parse_space(params), parts)


def outcomes(job: Job) -> list[Outcome]:
    evaluate = job.evaluator()
    return [evaluate(number) for number in range(job.space.size)]


def called(job: Job) -> str:
    found = judge(outcomes(job), "sharpe")
    assert found is not None
    return found.verdict


def test_the_best_of_many_coins_is_called_noise(tmp_path: Path) -> None:
    folder = write_strategy(tmp_path, "coin_toss", "salt: int = 0", TOSS)
    assert [called(a_job(folder, "salt=0:5:1", seed=seed)) for seed in range(4)] == ["noise"] * 4


def test_an_hour_that_rises_every_day_is_recognised(tmp_path: Path) -> None:
    folder = write_strategy(tmp_path, "at_hour", "hour: int = 0", AT_HOUR)
    jobs = [a_job(folder, "hour=12:16:1", seed=seed, days=24, drift=0.015) for seed in range(2)]
    assert [called(job) for job in jobs] == ["edge"] * 2


def test_the_judging_part_starts_flat_and_warm(tmp_path: Path) -> None:
    # It is LONG at 14:00 of every day and closed an hour later, also on the first judging day.
    folder = write_strategy(tmp_path, "at_hour", "hour: int = 0", AT_HOUR)
    [found] = outcomes(a_job(folder, "hour=14", days=10))
    assert (found.folds[0].in_sample.trades, found.folds[0].out_of_sample.trades) == (7, 3)
    assert (found.folds[0].in_sample.days, found.folds[0].out_of_sample.days) == (7, 3)


def test_rules_of_the_broker_are_searched_like_parameters(tmp_path: Path) -> None:
    folder = write_strategy(tmp_path, "at_hour", "hour: int = 0", AT_HOUR)
    found = outcomes(a_job(folder, "hour=14", "timeout_m=30,90,null", days=3))
    # Two judged or chosen days of one trade each; without a timeout the first position stays to the end of its part.
    assert [outcome.params["timeout_m"] for outcome in found] == [30, 90, None]
    pnl = [outcome.folds[0].in_sample.realised_pnl for outcome in found]
    assert len(set(pnl)) == 3


def test_values_that_exclude_each_other_are_refused_set_by_set(tmp_path: Path) -> None:
    params = """\
low: int = 1
        high: int = 9
        def __post_init__(self):
            if self.low >= self.high:
                raise ValueError("low must be below high")"""
    folder = write_strategy(tmp_path, "two_bounds", params, "return None")
    found = outcomes(a_job(folder, "low=1,5", "high=3,6", days=1))
    assert [outcome.refused is not None for outcome in found] == [False, False, True, False]
    assert "low must be below high" in str(found[2].refused)


def test_a_strategy_that_raises_fails_its_set_alone(tmp_path: Path) -> None:
    folder = write_strategy(tmp_path, "divides", "by: int = 1", "1 / p.by\nreturn None")
    found = outcomes(a_job(folder, "by=0,1", days=1))
    assert "ZeroDivisionError" in str(found[0].failed)
    assert found[1].failed is None


def test_two_workers_find_what_one_finds(tmp_path: Path) -> None:
    folder = write_strategy(tmp_path, "coin_toss", "salt: int = 0", TOSS)
    job = a_job(folder, "salt=0:4:1", days=2)
    with open_pool(job, 2) as pool:
        shared = sorted(pool.outcomes(range(5)), key=lambda outcome: outcome.number)
    assert shared == outcomes(job)
