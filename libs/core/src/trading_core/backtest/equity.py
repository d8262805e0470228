"""The portfolio at each full minute of a run, in columns: half a million rows a year stay numbers until asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from trading_core.market.series import IntArray
from trading_core.model import HOUR_MS
from trading_core.money import MICRO, exactly, from_micros

MICROS = 1_000_000
"""So many of the columns' units are one USD. Every amount of the ledger has six places, so nothing is lost."""


class EquityRow(NamedTuple):
    """One full minute. `strategies` and `assets` share out the P&L; each sums to total minus initial capital."""

    ts_ms: int
    total_equity: Decimal
    unrealised: Decimal
    realised: Decimal
    open_costs: Decimal
    open_positions: int
    strategies: dict[str, Decimal]
    assets: dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class Equity:
    """Columns of equal length, one row for each full minute, oldest first; amounts in millionths of a USD.

    `pnl` is equity minus `capital`. A name that is not in `strategies` or `assets` has no share at any time.
    """

    capital: Decimal
    time_ms: IntArray
    pnl: IntArray
    unrealised: IntArray
    realised: IntArray
    open_costs: IntArray
    open_positions: IntArray
    strategies: Mapping[str, IntArray]
    assets: Mapping[str, IntArray]

    def __len__(self) -> int:
        return len(self.time_ms)

    def __iter__(self) -> Iterator[EquityRow]:
        return (self[row] for row in range(len(self)))

    def __getitem__(self, row: int) -> EquityRow:
        with exactly():
            return EquityRow(
                ts_ms=int(self.time_ms[row]),
                total_equity=self.capital + from_micros(int(self.pnl[row])),
                unrealised=from_micros(int(self.unrealised[row])),
                realised=from_micros(int(self.realised[row])),
                open_costs=from_micros(int(self.open_costs[row])),
                open_positions=int(self.open_positions[row]),
                strategies={name: from_micros(int(share[row])) for name, share in self.strategies.items()},
                assets={name: from_micros(int(share[row])) for name, share in self.assets.items()},
            )

    def rows(self) -> list[list[int | str]]:
        """Time, equity, unrealised, realised, open costs, open positions; amounts as plain strings with six places."""
        amounts = (self.unrealised, self.realised, self.open_costs)
        columns = (self.time_ms.tolist(), self._totals(), *map(_texts, amounts), self.open_positions.tolist())
        return list(map(list, zip(*columns, strict=True)))

    def at(self, rows: IntArray) -> Equity:
        """The same with only these rows."""
        return Equity(
            self.capital,
            self.time_ms[rows],
            self.pnl[rows],
            self.unrealised[rows],
            self.realised[rows],
            self.open_costs[rows],
            self.open_positions[rows],
            {name: share[rows] for name, share in self.strategies.items()},
            {name: share[rows] for name, share in self.assets.items()},
        )

    def hourly(self, *, with_ends: bool = False) -> IntArray:
        """The rows of the full hours, and if wanted the first and the last one in any case."""
        is_wanted = self.time_ms % HOUR_MS == 0
        if with_ends:
            is_wanted[[0, -1]] = True
        return np.flatnonzero(is_wanted)

    def _totals(self) -> list[str]:
        whole = whole_micros(self.capital)
        if whole is not None:
            return _texts(self.pnl + whole)
        with exactly():
            return [format(self.capital + from_micros(amount), "f") for amount in self.pnl.tolist()]


def whole_micros(amount: Decimal) -> int | None:
    """`amount` in millionths of a USD; None when it has more than six places."""
    with exactly():
        return int(amount * MICROS) if amount == amount.quantize(MICRO) else None


def _texts(amounts: IntArray) -> list[str]:
    """Six places each; of equal ones in a row, as where nothing is held, one is made."""
    changed = np.flatnonzero(np.diff(amounts, prepend=amounts[:1] - 1))
    texts = [_text(amount) for amount in amounts[changed].tolist()]
    return np.repeat(np.array(texts, object), np.diff(changed, append=len(amounts))).tolist()


def _text(amount: int) -> str:
    whole, rest = divmod(abs(amount), MICROS)
    return f"{'-' if amount < 0 else ''}{whole}.{rest:06d}"
