from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collector_hl.candles import GRACE_MS, Bars
from collector_hl.parse import CandleRow
from trading_core.model import MINUTE_MS

T0 = 1_787_195_040_000


def a_row(minute: int = 0, close: str = "101.0") -> CandleRow:
    t = T0 + minute * MINUTE_MS
    return CandleRow(t=t, last_ms=t + 59_999, s="BTC", i="1m", o="100.0", h="102.0", l="99.0", c=close, v="1.0", n=1)


def test_a_bucket_is_closed_by_a_frame_with_a_later_open_time() -> None:
    bars = Bars()
    assert bars.update(a_row(close="100.5")) is None
    assert bars.update(a_row(close="101.5")) is None
    assert bars.update(a_row(1)) == a_row(close="101.5")


def test_without_trades_a_bucket_is_closed_after_its_grace() -> None:
    bars = Bars()
    bars.update(a_row())
    close_ms = T0 + MINUTE_MS
    assert bars.overdue(close_ms + GRACE_MS - 1, close_ms) is None
    assert bars.overdue(close_ms + GRACE_MS, close_ms) == a_row()
    assert bars.overdue(close_ms + GRACE_MS, close_ms) is None


def test_a_silent_socket_closes_no_bucket() -> None:
    bars = Bars()
    bars.update(a_row())
    assert bars.overdue(T0 + 10 * MINUTE_MS, T0 + MINUTE_MS - 1) is None


def test_a_late_frame_of_a_closed_bucket_is_counted_and_ignored() -> None:
    bars = Bars()
    bars.update(a_row())
    bars.update(a_row(1))
    assert bars.update(a_row(0, close="99.5")) is None
    assert bars.update(a_row(2)) == a_row(1)
    assert bars.stale == 1


def test_a_bucket_that_lost_its_socket_is_not_closed_by_the_next_one() -> None:
    bars = Bars()
    bars.update(a_row(0))
    bars.restart()
    assert bars.update(a_row(1)) is None
    assert bars.update(a_row(2)) == a_row(1)


@given(st.lists(st.integers(0, 30), max_size=60))
def test_every_bucket_is_closed_at_most_once_and_in_order(minutes: list[int]) -> None:
    bars = Bars()
    closed = [row.t for minute in minutes if (row := bars.update(a_row(minute))) is not None]
    assert closed == sorted(set(closed))
