"""For the look-ahead check: puts a future where a strategy must not look, behind the views that it is given.

Columns have spare room behind their newest row. Views share those columns, so code that follows a view to its base
reads what lies there: in a check that is the future of one world or another, and what it does with it shows.
"""

from __future__ import annotations

from trading_core.market.state import MarketState


def plant(state: MarketState, ahead: MarketState | None) -> None:
    """Write the candles that `ahead` has after the newest of `state` into that spare room; None: not-a-number."""
    for name in state.exchanges:
        known = state._of(name)
        for interval in known.intervals:
            known.series(interval).plant(None if ahead is None else ahead._of(name).series(interval))


def same_candles(one: MarketState, other: MarketState) -> bool:
    """Whether both hold the same candles, in every interval that `one` has."""
    for name in one.exchanges:
        known = one._of(name)
        for interval in known.intervals:
            if not known.series(interval).same_as(other._of(name).series(interval)):
                return False
    return True
