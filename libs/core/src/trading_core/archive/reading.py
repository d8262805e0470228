"""Candles that left Postgres, for readers whose span reaches back to them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import numpy as np
import polars

from trading_core.archive.datasets import CANDLES
from trading_core.archive.files import table
from trading_core.archive.folder import Archive, Entry, Series, day_start
from trading_core.backtest.postgres import Span
from trading_core.market.series import FloatArray
from trading_core.model import DAY_MS, Exchange

_CANDLE_COLUMNS = ("open_time", "open", "high", "low", "close", "volume")


def candles_across(
    archive: Archive,
    recorded: Mapping[str, FloatArray],
    pruned: Mapping[str, Sequence[str]],
    from_ms: int,
    to_ms: int,
    warm_up: int,
) -> dict[str, FloatArray]:
    """Candles of [from_ms, to_ms) and the last `warm_up` before, of Postgres and of the archive's `pruned` days.

    Tables by asset: open time in UTC ms, open, high, low, close, volume, shape (n, 6), sorted. A candle that is in
    both is that of Postgres. Days that the archive does not have are said on stderr.
    """
    return {
        asset: _across(archive, asset, table, pruned.get(asset, ()), from_ms, to_ms, warm_up)
        for asset, table in recorded.items()
    }


def spans_across(archive: Archive, spans: Mapping[str, Span], pruned: Mapping[str, Sequence[str]]) -> dict[str, Span]:
    """What exists by asset, the archive's days included."""
    found = dict(spans)
    for asset, days in pruned.items():
        there = [entry for day, entry in archive.entries(_candle_series(asset)).items() if day in days]
        bounds = [(entry.first_ms, entry.last_ms) for entry in there] + [*filter(None, [spans.get(asset)])]
        if bounds:
            found[asset] = Span(min(first for first, _ in bounds), max(last for _, last in bounds))
    return found


def _across(
    archive: Archive, asset: str, recorded: FloatArray, pruned: Sequence[str], from_ms: int, to_ms: int, warm_up: int
) -> FloatArray:
    series, missing = _candle_series(asset), list[str]()
    entries = archive.entries(series)
    found = recorded
    for day in sorted(pruned, reverse=True):
        if day_start(day) >= to_ms:
            continue
        start_ms = _start(found, from_ms, warm_up)
        if start_ms is not None and day_start(day) + DAY_MS <= start_ms:
            break
        if day in entries:
            found = _merged(_candle_rows(archive, series, entries[day]), found)
        else:
            missing.append(day)
    if missing:
        print(_missing(archive, asset, sorted(missing)), file=sys.stderr)
    start_ms = _start(found, from_ms, warm_up)
    wanted = found[:, 0] < to_ms
    return found[wanted if start_ms is None else wanted & (found[:, 0] >= start_ms)]


def _start(candles: FloatArray, from_ms: int, warm_up: int) -> int | None:
    """When the `warm_up`-th candle before `from_ms` opens; None as long as there are fewer."""
    before = int(np.searchsorted(candles[:, 0], from_ms))
    if before < warm_up:
        return None
    return int(candles[before - warm_up, 0]) if warm_up else from_ms


def _merged(archived: FloatArray, recorded: FloatArray) -> FloatArray:
    """Sorted by time; of two rows of one time that of `recorded`."""
    both = np.concatenate([recorded, archived])
    _, first = np.unique(both[:, 0], return_index=True)
    return both[first]


def _candle_series(asset: str) -> Series:
    return Series(CANDLES, Exchange.HYPERLIQUID.value, asset)


def _candle_rows(archive: Archive, series: Series, entry: Entry) -> FloatArray:
    frame = table(archive.check(series, entry), [polars.col(name).cast(polars.Float64) for name in _CANDLE_COLUMNS])
    return np.asarray(frame.to_numpy(), np.float64)


def _missing(archive: Archive, asset: str, days: Sequence[str]) -> str:
    which = days[0] if len(days) == 1 else f"{len(days)} days from {days[0]} to {days[-1]}"
    return (
        f"{asset}: the candles of {which} left Postgres and are not in {archive.path}; their minutes are missing. "
        "Set archive.dir to the archive that has them."
    )
