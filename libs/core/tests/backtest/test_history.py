"""Checked history: what is refused, what is missing."""

import math

import pytest
from backtest_builders import T0, bars, flat, minute

from trading_core.backtest.history import Gap, History, between, candle_columns, funding_rows
from trading_core.errors import ConfigError
from trading_core.model import HOUR_MS


def columns(*rows: tuple[int, float, float, float, float, float]) -> None:
    candle_columns("ETH", *zip(*rows, strict=True))


GOOD = (T0, 10.0, 12.0, 9.0, 11.0, 1.0)


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        ((minute(1), math.nan, 12.0, 9.0, 11.0, 1.0), "is not finite"),
        ((minute(1), 10.0, 12.0, 0.0, 11.0, 1.0), "price <= 0"),
        ((minute(1), 10.0, 12.0, 9.0, 11.0, -1.0), "negative volume"),
        ((minute(1), 10.0, 8.0, 9.0, 10.0, 1.0), "breaks low"),
        ((minute(1), 10.0, 12.0, 9.0, 12.5, 1.0), "breaks low"),
        ((minute(1) + 1, 10.0, 12.0, 9.0, 11.0, 1.0), "full minute"),
        ((T0, 10.0, 12.0, 9.0, 11.0, 1.0), "duplicate or out of order"),
    ],
)
def test_an_invalid_candle_is_an_error_not_a_gap(bad: tuple[int, float, float, float, float, float], what: str) -> None:
    with pytest.raises(ConfigError, match=f"candle ETH at {bad[0]} .*{what}"):
        columns(GOOD, bad)


def test_no_candles_at_all_are_fine() -> None:
    assert len(candle_columns("ETH", [], [], [], [], [], []).close) == 0


def test_gaps_are_the_missing_minutes_inside_the_span() -> None:
    history = History({"ETH": bars("ETH", [(2, 3, flat(10.0)), (7, 2, flat(10.0))])})
    assert history.gaps(minute(0), minute(10)) == [
        Gap("ETH", minute(0), minute(2)),
        Gap("ETH", minute(5), minute(7)),
        Gap("ETH", minute(9), minute(10)),
    ]
    assert history.gaps(minute(2), minute(5)) == []


def test_a_window_takes_what_opens_inside_it() -> None:
    inside = between(bars("ETH", [(0, 9, flat(10.0))]), minute(2), minute(4))
    assert inside.open_time_ms.tolist() == [minute(2), minute(3)]


def test_a_rate_belongs_to_the_hour_of_its_stamp() -> None:
    late, early = funding_rows([T0 + HOUR_MS + 5_000, T0 + 11], [0.0000125, -0.00002])[::-1]
    assert (early.hour_ms, late.hour_ms) == (T0, T0 + HOUR_MS)
    assert str(late.rate) == "0.0000125"
