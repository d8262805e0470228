from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trading_core.collect.clock import WINDOW_MS, VenueClock


def test_a_simulated_clock_is_the_newest_frame_and_never_goes_on_by_itself() -> None:
    clock = VenueClock(simulated=True)
    assert clock.now_ms(5) is None
    clock.on_frame(1_000)
    assert clock.now_ms(5) == clock.now_ms(50_000) == 1_000


def test_a_real_clock_is_receive_time_plus_the_median_offset() -> None:
    clock = VenueClock(simulated=False)
    assert clock.now_ms(10_000) == 10_000
    for offset_ms in (-100, -120, -900):
        clock.on_event(10_000 + offset_ms, 10_000)
    assert clock.offset_ms == -120
    assert clock.now_ms(20_000) == 19_880


def test_offsets_older_than_a_minute_no_longer_count() -> None:
    clock = VenueClock(simulated=False)
    clock.on_event(9_000, 10_000)
    clock.on_event(70_001 - 100, 10_000 + WINDOW_MS + 1)
    assert clock.offset_ms == -100


@given(st.lists(st.tuples(st.integers(0, 30_000), st.integers(-2_000, 2_000)), min_size=1, max_size=80))
def test_the_offset_is_always_the_median_of_the_window(steps: list[tuple[int, int]]) -> None:
    clock, now_ms, seen = VenueClock(simulated=False), 1_000_000, []
    for pause_ms, offset_ms in steps:
        now_ms += pause_ms
        clock.on_event(now_ms + offset_ms, now_ms)
        seen.append((now_ms, offset_ms))
        window = sorted(offset for at, offset in seen if at >= now_ms - WINDOW_MS)
        assert clock.offset_ms == window[len(window) // 2]


def test_the_delay_of_an_event_is_by_our_clock_or_by_the_simulators_newest_frame() -> None:
    assert VenueClock(simulated=False).delay_ms(9_900, 10_000) == 100
    simulated = VenueClock(simulated=True)
    assert simulated.delay_ms(900, 10_000) == 0
    simulated.on_frame(1_000)
    assert simulated.delay_ms(900, 10_000) == 100
