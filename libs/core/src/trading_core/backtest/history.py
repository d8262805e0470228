"""The past that a candle backtest runs on: candles in columns, settled funding, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trading_core.errors import ConfigError
from trading_core.market.series import Candles
from trading_core.model import HOUR_MS, MINUTE_MS
from trading_core.money import exact


class FundingRow(NamedTuple):
    """One settled rate; `stamp_ms` is the venue's time stamp and floors to the hour it settled."""

    stamp_ms: int
    rate: Decimal

    @property
    def hour_ms(self) -> int:
        return self.stamp_ms - self.stamp_ms % HOUR_MS


class Gap(NamedTuple):
    """Missing minutes of one asset: candles that would open in [from_ms, to_ms)."""

    asset: str
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class History:
    """Candles and funding by asset. `source` says where they come from; funding rows are sorted by stamp."""

    candles: Mapping[str, Candles]
    """1m candles: sorted, each open time once, valid."""
    funding: Mapping[str, Sequence[FundingRow]] = field(default_factory=dict)
    source: str = "memory"
    prepared: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What engines have derived from it by asset, so that a second run over it need not."""

    def gaps(self, from_ms: int, to_ms: int) -> list[Gap]:
        """Missing minutes inside [from_ms, to_ms), by asset, in order."""
        opens = {asset: between(self.candles[asset], from_ms, to_ms).open_time_ms for asset in sorted(self.candles)}
        return [gap for asset, times in opens.items() for gap in holes(asset, times, from_ms, to_ms)]


def holes(asset: str, open_time_ms: npt.NDArray[np.int64], from_ms: int, to_ms: int) -> Iterator[Gap]:
    """Minutes of [from_ms, to_ms) in which no candle opens; `open_time_ms`: sorted, inside the span."""
    edges = np.concatenate(([from_ms - MINUTE_MS], open_time_ms, [to_ms]))
    for before in np.flatnonzero(np.diff(edges) > MINUTE_MS):
        yield Gap(asset, int(edges[before]) + MINUTE_MS, int(edges[before + 1]))


def between(candles: Candles, from_ms: int, to_ms: int) -> Candles:
    """The candles that open in [from_ms, to_ms)."""
    first, end = np.searchsorted(candles.open_time_ms, (from_ms, to_ms))
    return Candles(
        candles.open_time_ms[first:end],
        candles.open[first:end],
        candles.high[first:end],
        candles.low[first:end],
        candles.close[first:end],
        candles.volume[first:end],
    )


def candle_columns(
    asset: str,
    open_time_ms: Iterable[int],
    open: Iterable[float],
    high: Iterable[float],
    low: Iterable[float],
    close: Iterable[float],
    volume: Iterable[float],
) -> Candles:
    """Checked columns. ConfigError naming the first candle that is invalid, out of order or not on a full minute."""
    columns = Candles(
        np.asarray(open_time_ms, np.int64),
        *(np.asarray(column, np.float64) for column in (open, high, low, close, volume)),
    )
    _refuse(asset, columns, ~np.logical_and.reduce([np.isfinite(column) for column in columns[1:]]), "is not finite")
    lowest = np.minimum(columns.open, columns.close)
    highest = np.maximum(columns.open, columns.close)
    _refuse(asset, columns, (columns.low <= 0) | (columns.volume < 0), "has a price <= 0 or a negative volume")
    _refuse(asset, columns, (columns.low > lowest) | (highest > columns.high), "breaks low <= open, close <= high")
    _refuse(asset, columns, columns.open_time_ms % MINUTE_MS != 0, "does not open at a full minute")
    disordered = np.diff(columns.open_time_ms, prepend=columns.open_time_ms[:1] - 1) <= 0
    _refuse(asset, columns, disordered, "is a duplicate or out of order")
    return columns


def funding_rows(stamps_ms: Iterable[int], rates: Iterable[float]) -> list[FundingRow]:
    """Settled rates in order of their stamps."""
    return sorted(FundingRow(int(stamp), exact(rate)) for stamp, rate in zip(stamps_ms, rates, strict=True))


def _refuse(asset: str, columns: Candles, wrong: npt.NDArray[np.bool_], what: str) -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        values = ", ".join(repr(float(column[row])) for column in columns[1:])
        raise ConfigError(
            f"candle {asset} at {int(columns.open_time_ms[row])} {what}: open, high, low, close, volume = {values}. "
            "An invalid candle is an error, not a gap: repair the data."
        )
