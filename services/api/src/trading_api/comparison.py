"""Closed positions under a filter, and the figures of what is left. Pure; formulas are those of `trading_core.metrics`.

A share of a curve is recorded per strategy and per asset of a whole ledger, not for every filter. So figures under a
filter rest on closed positions alone, at the time of their exit: `basis` says which of the two an answer has.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from trading_api.curves import Curve
from trading_api.statistics import ratios, trade_statistics
from trading_core.metrics.trades import Trade, TradeMetrics
from trading_core.model import DAY_MS
from trading_core.money import exactly, plain

SPARK_POINTS = 40


@dataclass(frozen=True)
class Filter:
    """None does not filter. A position counts when its exit is in [from, to)."""

    asset: str | None = None
    exchange: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None

    def __bool__(self) -> bool:
        return any(part is not None for part in (self.asset, self.exchange, self.from_ms, self.to_ms))

    def takes(self, exchange: str, asset: str, exit_ms: int) -> bool:
        return (
            (self.asset is None or asset == self.asset)
            and (self.exchange is None or exchange == self.exchange)
            and (self.from_ms is None or exit_ms >= self.from_ms)
            and (self.to_ms is None or exit_ms < self.to_ms)
        )

    def within(self, first_ms: int, last_ms: int) -> tuple[int, int]:
        """The part of [first, last] that the filter leaves; the end not before the beginning."""
        begin = max(first_ms, self.from_ms or first_ms)
        end = min(last_ms, last_ms if self.to_ms is None else self.to_ms)
        return begin, max(begin, end)


class Trades(Protocol):
    """Trades by exit that can be counted, and walked more than once."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Trade]: ...


def result_fields(trades: Trades) -> tuple[TradeMetrics, dict[str, Any]]:
    """What every row says of its closed positions: `TradeStatistics`, `split` and `sparkline`. Walks them twice."""
    found, fields = trade_statistics(trades)
    return found, {**fields, "split": split(found), "sparkline": sparkline(trades)}


def split(found: TradeMetrics) -> dict[str, str]:
    """Where the realised P&L comes from; the four add up to it. `price` is what it were without slippage."""
    with exactly():
        return {
            "price": plain(found.gross_pnl + found.slippage_cost),
            "slippage": plain(-found.slippage_cost),
            "fees": plain(-found.fees),
            "funding": plain(found.funding_pnl),
        }


def sparkline(trades: Trades) -> list[float]:
    """Cumulative P&L after at most `SPARK_POINTS` of the exits, evenly chosen, from 0 on; USD, to be drawn only."""
    count = min(len(trades) + 1, SPARK_POINTS)
    if count < 2:
        return []
    wanted = {place * len(trades) // (count - 1) for place in range(count)}
    drawn, total = [0.0], Decimal(0)
    with exactly():
        for exits, trade in enumerate(trades, start=1):
            total += trade.realised_pnl
            if exits in wanted:
                drawn.append(float(total))
    return drawn


def closed_curve(trades: Iterable[Trade], capital: Decimal, span: tuple[int, int]) -> tuple[array[int], Curve]:
    """The curve that steps at each exit, with the times of its rows: `span`'s first and last ms are rows too."""
    first_ms, last_ms = span
    times_ms, curve = array("q", [first_ms]), Curve.flat(capital)
    curve.add(first_ms, capital)
    with exactly():
        for trade in trades:
            times_ms.append(trade.exit_ms)
            curve.add(trade.exit_ms, curve.last + trade.realised_pnl)
    times_ms.append(max(last_ms, times_ms[-1]))
    curve.add(times_ms[-1], curve.last)
    return times_ms, curve


def closed_ratios(trades: Iterable[Trade], capital: Decimal, span: tuple[int, int], days: int) -> dict[str, Any]:
    """`Ratios` of the curve that steps at each exit, on `capital`. `trades` by exit; a day without one changes nothing.

    span: (first, last) UTC ms. `days`: the year that ratios are annualised to.
    """
    first_ms, last_ms = span
    curve = Curve.flat(capital)
    # 00:00 closes the day before: as the first row it counts for none.
    curve.add(first_ms // DAY_MS * DAY_MS, capital)
    waiting = list(trades)
    place = 0
    for day in range(first_ms // DAY_MS, -(-last_ms // DAY_MS)):
        end_ms = (day + 1) * DAY_MS
        while place < len(waiting) and waiting[place].exit_ms <= end_ms:
            curve.add(waiting[place].exit_ms, curve.last + waiting[place].realised_pnl)
            place += 1
        curve.add(min(end_ms, last_ms), curve.last)
    return {**ratios(curve, days), "drawdown": curve.drawdown}
