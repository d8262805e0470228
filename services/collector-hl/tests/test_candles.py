from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collector_hl.candles import GRACE_MS, REMEMBERED, Bars, Published
from collector_hl.parse import CandleRow
from trading_core.model import MINUTE_MS

T0 = 1_787_195_040_000
CLOSE_MS = T0 + MINUTE_MS


def a_row(minute: int = 0, close: str = "101.0", n: int | None = 1, volume: str = "1.0") -> CandleRow:
    t = T0 + minute * MINUTE_MS
    return CandleRow(t=t, last_ms=t + 59_999, s="BTC", i="1m", o="100.0", h="102.0", l="99.0", c=close, v=volume, n=n)


def test_a_bucket_is_closed_by_a_frame_with_a_later_open_time() -> None:
    bars = Bars()
    assert bars.update(a_row(close="100.5")) == []
    assert bars.update(a_row(close="101.5")) == []
    assert bars.update(a_row(1)) == [a_row(close="101.5")]


def test_without_trades_a_bucket_is_closed_after_its_grace() -> None:
    bars = Bars()
    bars.update(a_row())
    assert bars.overdue(CLOSE_MS + GRACE_MS - 1, CLOSE_MS) == []
    assert bars.overdue(CLOSE_MS + GRACE_MS, CLOSE_MS) == [a_row()]
    assert bars.overdue(CLOSE_MS + GRACE_MS, CLOSE_MS) == []


def test_a_silent_socket_closes_no_bucket() -> None:
    bars = Bars()
    bars.update(a_row())
    assert bars.overdue(T0 + 10 * MINUTE_MS, CLOSE_MS - 1) == []


def test_a_bucket_behind_its_trades_is_not_closed_by_time() -> None:
    bars = Bars()
    bars.update(a_row())
    bars.traded(CLOSE_MS - 1)
    assert bars.overdue(CLOSE_MS + GRACE_MS, CLOSE_MS) == []


def test_a_frame_that_was_overtaken_by_a_newer_one_of_its_bucket_is_not_taken() -> None:
    bars = Bars()
    bars.update(a_row(n=2, close="101.5"))
    bars.update(a_row(n=1, close="100.5"))
    assert bars.update(a_row(1)) == [a_row(n=2, close="101.5")]
    assert bars.stale == 1


def test_without_a_count_of_trades_the_volume_tells_the_newer_frame() -> None:
    bars = Bars()
    bars.update(a_row(n=None, volume="10.0", close="101.5"))
    bars.update(a_row(n=None, volume="9.0", close="100.5"))
    assert bars.update(a_row(1)) == [a_row(n=None, volume="10.0", close="101.5")]


def test_the_last_frame_of_a_bucket_may_be_overtaken_by_the_first_of_the_next() -> None:
    bars = Bars()
    bars.update(a_row(n=3))
    bars.traded(CLOSE_MS - 500)
    assert bars.update(a_row(1)) == []
    assert bars.update(a_row(0, n=4, close="101.9")) == [a_row(0, n=4, close="101.9")]
    assert bars.update(a_row(2)) == [a_row(1)]


def test_a_bucket_whose_last_frame_never_comes_is_closed_after_its_grace_or_by_the_next_but_one() -> None:
    for by_time in (True, False):
        bars = Bars()
        bars.update(a_row(n=3))
        bars.traded(CLOSE_MS - 500)
        bars.update(a_row(1))
        closed = bars.overdue(CLOSE_MS + GRACE_MS, CLOSE_MS) if by_time else bars.update(a_row(2))
        assert closed[0] == a_row(n=3)


def test_a_late_frame_of_a_closed_bucket_is_counted_and_closes_nothing() -> None:
    bars = Bars()
    bars.update(a_row())
    bars.update(a_row(1))
    assert bars.update(a_row(0, close="99.5")) == []
    assert bars.update(a_row(2)) == [a_row(1)]
    assert bars.stale == 1


def test_a_bucket_that_lost_its_socket_is_not_closed_by_the_next_one() -> None:
    bars = Bars()
    bars.update(a_row(0))
    bars.restart()
    assert bars.update(a_row(1)) == []
    assert bars.update(a_row(2)) == [a_row(1)]


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=60))
def test_every_bucket_is_closed_at_most_once_and_in_order(frames: list[tuple[int, bool]]) -> None:
    bars, closed = Bars(), []
    for minute, has_trade in frames:
        closed += [row.t for row in bars.update(a_row(minute))]
        if has_trade:
            bars.traded(T0 + minute * MINUTE_MS + 1)
    assert closed == sorted(set(closed))


def test_a_published_candle_is_corrected_by_what_differs_from_it() -> None:
    published = Published()
    published.note(a_row(n=4), 7)
    assert published.correction(a_row(n=5, close="101.5"), is_final=False) == 7
    assert published.correction(a_row(n=4), is_final=True) is None
    assert published.correction(a_row(1), is_final=True) is None


def test_the_same_numbers_written_otherwise_are_no_correction() -> None:
    published = Published()
    published.note(a_row(close="101.0", volume="1.0"), 7)
    assert published.correction(a_row(close="101.00", volume="1"), is_final=True) is None


def test_an_older_state_of_a_bucket_corrects_it_only_when_history_says_so() -> None:
    published = Published()
    published.note(a_row(n=4), 7)
    assert published.correction(a_row(n=3, close="100.1"), is_final=False) is None
    assert published.correction(a_row(n=3, close="100.1"), is_final=True) == 7


def test_only_the_newest_candles_are_remembered() -> None:
    published = Published()
    for minute in range(REMEMBERED + 1):
        published.note(a_row(minute), minute)
    assert published.correction(a_row(0, close="99.5"), is_final=True) is None
    assert published.correction(a_row(1, close="99.5"), is_final=True) == 1
