"""Faults of Polymarket by chance, one after the other for a minute and a half a seed; the truth log is the judge."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from book_judge import check_promises
from polymarket_lab import Lab

from trading_core.bus.connection import Bus
from trading_core.testing import eventually

pytestmark = [pytest.mark.long, pytest.mark.integration, pytest.mark.timeout(900)]
SPEED = 100.0
SECONDS = 90


@pytest.fixture
async def lab(tmp_path: Path, nats_url: str, bus: Bus) -> AsyncIterator[Lab]:
    opened = Lab(tmp_path, nats_url, bus)
    try:
        yield opened
    finally:
        await opened.close()


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_nothing_is_missing_that_is_not_declared_whatever_goes_wrong(lab: Lab, seed: int) -> None:
    await lab.venue(SPEED, "--faults-seed", str(seed))
    await lab.collector(TRADING_EXCHANGES__POLYMARKET__SILENCE_S="2")
    started = await lab.first_watermark()
    began_s = time.monotonic()
    await eventually(lambda: time.monotonic() - began_s > SECONDS, SECONDS + 10)
    for stream in await lab.streams():
        check_promises(stream)
    verdict = await lab.verdict(started, SPEED)
    faults = [line["id"].split(":")[1] for line in lab.truth("fault") if line["id"].endswith(":begins")]
    print(f"seed {seed}: {faults}; holes where nothing went wrong: {verdict.beyond}")
    assert (verdict.missing, verdict.extra) == ([], []), verdict
