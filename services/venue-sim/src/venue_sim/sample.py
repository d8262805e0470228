"""The recorded sample as arrays: one row per minute, the same minutes for every asset."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from trading_core.errors import ConfigError
from trading_core.model import HOUR_MS, MINUTE_MS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class AssetSpec:
    """What the venue's `meta` says about one asset, and the price step of the recorded source."""

    name: str
    size_decimals: int
    leverage_max: int
    tick_decimals: int

    @property
    def tick(self) -> float:
        return 10.0**-self.tick_decimals


ASSETS = (AssetSpec("BTC", 5, 40, 1), AssetSpec("ETH", 4, 25, 2), AssetSpec("SOL", 2, 20, 2))


@dataclass(frozen=True)
class Funding:
    """Settled rates, oldest first. `derived`: not the venue's own rows."""

    stamps_ms: list[int]
    rates: list[float]
    derived: bool = False

    def last_at(self, time_ms: int) -> tuple[int, float] | None:
        """Stamp and rate of the newest row settled at or before `time_ms`."""
        at = bisect_right(self.stamps_ms, time_ms) - 1
        return None if at < 0 else (self.stamps_ms[at], self.rates[at])


@dataclass(frozen=True)
class AssetSample:
    """Arrays of length n, one row per minute. `volume_lots` counts steps of the venue's size."""

    spec: AssetSpec
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume_lots: Ints
    lots_before: Ints
    """Lots traded before minute i, from the start of the sample; length n + 1."""
    notional_before: Floats
    """USD traded before minute i (volume times close); length n + 1."""
    funding: Funding
    funding_8h: Funding


@dataclass(frozen=True)
class Sample:
    """Every asset over the same minutes; times are those of the recording."""

    first_ms: int
    minutes: int
    assets: dict[str, AssetSample]

    @property
    def end_ms(self) -> int:
        return self.first_ms + self.minutes * MINUTE_MS


def load(folder: Path) -> Sample:
    """The sample in `folder`. ConfigError when a file is missing, has holes, or the assets differ in their minutes."""
    assets: dict[str, AssetSample] = {}
    first_ms, minutes = 0, 0
    for spec in ASSETS:
        path = folder / "candles_1m" / f"binance_{spec.name}.parquet"
        if not path.is_file():
            raise ConfigError(f"{path} is missing. Name the folder of the sample with --data.")
        rows = pl.read_parquet(path)
        times = rows["open_time"].to_numpy()
        if len(times) == 0 or not bool((np.diff(times) == MINUTE_MS).all()):
            raise ConfigError(f"{path} must hold 1m candles without a hole.")
        if assets and (int(times[0]), len(times)) != (first_ms, minutes):
            raise ConfigError(f"{path} must cover the same minutes as the other assets.")
        first_ms, minutes = int(times[0]), len(times)
        lots = np.rint(rows["volume"].to_numpy() * 10**spec.size_decimals).astype(np.int64)
        close = rows["close"].to_numpy()
        assets[spec.name] = AssetSample(
            spec=spec,
            open=rows["open"].to_numpy(),
            high=rows["high"].to_numpy(),
            low=rows["low"].to_numpy(),
            close=close,
            volume_lots=lots,
            lots_before=np.concatenate(([0], np.cumsum(lots))),
            notional_before=np.concatenate(([0.0], np.cumsum(rows["volume"].to_numpy() * close))),
            funding=_hourly(folder, spec.name, first_ms, first_ms + minutes * MINUTE_MS),
            funding_8h=_read_funding(folder / "funding" / f"binance_{spec.name}.parquet"),
        )
    return Sample(first_ms=first_ms, minutes=minutes, assets=assets)


def _hourly(folder: Path, asset: str, first_ms: int, end_ms: int) -> Funding:
    """The venue's own hourly rows; without them the newest 8 h rate over 8 at each hour, marked as derived."""
    own = folder / "funding" / f"hyperliquid_{asset}.parquet"
    if own.is_file():
        return _read_funding(own)
    source = _read_funding(folder / "funding" / f"binance_{asset}.parquet")
    stamps: list[int] = []
    rates: list[float] = []
    for hour_ms in range(-(-first_ms // HOUR_MS) * HOUR_MS, end_ms, HOUR_MS):
        # The recorder's stamps lie up to a few ms past the hour; the row of that very hour counts.
        row = source.last_at(hour_ms + 999)
        if row is not None:
            stamps.append(hour_ms)
            rates.append(row[1] / 8)
    return Funding(stamps, rates, derived=True)


def _read_funding(path: Path) -> Funding:
    if not path.is_file():
        return Funding([], [])
    rows = pl.read_parquet(path)
    return Funding(rows["time"].to_list(), rows["funding_rate"].to_list())
