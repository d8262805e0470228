"""Which days choose and which judge."""

import pytest
from optimise_builders import T0

from trading_core.errors import ConfigError
from trading_core.model import DAY_MS, HOUR_MS, MINUTE_MS
from trading_core.optimise.walk_forward import Fold, Window, folds


def in_days(found: tuple[Fold, ...]) -> list[tuple[float, ...]]:
    return [tuple((bound - T0) / DAY_MS for bound in fold) for fold in found]


def test_seventy_per_cent_choose_and_thirty_judge() -> None:
    assert in_days(folds(T0, T0 + 100 * DAY_MS, 1, "rolling")) == [(0, 70, 100)]


def test_the_split_of_some_days_lies_at_midnight() -> None:
    # 30 % of 28 days are 8.4.
    assert in_days(folds(T0, T0 + 28 * DAY_MS, 1, "rolling")) == [(0, 20, 28)]


def test_the_split_of_some_hours_lies_at_a_full_minute() -> None:
    [fold] = folds(T0, T0 + 10 * HOUR_MS, 1, "rolling")
    assert fold.split_ms == T0 + 7 * HOUR_MS


def test_rolling_windows_have_one_length_and_judge_without_a_hole() -> None:
    # A window of w days moves on by 0.3 w three times: 1.9 w = 190, so 70 days choose and 30 judge.
    assert in_days(folds(T0, T0 + 190 * DAY_MS, 4, "rolling")) == [
        (0, 70, 100), (30, 100, 130), (60, 130, 160), (90, 160, 190),
    ]  # fmt: skip


def test_anchored_windows_all_begin_with_the_span() -> None:
    assert in_days(folds(T0, T0 + 190 * DAY_MS, 4, "anchored")) == [
        (0, 70, 100), (0, 100, 130), (0, 130, 160), (0, 160, 190),
    ]  # fmt: skip


@pytest.mark.parametrize("window", ["rolling", "anchored"])
def test_more_folds_than_minutes_are_refused(window: Window) -> None:
    with pytest.raises(ConfigError, match="--folds 9: the span is too short"):
        folds(T0, T0 + 5 * MINUTE_MS, 9, window)
