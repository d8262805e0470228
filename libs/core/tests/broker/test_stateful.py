"""Anything in any order: the identities hold after each step, through crashes too. The long form is in tests/long."""

from __future__ import annotations

import random
from collections.abc import Callable

from broker_machine import COINS, MARKETS, STRATEGIES, BrokerMachine
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

REACHED = {
    "opened", "reversed", "closed", "stale", "low_confidence", "paused", "cooldown", "already_open", "max_positions",
    "max_exposure", "too_small", "nothing_open", "stop_loss", "take_profit", "timeout", "signal", "manual", "resolved",
    "funding", "late funding", "FundingOwed", "StrategyPaused", "suspect", "sound", "a second level",
    "hyperliquid BUY fixed", "hyperliquid SELL fixed", "hyperliquid BUY book", "hyperliquid SELL book",
    "polymarket BUY fixed", "polymarket SELL fixed", "polymarket BUY book", "polymarket SELL book",
}  # fmt: skip


def test_the_identities_hold_whatever_happens() -> None:
    run_state_machine_as_test(
        BrokerMachine,
        settings=settings(max_examples=300, stateful_step_count=50, deadline=None, derandomize=True, database=None),
    )


def test_fixed_walks_reach_all_that_the_machine_is_for() -> None:
    """Which runs hypothesis makes depends on its version and on what else is loaded; these are always the same."""
    BrokerMachine.reached.clear()
    for seed in range(30):
        machine, chance = BrokerMachine(), random.Random(seed)
        for _ in range(150):
            chance.choice(STEPS)(machine, chance)
            machine.equity_is_the_sum_of_its_parts()
            machine.every_signal_has_its_decision()
            machine.a_level_never_gives_more_than_it_has()
        machine.teardown()
    assert set(BrokerMachine.reached) >= REACHED


def _opinion(chance: random.Random) -> tuple[str, str, str, float, float, int]:
    where = chance.choice([*COINS, *MARKETS])
    direction, age_s = chance.choice(["LONG", "SHORT", "LONG", "SHORT", "CLOSE"]), chance.choice([0] * 9 + [31])
    return chance.choice(STRATEGIES), where, direction, chance.choice([0.9, 0.9, 0.9, 0.4]), 0.001, age_s


def _sizes(chance: random.Random) -> list[int]:
    return [chance.randint(0, 60_000) for _ in range(chance.randint(0, 4))]


def _close(machine: BrokerMachine, chance: random.Random) -> None:
    if machine.book.positions:
        machine.a_person_closes_a_position(chance.randint(0, 20))


STEPS: list[Callable[[BrokerMachine, random.Random], None]] = [
    *[lambda m, c: m.strategies_signal([_opinion(c)])] * 6,
    *[
        lambda m, c: m.a_mark_moves(
            c.choice([*COINS]), c.choice([-0.03, -0.012, 0.001, 0.012, 0.03]), 5, c.choice([0, 5])
        )
    ]
    * 3,
    lambda m, c: m.an_old_mark_comes(c.choice([*COINS]), 3),
    lambda m, c: m.a_coins_book_is_recorded(c.choice([*COINS]), _sizes(c), _sizes(c), 2),
    lambda m, c: m.a_market_is_polled(c.choice(MARKETS), 9),
    lambda m, c: m.a_markets_book_changes(c.choice(MARKETS), c.randint(3, 96), _sizes(c), _sizes(c), "0.01"),
    lambda m, c: m.the_same_book_is_told_again(c.choice(MARKETS), 4),
    lambda m, c: m.an_old_book_comes(c.choice(MARKETS)),
    lambda m, c: m.the_venue_reports_a_result(c.choice(MARKETS), c.choice(["0", "1", "0.5"]), c.choice([0, 40_000])),
    *[lambda m, c: m.a_minute_is_full()] * 3,
    lambda m, c: m.an_hour_is_full({coin for coin in COINS if c.random() < 0.5}),
    lambda m, c: m.a_rate_is_settled(c.choice([*COINS]), c.randint(0, 3), c.randint(-30, 30)),
    lambda m, c: m.a_person_pauses_or_resumes(c.choice(STRATEGIES), c.random() < 0.3),
    _close,
    lambda m, c: m.the_broker_crashes(),
]
