"""The result over two parameters, as numbers: for each cell its best set in sample, and what that did out of sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trading_core.errors import ConfigError
from trading_core.market.series import FloatArray, IntArray
from trading_core.optimise.figures import Outcome, mean_shown
from trading_core.optimise.space import Axis, Space
from trading_core.optimise.verdict import ranked

LARGEST = 200
"""A longer axis has cells that nobody can see."""


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Arrays of shape (values of `down`, values of `across`); nan where the metric is not defined."""

    across: Axis
    down: Axis | None
    """None: one row."""
    in_sample: FloatArray
    out_of_sample: FloatArray
    trades_in_sample: IntArray
    """-1 where no set ran."""
    trades_out_of_sample: IntArray
    best: tuple[int, int] | None
    """Row and column of the best set in sample."""
    others: tuple[str, ...]
    """Parameters over which each cell shows the best."""


def axes_of(space: Space, wanted: Sequence[str] | None) -> tuple[Axis, Axis | None]:
    """The axes of the picture, across and down: those of `wanted`, else the two longest in the order given.

    ConfigError for a name that is not among the parameters and for an axis that is too long to draw.
    """
    by_name = {axis.name: axis for axis in space.axes}
    for name in wanted or ():
        if name not in by_name:
            raise ConfigError(f"--axes {name} is none of the parameters of this search: {', '.join(by_name)}.")
    if wanted:
        picked = [by_name[name] for name in dict.fromkeys(wanted)]
    else:
        longest = sorted((axis for axis in space.axes if axis.count > 1), key=lambda axis: -axis.count)[:2]
        picked = [axis for axis in space.axes if axis in longest] or list(space.axes[:1])
    if len(picked) > 2:
        raise ConfigError(f"--axes {','.join(wanted or ())}: a heat map has two axes. Name two parameters.")
    for axis in picked:
        if axis.count > LARGEST:
            raise ConfigError(
                f"--plot: {axis.name} has {axis.count:,} values, a heat map shows {LARGEST} at most. Take a wider step "
                "or name other --axes."
            )
    return picked[0], picked[1] if len(picked) == 2 else None


def heat_map(space: Space, outcomes: Sequence[Outcome], metric: str, across: Axis, down: Axis | None) -> HeatMap:
    """The cells of `across` and `down`."""
    shape = (down.count if down else 1, across.count)
    inside, outside = np.full(shape, np.nan), np.full(shape, np.nan)
    trades_in, trades_out = np.full(shape, -1), np.full(shape, -1)
    best: tuple[int, int] | None = None
    for outcome in ranked(outcomes, metric):
        places = dict(zip((axis.name for axis in space.axes), space.places(outcome.number), strict=True))
        cell = (places[down.name] if down else 0, places[across.name])
        if trades_in[cell] >= 0:
            continue  # a better set has the cell
        pairs = outcome.folds
        for values, found in ((inside, [p.in_sample for p in pairs]), (outside, [p.out_of_sample for p in pairs])):
            value: Any = mean_shown(found, metric)
            values[cell] = np.nan if value is None or not np.isfinite(value) else value
        trades_in[cell] = sum(pair.in_sample.trades for pair in pairs)
        trades_out[cell] = sum(pair.out_of_sample.trades for pair in pairs)
        if best is None and trades_in[cell]:
            best = cell
    others = tuple(axis.name for axis in space.axes if axis not in (across, down) and axis.count > 1)
    return HeatMap(across, down, inside, outside, trades_in, trades_out, best, others)
