"""Anything in any order: the identities hold after each step, through crashes too. The long form is in tests/long."""

from broker_machine import BrokerMachine
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
    # Always the same runs: what they reach is then a fact, and a failure is one of the change that brought it.
    run_state_machine_as_test(
        BrokerMachine,
        settings=settings(max_examples=300, stateful_step_count=50, deadline=None, derandomize=True, database=None),
    )
    assert set(BrokerMachine.reached) >= REACHED
