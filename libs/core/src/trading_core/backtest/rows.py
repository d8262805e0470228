"""Mark-to-market rows after the fact: what each position was worth at each minute it was held, all minutes at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from trading_core.backtest.bars import Bars, Whole
from trading_core.backtest.equity import Equity
from trading_core.broker import valuation
from trading_core.broker.events import PositionState
from trading_core.market.series import IntArray
from trading_core.model import MINUTE_MS
from trading_core.money import exactly, to_micros

_LARGEST = 2**62
_MICRO_PLACES = 6


class _Part(NamedTuple):
    """One strategy on one asset: what it held, and by how much its realised P&L and open costs changed at which row."""

    held: list[_Held]
    realised: list[tuple[int, int]]
    costs: list[tuple[int, int]]


class _Held(NamedTuple):
    """A position over the rows `first` to `end` (excluded)."""

    position: PositionState
    first: int
    end: int


class Ledger:
    """Follows the positions of a run, then values them minute by minute."""

    def __init__(self, from_ms: int, to_ms: int) -> None:
        self._from_ms = from_ms
        self._rows = (to_ms - from_ms) // MINUTE_MS + 1
        self._states: dict[str, list[PositionState]] = {}

    def moved(self, position: PositionState) -> None:
        """Take a new state of a position."""
        self._states.setdefault(position.position_id, []).append(position)

    def _parts(self) -> dict[tuple[str, str], _Part]:
        """What was taken, by strategy and asset. A row comes after everything else of its minute."""
        parts: dict[tuple[str, str], _Part] = {}
        for states in self._states.values():
            last = states[-1]
            part = parts.setdefault((last.strategy, last.asset), _Part([], [], []))
            rows = [(state.ts_ms - self._from_ms) // MINUTE_MS for state in states]
            costs = [*(to_micros(valuation.open_costs(state)) for state in states[:-1]), 0]
            part.held.append(_Held(last, rows[0], rows[-1]))
            part.costs.extend(zip(rows, (now - before for before, now in pairwise([0, *costs])), strict=True))
            part.realised.append((rows[-1], _realised(last)))
        return dict(sorted(parts.items()))

    def equity(self, capital: Decimal, bars: Mapping[str, Bars]) -> Equity:
        """The rows. OverflowError for amounts of more than nine million million USD."""
        count = self._rows
        nothing = np.zeros(count, np.int64)
        time_ms = self._from_ms + MINUTE_MS * np.arange(count, dtype=np.int64)
        unrealised, strategies, assets = [], dict[str, list[IntArray]](), dict[str, list[IntArray]]()
        open_positions = np.zeros(count + 1, np.int64)
        with exactly():
            parts = self._parts()
            for (strategy, asset), part in parts.items():
                gains = _gains(part.held, bars[asset], time_ms)
                unrealised.append(gains)
                pnl = gains + _running([*part.realised, *part.costs], count)
                strategies.setdefault(strategy, []).append(pnl)
                assets.setdefault(asset, []).append(pnl)
                np.add.at(open_positions, [held.first for held in part.held], 1)
                np.add.at(open_positions, [held.end for held in part.held], -1)
        realised = _running((step for part in parts.values() for step in part.realised), count)
        costs = _running((step for part in parts.values() for step in part.costs), count)
        by_strategy = {name: _sum(shares) for name, shares in strategies.items()}
        return Equity(
            capital=capital,
            time_ms=time_ms,
            pnl=_sum(list(by_strategy.values())) if by_strategy else nothing,
            unrealised=_sum(unrealised) if unrealised else nothing,
            realised=realised,
            open_costs=costs,
            open_positions=np.cumsum(open_positions[:-1]),
            strategies=by_strategy,
            assets={name: _sum(shares) for name, shares in assets.items()},
        )


def _realised(position: PositionState) -> int:
    if position.realised_pnl is None:
        raise ValueError(f"{position.position_id} is closed without a realised P&L")
    return to_micros(position.realised_pnl)


def _sum(columns: list[IntArray]) -> IntArray:
    """Their sum; of one alone that very column, so that equal curves are known to be equal."""
    total = columns[0]
    for column in columns[1:]:
        total = total + column
    return total


def _running(steps: Iterable[tuple[int, int]], count: int) -> IntArray:
    """The running sum of steps (row, amount) at each of `count` rows."""
    rows = np.array(sorted(steps), np.int64).reshape(-1, 2)
    sums = np.concatenate((np.zeros(1, np.int64), np.cumsum(rows[:, 1])))
    return np.repeat(sums, np.diff(rows[:, 0], prepend=0, append=count))


def _gains(held: list[_Held], bars: Bars, time_ms: IntArray) -> IntArray:
    """Unrealised P&L in millionths of a USD at each row: of positions that follow one another, of none 0."""
    scaled = _scaled(held, bars.whole)
    row = bars.minutes.all_closed_by(time_ms) - 1  # The newest bar of each minute: in gaps the last known price.
    if scaled is None or bars.whole is None:
        return _gains_one_by_one(held, bars, row)
    quantities, notionals, places = scaled
    prices = bars.whole.price[np.maximum(row, 0)]
    edges = np.array([edge for item in held for edge in (item.first, item.end)], np.int64)
    lengths = np.diff(edges, prepend=0, append=len(row))
    gains = _stepped(quantities, lengths) * prices - _stepped(notionals, lengths)
    return _half_even(gains, places - _MICRO_PLACES)


def _stepped(values: list[int], lengths: IntArray) -> IntArray:
    """`values` over their stretches and 0 between them; `lengths` of gap, stretch, gap, stretch, …, gap."""
    steps = np.zeros(len(lengths), np.int64)
    steps[1::2] = values
    return np.repeat(steps, lengths)


def _scaled(held: list[_Held], whole: Whole | None) -> tuple[list[int], list[int], int] | None:
    """Signed quantities and entry notionals in units of 10^-places; None when they do not fit into 64 bits."""
    if whole is None:
        return None
    quantity_places = max(_places(item.position.quantity) for item in held)
    notional_places = max(_places(item.position.entry_notional) for item in held)
    places = max(quantity_places + whole.places, notional_places, _MICRO_PLACES)
    quantities = [_signed(item, item.position.quantity, places - whole.places) for item in held]
    notionals = [_signed(item, item.position.entry_notional, places) for item in held]
    highest = int(whole.price.max())
    if max(map(abs, quantities)) * highest + max(map(abs, notionals)) > _LARGEST:
        return None
    return quantities, notionals, places


def _signed(item: _Held, amount: Decimal, places: int) -> int:
    whole = int(amount.scaleb(places))
    return whole if item.position.direction == "LONG" else -whole


def _places(amount: Decimal) -> int:
    exponent = amount.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _half_even(amounts: IntArray, places: int) -> IntArray:
    """`amounts` / 10^`places`, rounded half to even."""
    if places == 0:
        return amounts
    divisor = 10**places
    quotient = amounts // divisor
    twice = 2 * (amounts - quotient * divisor)
    rounded: IntArray = quotient + ((twice > divisor) | ((twice == divisor) & (quotient % 2 == 1)))
    return rounded


def _gains_one_by_one(held: list[_Held], bars: Bars, row: IntArray) -> IntArray:
    gains = np.zeros(len(row), np.int64)
    for item in held:
        closes = bars.candles.close[row[item.first : item.end]].tolist()
        gains[item.first : item.end] = [to_micros(valuation.unrealised(item.position, close)) for close in closes]
    return gains
