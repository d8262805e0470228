from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trading_core.collect.stamp import Progress, Stamp, full_minute
from trading_core.model import MINUTE_MS

T0 = 1_792_980_000_000
LATENESS_MS = 1_500
WAIT_MS = 5_000


def a_stamp(watermark_ms: int | None = None, assets: tuple[str, ...] = ("BTC", "ETH")) -> Stamp:
    stamp = Stamp(LATENESS_MS, WAIT_MS, watermark_ms)
    stamp.progress = {asset: Progress(T0) for asset in assets}
    stamp.begin()
    return stamp


def published(stamp: Stamp, close_ms: int) -> None:
    for progress in stamp.progress.values():
        progress.published(close_ms)


def test_nothing_is_decided_before_the_history_is_out() -> None:
    stamp = Stamp(LATENESS_MS, WAIT_MS)
    stamp.progress = {"BTC": Progress(T0)}
    assert stamp.decide(T0 + 10_000, 0.0) == []
    assert stamp.visible(T0 - 5) == T0 - 5


def test_the_watermark_lags_the_venue_clock_by_the_lateness() -> None:
    assert a_stamp().decide(T0 + 10_000, 0.0) == [T0 + 10_000 - LATENESS_MS]


def test_what_comes_after_a_watermark_is_visible_after_it() -> None:
    stamp = a_stamp(T0)
    assert stamp.visible(T0 - 60_000) == T0 + 1
    assert stamp.visible(T0 + 500) == T0 + 500


def test_the_watermark_stops_before_a_minute_whose_candle_is_missing_for_one_asset() -> None:
    stamp = a_stamp(T0)
    stamp.progress["BTC"].published(T0 + MINUTE_MS)
    assert stamp.decide(T0 + MINUTE_MS + 3_000, 5.0) == [T0 + MINUTE_MS - 1]
    stamp.progress["ETH"].published(T0 + MINUTE_MS)
    assert stamp.decide(T0 + MINUTE_MS + 3_000, 5.1) == [T0 + MINUTE_MS]


def test_every_full_minute_has_a_watermark_of_its_own_however_fast_time_goes() -> None:
    stamp = a_stamp(T0 - 1)
    for k in range(1, 4):
        published(stamp, T0 + k * MINUTE_MS)
    decided = stamp.decide(T0 + 3 * MINUTE_MS + 20_000, 0.1)
    assert decided == [T0 + k * MINUTE_MS for k in range(4)]


def test_between_the_minutes_there_is_one_a_second() -> None:
    stamp = a_stamp(T0)
    assert stamp.decide(T0 + 12_000, 0.5) == []
    assert stamp.decide(T0 + 12_000, 1.0) == [T0 + 10_500]
    assert stamp.decide(T0 + 13_000, 1.5) == []
    assert stamp.decide(T0 + 13_000, 2.0) == [T0 + 11_500]


def test_a_gap_is_due_once_both_clocks_have_waited() -> None:
    stamp = a_stamp(T0)
    close_ms = T0 + MINUTE_MS
    assert stamp.overdue(close_ms, 10.0) == []
    assert stamp.overdue(close_ms + WAIT_MS, 10.1) == []
    assert stamp.overdue(close_ms + WAIT_MS - 1, 15.1) == []
    assert stamp.overdue(close_ms + WAIT_MS, 15.1) == ["BTC", "ETH"]


def test_an_open_gap_holds_nothing_up() -> None:
    stamp = a_stamp(T0)
    stamp.progress["ETH"].in_gap = True
    published(stamp, T0 + MINUTE_MS)
    stamp.progress["BTC"].published(T0 + 2 * MINUTE_MS)
    assert stamp.decide(T0 + 2 * MINUTE_MS + 2_000, 0.0) == [T0 + MINUTE_MS, T0 + 2 * MINUTE_MS]


def test_candles_after_a_hole_count_once_the_hole_is_filled() -> None:
    progress = Progress(T0)
    progress.published(T0 + 3 * MINUTE_MS)
    progress.published(T0 + 2 * MINUTE_MS)
    assert progress.closed_ms == T0
    assert progress.missing(T0 + 3 * MINUTE_MS) == [T0 + MINUTE_MS]
    progress.published(T0 + MINUTE_MS)
    assert progress.closed_ms == T0 + 3 * MINUTE_MS


def test_what_is_declared_lost_is_not_waited_for() -> None:
    progress = Progress(T0)
    progress.published(T0 + 3 * MINUTE_MS)
    progress.declared(T0 + 2 * MINUTE_MS)
    assert progress.closed_ms == T0 + 3 * MINUTE_MS
    assert progress.have == set()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["clock", "candle", "gap", "close", "event"]),
        st.sampled_from(["BTC", "ETH"]),
        st.integers(0, 200_000),
    ),
    max_size=60,
)


@given(STEPS)
def test_a_watermark_rises_keeps_its_promise_and_never_passes_an_undeclared_minute(
    steps: list[tuple[str, str, int]],
) -> None:
    stamp = a_stamp(T0)
    clock_ms, now_s, last = T0, 0.0, T0
    out: dict[str, set[int]] = {"BTC": set(), "ETH": set()}
    for kind, asset, amount in steps:
        progress = stamp.progress[asset]
        now_s += 0.3
        if kind == "clock":
            clock_ms += amount
        elif kind == "candle":
            close_ms = progress.closed_ms + MINUTE_MS * (1 + amount % 3)
            progress.published(close_ms)
            out[asset].add(close_ms)
        elif kind == "gap":
            progress.in_gap = True
        elif kind == "close" and progress.in_gap:
            progress.declared(full_minute(stamp.watermark_ms or T0))
            progress.in_gap = False
        elif kind == "event":
            assert stamp.visible(clock_ms - amount) > last
        if progress.in_gap:
            continue
        before = {name: (one.in_gap, one.closed_ms) for name, one in stamp.progress.items()}
        for decided in stamp.decide(clock_ms, now_s):
            assert decided > last
            assert decided <= clock_ms - LATENESS_MS
            minutes = range(full_minute(last) + MINUTE_MS, decided, MINUTE_MS)
            assert not list(minutes), "a full minute was jumped over"
            for in_gap, closed_ms in before.values():
                assert in_gap or decided < closed_ms + MINUTE_MS
            last = decided
