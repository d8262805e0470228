"""Which rows of a long curve are drawn: few enough for a chart, and none that a reader would miss."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right


def shown(times_ms: array[int], falls: array[float], from_ms: int, to_ms: int, stretches: int) -> tuple[int, list[int]]:
    """How many rows lie in [from_ms, to_ms], and the numbers of those to draw, in order.

    The first row, and of each of `stretches` equal stretches its last row and its deepest one, the later of two; every
    row where there are no more than stretches. Arrays of one item a row, oldest first; `falls` are drawdowns.
    """
    first, end = bisect_left(times_ms, from_ms), bisect_right(times_ms, to_ms)
    total = end - first
    if total <= stretches:
        return total, list(range(first, end))
    chosen = {first}
    for stretch in range(stretches):
        begin = first - (-stretch * total // stretches)
        last = first - (-(stretch + 1) * total // stretches) - 1
        part = falls[begin : last + 1]
        part.reverse()
        chosen |= {last, last - part.index(max(part))}
    return total, sorted(chosen)
