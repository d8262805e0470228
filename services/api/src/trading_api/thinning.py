"""Which rows of a long curve are drawn: few enough for a chart, and none that a reader would miss."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right

import numpy as np


def shown(times_ms: array[int], falls: array[float], from_ms: int, to_ms: int, stretches: int) -> tuple[int, list[int]]:
    """How many rows lie in [from_ms, to_ms], and the numbers of those to draw, in order.

    The first row, and of each of `stretches` equal stretches its last row and its deepest one, the later of two; every
    row where there are no more than stretches. Arrays of one item a row, oldest first; `falls` are drawdowns.
    """
    first, end = bisect_left(times_ms, from_ms), bisect_right(times_ms, to_ms)
    total = max(0, end - first)
    if total <= stretches:
        return total, list(range(first, end))
    rows = np.frombuffer(falls, count=total, offset=first * falls.itemsize)
    edges = -(-np.arange(stretches + 1) * total // stretches)
    begins, ends = edges[:-1], edges[1:]
    deep = np.flatnonzero(rows == np.repeat(np.maximum.reduceat(rows, begins), ends - begins))
    # Of the deepest rows of a stretch the last one: where the next belongs to another.
    stretch = np.searchsorted(begins, deep, side="right")
    deepest = deep[np.append(stretch[1:] != stretch[:-1], True)]
    return total, (first + np.union1d(np.append(ends - 1, 0), deepest)).tolist()
