"""The broker's identities over many more and longer random runs than the suite has time for, new ones each time."""

import pytest
from broker_machine import BrokerMachine
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test


@pytest.mark.long
def test_the_identities_hold_whatever_happens() -> None:
    run_state_machine_as_test(
        BrokerMachine,
        settings=settings(
            max_examples=2_000, stateful_step_count=100, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
