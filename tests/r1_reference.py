"""Rule set R1 once more, in plain Python and in whole ticks, to hold the platform's own trades against.

Bars are rows (open, high, low, close, volume), prices in tenths of a dollar. Each function gives the trades as
(direction, bar at whose close it was entered, entry, bar at whose close it was left, exit), direction 1 or -1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

Row = tuple[int, int, int, int, float]
Trade = tuple[int, int, int, int, int]
WARM_UP = 2_000
TIMEOUT = 60


def rsi_trades(rows: Sequence[Row], window: int, lower: float, upper: float, stop: str, target: str) -> list[Trade]:
    """One position at a time; stop before target; a time-out blocks the entry on its own close."""
    values = _wilder([row[3] for row in rows[4::5]], window)
    trades: list[Trade] = []
    end = len(rows) - 1
    bar = WARM_UP
    while bar < end:
        said = 0
        if bar % 5 == 4 and values[bar // 5] is not None:
            said = 1 if values[bar // 5] < lower else -1 if values[bar // 5] > upper else 0
        if not said:
            bar += 1
            continue
        entry = rows[bar][3]
        left, price, timed_out = _left(rows, bar, said, _nearest(entry, -said, stop), _nearest(entry, said, target))
        trades.append((said, bar, entry, left, price))
        bar = left + timed_out
    return trades


def boll_trades(rows: Sequence[Row], window: int = 20, sigmas: float = 2.0) -> list[Trade]:
    """In at a close outside the bands on more than the mean volume, out when the close crosses the middle."""
    trades: list[Trade] = []
    held: tuple[int, int, int] | None = None
    hours = [(bar, rows[bar][3], math.fsum(row[4] for row in rows[bar - 59 : bar + 1])) for bar in _ends(rows, 60)]
    for number in range(window - 1, len(hours)):
        bar, close, volume = hours[number]
        if bar < WARM_UP or bar + 1 >= len(rows):
            continue
        past = hours[number - window + 1 : number + 1]
        middle = Fraction(sum(row[1] for row in past), window)
        if held is not None:
            if held[0] * (close - middle) < 0:
                trades.append((*held, bar, close))
                held = None
            continue
        band = sigmas * math.sqrt(sum((row[1] - middle) ** 2 for row in past) / window)
        if volume * window > math.fsum(row[2] for row in past) and abs(close - middle) > band:
            held = (1 if close > middle else -1, bar, close)
    return _with_the_last(trades, held, rows)


def sma_trades(rows: Sequence[Row], fast: int = 20, slow: int = 100) -> list[Trade]:
    """Long while the fast mean is above the slow one."""
    trades: list[Trade] = []
    held: tuple[int, int, int] | None = None
    closes = [row[3] for row in rows]
    for bar in range(WARM_UP, len(rows) - 1):
        is_above = Fraction(sum(closes[bar - fast + 1 : bar + 1]), fast) > Fraction(
            sum(closes[bar - slow + 1 : bar + 1]), slow
        )
        if is_above and held is None:
            held = (1, bar, closes[bar])
        elif not is_above and held is not None:
            trades.append((*held, bar, closes[bar]))
            held = None
    return _with_the_last(trades, held, rows)


def pnl_in_mills(trade: Trade) -> int:
    """P&L of one unit in ten-thousandths of a dollar: a tenth of a per cent of each price is the cost."""
    direction, _, entry, _, price = trade
    return 1_000 * direction * (price - entry) - (price + entry)


def _left(rows: Sequence[Row], entered: int, side: int, stop: int, target: int) -> tuple[int, int, bool]:
    """The bar and the price at which a position is left, and whether it was by time-out."""
    for bar in range(entered + 1, min(entered + TIMEOUT, len(rows) - 1) + 1):
        opened, high, low, close, _ = rows[bar]
        against, towards = (low, high) if side > 0 else (high, low)
        if side * (against - stop) <= 0:
            return bar, min(stop, opened) if side > 0 else max(stop, opened), False
        if side * (towards - target) >= 0:
            return bar, max(target, opened) if side > 0 else min(target, opened), False
    return bar, close, bar == entered + TIMEOUT


def _nearest(entry: int, side: int, fraction: str) -> int:
    """The level in ticks, half to the even one (Python's round of an exact fraction)."""
    return round(entry * (1 + side * Fraction(fraction)))


def _wilder(closes: Sequence[int], window: int) -> list[float]:
    """The RSI of each close, from the first one on; nan until there is one."""
    found = [math.nan] * len(closes)
    up = down = 0.0
    for number in range(1, len(closes)):
        change = closes[number] - closes[number - 1]
        if number <= window:
            up, down = up + max(change, 0) / window, down + max(-change, 0) / window
        else:
            up, down = (up * (window - 1) + max(change, 0)) / window, (down * (window - 1) + max(-change, 0)) / window
        if number >= window:
            found[number] = 100 * up / (up + down) if up + down else 50.0
    return found


def _ends(rows: Sequence[Row], length: int) -> Iterator[int]:
    """The last bar of each complete stretch of `length` bars."""
    return iter(range(length - 1, len(rows), length))


def _with_the_last(trades: list[Trade], held: tuple[int, int, int] | None, rows: Sequence[Row]) -> list[Trade]:
    return trades if held is None else [*trades, (*held, len(rows) - 1, rows[-1][3])]
