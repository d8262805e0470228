"""The equity of a stored run, thinned out for a chart. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Point(NamedTuple):
    """`equity` as stored, a decimal string; `drawdown` from the peak of all rows so far, a fraction."""

    t: int
    equity: str
    drawdown: float


def thinned(rows: Sequence[Sequence[object]], initial: float, stretches: int) -> list[Point]:
    """The first row, and of each stretch its last row and its deepest row, oldest first: at most 2 x stretches + 1.

    rows: time in UTC ms and equity first, oldest first. Drawdowns are those of all rows, so that thinning hides none.
    """
    points, peak = [], initial
    for row in rows:
        equity = float(str(row[1]))
        peak = max(peak, equity)
        points.append(Point(int(str(row[0])), str(row[1]), (peak - equity) / peak if peak > 0 else 0.0))
    if len(points) <= stretches:
        return points
    kept = {0}
    for number in range(stretches):
        part = range(number * len(points) // stretches, (number + 1) * len(points) // stretches)
        kept |= {part[-1], max(part, key=lambda index: (points[index].drawdown, index))}
    return [points[index] for index in sorted(kept)]
