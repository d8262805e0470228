"""Receive times, of which venue time is made."""

from __future__ import annotations

import time

import pytest

from trading_core.collect.patience import wall_ms, wall_set_by_ms

HOUR_NS = 3_600 * 10**9


@pytest.mark.parametrize("hours", [1, -1, 24])
def test_a_clock_that_is_set_moves_no_receive_time_and_is_told(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    before_ms = wall_ms()
    right = time.time_ns
    assert abs(wall_set_by_ms()) < 1_000
    monkeypatch.setattr(time, "time_ns", lambda: right() + hours * HOUR_NS)
    assert 0 <= wall_ms() - before_ms < 60_000
    assert abs(wall_set_by_ms() - hours * 3_600_000) < 1_000
