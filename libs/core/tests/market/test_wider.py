"""Wider candles: complete or absent, aligned to UTC, a function of the 1m candles alone."""

from math import fsum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_core.market.exchange import ExchangeState
from trading_core.market.series import CandleSeries
from trading_core.market.wider import WiderSeries
from trading_core.model import INTERVALS_MS, MINUTE_MS

FIVE = INTERVALS_MS["5m"]


def an_exchange(history: int | None = None) -> ExchangeState:
    return ExchangeState("hyperliquid", "BTC", history)


def put(state: ExchangeState, minute: int, price: float = 100.0, volume: float = 1.0, visible_ms: int = 0) -> None:
    visible = visible_ms or (minute + 1) * MINUTE_MS
    state.put_candle(minute * MINUTE_MS, price, price + 0.5, price - 0.5, price, volume, visible)


def content(series: CandleSeries) -> list[tuple[float, ...]]:
    return list(zip(*(column.tolist() for column in series.window(0, len(series))), strict=True))


def naive(candles: dict[int, tuple[float, float]], per_candle: int) -> list[tuple[float, ...]]:
    """The definition, spelled out: minutes grouped by bucket, kept when none is missing."""
    built: list[tuple[float, ...]] = []
    for bucket in sorted({minute // per_candle for minute in candles}):
        minutes = range(bucket * per_candle, (bucket + 1) * per_candle)
        if all(minute in candles for minute in minutes):
            prices = [candles[minute][0] for minute in minutes]
            volume = fsum(candles[minute][1] for minute in minutes)
            low, high = min(prices) - 0.5, max(prices) + 0.5
            built.append((minutes[0] * MINUTE_MS, prices[0], high, low, prices[-1], volume))
    return built


def test_a_wider_candle_has_the_first_open_the_extremes_the_last_close_and_the_summed_volume() -> None:
    state = an_exchange()
    for minute, price in enumerate([10.0, 14.0, 8.0, 11.0, 12.0]):
        put(state, minute, price, volume=0.1)
    assert content(state.series("5m")) == [(0, 10.0, 14.5, 7.5, 12.0, 0.5)]


def test_the_forming_candle_is_not_there() -> None:
    state = an_exchange()
    for minute in range(9):
        put(state, minute)
    assert len(state.series("5m")) == 1


@pytest.mark.parametrize("missing", range(5))
def test_a_wider_candle_without_one_of_its_minutes_does_not_exist(missing: int) -> None:
    state = an_exchange()
    five = state.series("5m")
    for minute in range(15):
        if minute != 5 + missing:
            put(state, minute)
    assert [row[0] for row in content(five)] == [0, 2 * FIVE]


def test_bounds_are_those_of_utc_wherever_the_data_begins() -> None:
    state = an_exchange()
    for minute in range(3, 12):
        put(state, minute)
    assert [row[0] for row in content(state.series("5m"))] == [FIVE]


def test_a_minute_filled_in_later_completes_the_candle_in_its_place() -> None:
    state = an_exchange()
    five = state.series("5m")
    for minute in [0, 1, 3, 4, 5, 6, 7, 8, 9, 2]:
        put(state, minute)
    assert [row[0] for row in content(five)] == [0, FIVE]


def test_a_corrected_minute_corrects_every_candle_it_belongs_to() -> None:
    state = an_exchange()
    five, hour = state.series("5m"), state.series("1h")
    for minute in range(60):
        put(state, minute)
    put(state, 7, 500.0, visible_ms=10**9)
    assert five.window(1, 2).high.tolist() == [500.5]
    assert hour.window(0, 1).high.tolist() == [500.5]


def test_only_a_multiple_of_a_minute_can_be_built() -> None:
    with pytest.raises(ValueError, match="multiple of one minute"):
        WiderSeries(CandleSeries(MINUTE_MS), 90_000)


minutes = st.dictionaries(
    st.integers(0, 75),
    st.tuples(st.floats(1, 1_000), st.floats(0, 1e6)),
    min_size=1,
    max_size=76,
)


@given(candles=minutes, data=st.data(), interval=st.sampled_from(["5m", "15m", "1h"]), from_start=st.booleans())
def test_any_order_of_minutes_gives_the_wider_candles_of_the_definition(
    candles: dict[int, tuple[float, float]], data: st.DataObject, interval: str, from_start: bool
) -> None:
    state = an_exchange()
    if from_start:
        state.series(interval)
    for minute in data.draw(st.permutations(sorted(candles))):
        put(state, minute, *candles[minute])
    assert content(state.series(interval)) == naive(candles, INTERVALS_MS[interval] // MINUTE_MS)


@given(missing=st.sets(st.integers(0, 2_999), max_size=60), history=st.integers(30, 400))
def test_trimming_old_minutes_leaves_the_newest_wider_candles(missing: set[int], history: int) -> None:
    short, long = an_exchange(history), an_exchange()
    kept, full = short.series("15m"), long.series("15m")
    for minute in range(3_000):
        if minute not in missing:
            put(short, minute)
            put(long, minute)
    within = short.minutes.open_time_at(len(short.minutes) - history)
    assert [row for row in content(kept) if row[0] >= within] == [row for row in content(full) if row[0] >= within]
