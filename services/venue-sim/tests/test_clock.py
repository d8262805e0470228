from __future__ import annotations

from pathlib import Path

import pytest

from trading_core.errors import ConfigError
from venue_sim.clock import ClockState, Pace, read_state, write_state


def a_pace(speed: float = 100.0) -> Pace:
    pace = Pace(1_000_000, speed)
    pace.start(50.0)
    return pace


def test_the_state_survives_a_restart(tmp_path: Path) -> None:
    state = ClockState(event_ms=1_792_980_000_123, speed=300.0, shift_ms=86_400_000)
    write_state(tmp_path / "run" / "venue.json", state)
    assert read_state(tmp_path / "run" / "venue.json") == state


def test_no_state_means_a_first_start(tmp_path: Path) -> None:
    assert read_state(tmp_path / "absent.json") is None


def test_a_broken_state_is_named(tmp_path: Path) -> None:
    (tmp_path / "venue.json").write_text("{")
    with pytest.raises(ConfigError, match="Remove it"):
        read_state(tmp_path / "venue.json")


def test_the_clock_stands_still_before_it_is_started() -> None:
    pace = Pace(1_000_000, 100.0)
    assert pace.now_ms(0.0) == pace.now_ms(1e9) == 1_000_000


def test_the_clock_never_reaches_an_event_before_it_happens() -> None:
    pace = a_pace()
    pace.expect(1_020_000)
    assert pace.now_ms(50.1) == 1_010_000
    assert pace.now_ms(99.0) == 1_019_999
    pace.passed(99.0)
    assert pace.now_ms(99.0) == 1_020_000


def test_an_event_waits_for_its_moment_at_the_chosen_speed() -> None:
    pace = a_pace()
    pace.expect(1_020_000)
    assert pace.wait_s(50.0) == pytest.approx(0.2)


def test_a_clock_that_fell_behind_goes_on_at_its_speed_instead_of_hurrying() -> None:
    pace = a_pace()
    pace.expect(1_020_000)
    pace.passed(60.0)
    pace.expect(1_040_000)
    assert pace.wait_s(60.0) == pytest.approx(0.2)


def test_small_delays_are_made_up_for() -> None:
    pace = a_pace()
    pace.expect(1_020_000)
    pace.passed(50.25)
    pace.expect(1_040_000)
    assert pace.wait_s(50.25) == pytest.approx(0.15)
