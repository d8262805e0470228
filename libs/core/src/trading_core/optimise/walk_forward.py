"""Which part of the span chooses and which part judges."""

from __future__ import annotations

import itertools
from typing import Literal, NamedTuple

from trading_core.errors import ConfigError
from trading_core.model import DAY_MS, MINUTE_MS

TRAIN = 0.7
"""Share of the span, or of each fold's window, that parameters are chosen on."""
Window = Literal["rolling", "anchored"]


class Fold(NamedTuple):
    """Chosen on [from_ms, split_ms), judged on [split_ms, to_ms). UTC ms."""

    from_ms: int
    split_ms: int
    to_ms: int


def folds(from_ms: int, to_ms: int, count: int, window: Window) -> tuple[Fold, ...]:
    """The folds of a span, in order; their judging parts follow each other without a hole up to the end.

    One fold: the first 70 % choose, the rest judges. Several: every window is 70 % choosing to 30 % judging, and moves
    on by its judging part (rolling) or also grows (anchored: always chosen on all that came before). Bounds lie at
    midnight UTC where the span has room for that, so that daily returns are of whole days, else at full minutes.
    ConfigError when a part would be shorter than a minute.
    """
    # A window is w long and moves on by 0.3 w, count - 1 times: w + 0.3 w (count - 1) is the span.
    judging = (1 - TRAIN) / (TRAIN + (1 - TRAIN) * count)
    grain = DAY_MS if judging * (to_ms - from_ms) >= 2 * DAY_MS else MINUTE_MS
    bounds = [
        round((to_ms - (to_ms - from_ms) * judging * (count - number)) / grain) * grain for number in range(count)
    ]
    first = bounds[0] - from_ms
    bounds.append(to_ms)
    found = tuple(
        Fold(from_ms if window == "anchored" else max(from_ms, split - first), split, end)
        for split, end in itertools.pairwise(bounds)
    )
    if any(not fold.from_ms < fold.split_ms < fold.to_ms for fold in found):
        raise ConfigError(f"--folds {count}: the span is too short for that. Take fewer folds or a longer span.")
    return found
