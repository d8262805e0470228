"""The columns under everything: views without copies, and one content whatever the order of arrival."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_core.market.series import CandleSeries
from trading_core.model import MINUTE_MS, Candle

Row = tuple[int, float, float, float, float, float, int]


def a_row(minute: int, close: float = 100.0, visible_ms: int | None = None) -> Row:
    open_ms = minute * MINUTE_MS
    return (open_ms, close, close, close, close, 1.0, open_ms + MINUTE_MS if visible_ms is None else visible_ms)


def a_series(closes: list[float], keep: int | None = None) -> CandleSeries:
    series = CandleSeries(MINUTE_MS, keep)
    for minute, close in enumerate(closes):
        series.append_row(*a_row(minute, close))
    return series


def content(series: CandleSeries) -> list[tuple[float, ...]]:
    window = series.window(0, len(series))
    return list(zip(*(column.tolist() for column in window), strict=True))


def test_the_last_candles_are_views_of_the_columns_and_not_copies() -> None:
    series = a_series([1.0, 2.0, 3.0])
    first, second = series.last(3), series.last(2)
    assert first is not None
    assert second is not None
    assert np.shares_memory(first.close, second.close)
    assert second.close.tolist() == [2.0, 3.0]


def test_a_window_cannot_be_written_to() -> None:
    window = a_series([1.0, 2.0]).last(2)
    assert window is not None
    with pytest.raises(ValueError, match="read-only"):
        window.close[0] = 5.0


def test_asking_for_more_candles_than_there_are_gives_none() -> None:
    assert a_series([1.0, 2.0]).last(3) is None
    assert a_series([]).last(1) is None
    assert a_series([1.0]).last(0) is None


def test_a_candle_is_appended_as_the_struct_of_the_domain_too() -> None:
    series = CandleSeries(MINUTE_MS)
    series.append(
        Candle(asset="BTC", open_time_ms=0, interval_ms=MINUTE_MS, open=1.0, high=3.0, low=0.5, close=2.0, volume=7.0)
    )
    assert content(series) == [(0, 1.0, 3.0, 0.5, 2.0, 7.0)]
    assert series.newest_close_ms == MINUTE_MS


def test_appending_what_is_not_newer_is_refused() -> None:
    series = a_series([1.0, 2.0])
    with pytest.raises(ValueError, match="not newer"):
        series.append_row(*a_row(1))


@pytest.mark.parametrize("change", [a_row(1, 50.0), a_row(-1, 50.0), a_row(3, 50.0)])
def test_a_window_once_handed_out_never_changes(change: Row) -> None:
    series = a_series([1.0, 2.0, 3.0])
    window = series.last(3)
    series.put_row(*change)
    assert window is not None
    assert window.close.tolist() == [1.0, 2.0, 3.0]


def test_a_window_survives_the_growth_of_the_columns() -> None:
    series = a_series([1.0, 2.0, 3.0], keep=10)
    window = series.last(3)
    for minute in range(3, 5_000):
        series.append_row(*a_row(minute, 9.0))
    assert window is not None
    assert window.close.tolist() == [1.0, 2.0, 3.0]


@given(length=st.integers(0, 4_000), keep=st.integers(1, 1_500))
def test_keeping_few_candles_leaves_the_newest_as_they_are(length: int, keep: int) -> None:
    closes = [float(number + 1) for number in range(length)]
    series = a_series(closes, keep)
    kept = min(keep, length)
    assert len(series) >= kept
    last = series.last_closes(kept)
    assert (last.tolist() if last is not None else []) == closes[length - kept :]


def test_the_same_candle_put_twice_changes_nothing() -> None:
    series = a_series([1.0, 2.0])
    assert not series.put_row(*a_row(0, 1.0))
    assert content(series) == content(a_series([1.0, 2.0]))


def test_a_correction_that_became_visible_earlier_than_what_is_held_is_ignored() -> None:
    series = CandleSeries(MINUTE_MS)
    series.put_row(*a_row(0, 2.0, visible_ms=900_000))
    assert not series.put_row(*a_row(0, 1.0, visible_ms=60_000))
    assert content(series)[0][4] == 2.0


versions = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from([1.0, 2.0, 3.0])), min_size=1, max_size=40, unique_by=lambda v: v
)


@given(versions=versions, data=st.data())
def test_any_order_of_arrival_gives_the_same_series(versions: list[tuple[int, float]], data: st.DataObject) -> None:
    rows = [a_row(minute, close, visible_ms=10**9 + number) for number, (minute, close) in enumerate(versions)]
    expected = {row[0]: row[4] for row in rows}
    series = CandleSeries(MINUTE_MS)
    for row in data.draw(st.permutations(rows + rows[:5])):
        series.put_row(*row)
    assert [(row[0], row[4]) for row in content(series)] == sorted(expected.items())
