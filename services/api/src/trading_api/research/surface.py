"""A study over two of its parameters: for each cell its best set in sample, and what that did out of sample. Pure."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trading_core.optimise.figures import Outcome, mean_shown
from trading_core.optimise.verdict import ranked

MOST_VALUES = 40
"""A longer axis is drawn in ranges: more cells nobody can tell apart."""
RANGES = 24


@dataclass(frozen=True)
class Axis:
    """One parameter. `labels`: its values as text, or ranges of them, in order."""

    name: str
    labels: tuple[str, ...]
    edges: tuple[float, ...] = ()
    """Lower ends of the ranges but for the first; empty where each value has its own place."""

    def place(self, value: Any) -> int:
        return bisect.bisect_right(self.edges, float(value)) if self.edges else self.labels.index(_text(value))


@dataclass(frozen=True)
class Cell:
    """The best set in sample of this place. `number` is the set; a figure that is not defined is None."""

    x: int
    y: int
    number: int
    in_sample: float | None
    out_of_sample: float | None
    trades_in_sample: int
    trades_out_of_sample: int


@dataclass(frozen=True)
class Surface:
    across: Axis
    down: Axis | None
    cells: tuple[Cell, ...]
    others: tuple[str, ...]
    """Parameters over which each cell shows the best."""


def axes(outcomes: Sequence[Outcome], names: Sequence[str]) -> list[Axis]:
    """Each parameter with the values that were tried; those with a single value are no axis."""
    made = (_axis(name, [outcome.params.get(name) for outcome in outcomes]) for name in names)
    return [axis for axis in made if len(axis.labels) > 1]


def surface(
    outcomes: Sequence[Outcome], metric: str, found: Sequence[Axis], across: str | None, down: str | None
) -> Surface | None:
    """Over the two axes of that name, by default the first ones. None without an axis. ValueError: no such axis."""
    if not found:
        return None
    by_name = {axis.name: axis for axis in found}
    for name in (across, down):
        if name is not None and name not in by_name:
            raise ValueError(name)
    x = by_name[across] if across else next(axis for axis in found if axis.name != down or len(found) == 1)
    y = by_name[down] if down else next((axis for axis in found if axis is not x), None)
    y = None if y is x else y
    cells: dict[tuple[int, int], Cell] = {}
    for outcome in ranked(outcomes, metric):
        place = (x.place(outcome.params[x.name]), y.place(outcome.params[y.name]) if y else 0)
        if place not in cells:
            cells[place] = _cell(place, outcome, metric)
    others = tuple(axis.name for axis in found if axis is not x and axis is not y)
    return Surface(x, y, tuple(cells[place] for place in sorted(cells)), others)


def _cell(place: tuple[int, int], outcome: Outcome, metric: str) -> Cell:
    inside = [pair.in_sample for pair in outcome.folds]
    outside = [pair.out_of_sample for pair in outcome.folds]
    return Cell(
        *place,
        number=outcome.number,
        in_sample=finite(mean_shown(inside, metric)),
        out_of_sample=finite(mean_shown(outside, metric)),
        trades_in_sample=sum(part.trades for part in inside),
        trades_out_of_sample=sum(part.trades for part in outside),
    )


def finite(value: float | None) -> float | None:
    """None for what is infinite too: a profit factor without a loss is no number to draw."""
    return value if value is not None and math.isfinite(value) else None


def _axis(name: str, values: Sequence[Any]) -> Axis:
    known = {_text(value): value for value in values}
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in known.values())
    if not numeric:
        return Axis(name, tuple(sorted(known, key=lambda text: _order(known[text]))))
    ordered = sorted(known, key=lambda text: float(known[text]))
    if len(ordered) <= MOST_VALUES:
        return Axis(name, tuple(ordered))
    low, high = float(known[ordered[0]]), float(known[ordered[-1]])
    ends = [low + (high - low) * number / RANGES for number in range(RANGES + 1)]
    labels = tuple(f"{a:.4g} to {b:.4g}" for a, b in itertools.pairwise(ends))
    return Axis(name, labels, tuple(ends[1:-1]))


def _order(value: Any) -> tuple[bool, float, str]:
    """Numbers by size, words by letter, null last."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return (not is_number, float(value) if is_number else 0.0, _text(value))


def _text(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def settings_text(params: Mapping[str, Any]) -> dict[str, str]:
    """Parameters of a set as they are written on an axis."""
    return {name: _text(value) for name, value in params.items()}
