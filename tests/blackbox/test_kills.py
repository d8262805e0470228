"""kill -9 of each process in turn while data flows: only a dead collector leaves a hole, and it is declared."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from blackbox_lab import BlackBox
from market_judge import Run, judge

pytestmark = pytest.mark.integration
SPEED = 300.0
SLACK_S = 10.0
"""Wall time, as in the tests of faults: a busy machine takes longer to start a process."""


async def test_each_of_the_four_may_be_killed_and_what_is_stored_is_what_the_venue_had(
    black_box: Callable[[float], BlackBox],
) -> None:
    box = black_box(SPEED)
    await box.start()
    from_ms = await box.watermark_ms()
    for victim in (box.recorder, box.nats, box.postgres.process, box.collector):
        await box.kill(victim)
        await box.flows()
    until_ms = await box.finish()
    truth, faults = box.truth()
    run = Run(truth, await box.rows(), await box.gaps(), faults, from_ms, until_ms, box.speed, SLACK_S)
    found = judge(run)
    assert not found, "\n".join(found)
    assert [gap for gap in run.gaps if gap.from_ms <= run.until_ms], "the dead collector missed something"
