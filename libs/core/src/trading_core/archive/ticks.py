"""Market messages in the archive, read as they are read from Postgres."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import polars
from polars import col

from trading_core.archive.datasets import TICKS
from trading_core.archive.files import table
from trading_core.archive.folder import Archive, Entry, Series, day_start
from trading_core.archive.recorded import DECIDED_UPON, Tick, Ticks
from trading_core.backtest.postgres import Span
from trading_core.errors import ConfigError
from trading_core.market.exchange import OPEN_INTEREST_HOURS
from trading_core.model import DAY_MS, HOUR_MS

LATE_MS = 4 * DAY_MS
"""A venue serves its last 5,000 minutes: nothing of a day becomes visible longer after it than this."""
_FIELDS = ["visible_ms", "ts", "event_id", "payload"]


class ArchivedTicks(Ticks):
    """The messages of some files. `missing`: series and days that should be there and are not."""

    def __init__(
        self, archive: Archive, files: Sequence[tuple[Series, Entry]], missing: Sequence[tuple[Series, str]] = ()
    ) -> None:
        self._archive = archive
        self._files = files
        self._missing = missing
        self._checked: set[str] = set()

    async def first_ms(self) -> int | None:
        firsts = [entry.seen_first_ms for _, entry in self._files] + [day_start(day) for _, day in self._missing]
        return min(firsts, default=None)

    async def between(self, after_ms: int, until_ms: int, kinds: Sequence[str] | None) -> list[Tick]:
        """ConfigError also for a missing day that may have had some of them: a replay needs each."""
        for series, day in self._missing:
            if day_start(day) <= until_ms and day_start(day) + DAY_MS + LATE_MS > after_ms:
                raise ConfigError(
                    f"{series} of {day} left Postgres and is not in {self._archive.path}. Set archive.dir to the "
                    "archive that has it, or copy it back from a backup."
                )
        wanted = (col("visible_ms") > after_ms) & (col("visible_ms") <= until_ms)
        if kinds is not None:
            wanted &= col("kind").is_in(list(kinds))
        found: list[Tick] = []
        for series, entry in self._files:
            if entry.seen_first_ms <= until_ms and entry.seen_last_ms > after_ms:
                found += _ticks(series, self._table(series, entry, _FIELDS, wanted))
        return sorted(found, key=lambda tick: tick.place)

    async def history(self, exchange: str, asset: str, upto_ms: int, candles: int) -> list[Tick]:
        """As far back as any of it lies; missing days on the way are said on stderr.

        A gap from before the reach of open interest is left out: no channel is silent for so long.
        """
        since_ms = (-(-upto_ms // HOUR_MS) - OPEN_INTEREST_HOURS) * HOUR_MS
        lacking = Counter({"candle": candles, "funding": 48, "mark": 10, "estimate": 10})
        found: list[Tick] = []
        for series, entry in self._of(exchange, asset, newest_first=True):
            if entry.last_ms <= since_ms and not +lacking:
                break
            if entry.seen_first_ms <= upto_ms:
                wanted = (col("visible_ms") <= upto_ms) & col("kind").is_in(DECIDED_UPON)
                day = self._table(series, entry, [*_FIELDS, "kind"], wanted)
                newest = _newest(day, candles)
                lacking.subtract({name: len(frame) for name, frame in newest.items()})
                parts = [*newest.values(), _open_interest(day), day.filter(col("kind") == "gap")]
                found += _ticks(series, polars.concat([part.select(_FIELDS) for part in parts]).unique())
        self._say_missing(exchange, asset, 0 if +lacking else since_ms - DAY_MS, upto_ms)
        return sorted(found, key=lambda tick: tick.place)

    async def live_closes(
        self, exchange: str, assets: Sequence[str], after_ms: int, until_ms: int
    ) -> set[tuple[str, int]]:
        live = _has('"backfilled":false')
        wanted = (col("kind") == "candle_1m") & (col("ts") > after_ms) & (col("ts") <= until_ms)
        found: set[tuple[str, int]] = set()
        for asset in assets:
            for series, entry in self._of(exchange, asset):
                if entry.first_ms <= until_ms and entry.last_ms > after_ms:
                    closes = self._table(series, entry, ["ts", "payload"], wanted).filter(live)["ts"]
                    found |= {(asset, close_ms) for close_ms in closes.to_list()}
        return found

    async def named(self, ids: Sequence[str], from_ms: int, to_ms: int) -> list[Tick]:
        found: list[Tick] = []
        for series, entry in self._files:
            if entry.first_ms <= to_ms and entry.last_ms >= from_ms:
                found += _ticks(series, self._table(series, entry, _FIELDS, col("event_id").is_in(list(ids))))
        return found

    async def marks(self, exchange: str) -> dict[str, Span]:
        found: dict[str, Span] = {}
        for asset in {series.asset for series, _ in self._files if series.exchange == exchange}:
            first_ms = self._mark(self._of(exchange, asset), col("visible_ms").min())
            last_ms = self._mark(self._of(exchange, asset, newest_first=True), col("visible_ms").max())
            if first_ms is not None and last_ms is not None:
                found[asset] = Span(first_ms, last_ms)
        return found

    def _mark(self, files: Iterable[tuple[Series, Entry]], bound: Any) -> int | None:
        """`bound` of the marks of the first of the files that has one."""
        for series, entry in files:
            seen_ms: int | None = self._table(series, entry, [bound], col("kind") == "ctx").item()
            if seen_ms is not None:
                return seen_ms
        return None

    def _of(self, exchange: str, asset: str, *, newest_first: bool = False) -> list[tuple[Series, Entry]]:
        files = [file for file in self._files if (file[0].exchange, file[0].asset) == (exchange, asset)]
        return sorted(files, key=lambda file: file[1].day, reverse=newest_first)

    def _table(self, series: Series, entry: Entry, columns: Sequence[Any], wanted: Any) -> Any:
        """Of a file whose bytes are those that were archived."""
        file = self._archive.file(series, entry)
        if entry.sha256 not in self._checked:
            self._archive.check(series, entry)
            self._checked.add(entry.sha256)
        return table(file, columns, wanted)

    def _say_missing(self, exchange: str, asset: str, from_ms: int, upto_ms: int) -> None:
        days = sorted(
            day
            for series, day in self._missing
            if (series.exchange, series.asset) == (exchange, asset) and from_ms <= day_start(day) <= upto_ms
        )
        if days:
            which = days[0] if len(days) == 1 else f"{len(days)} days from {days[0]} to {days[-1]}"
            print(
                f"{asset}: the messages of {which} left Postgres and are not in {self._archive.path}; strategies do "
                "not know them. Set archive.dir to the archive that has them.",
                file=sys.stderr,
            )


def pruned_ticks(archive: Archive, left: Iterable[tuple[Any, ...]]) -> ArchivedTicks:
    """`left`: exchange, asset and the days of which messages left Postgres."""
    files: list[tuple[Series, Entry]] = []
    missing: list[tuple[Series, str]] = []
    for exchange, asset, days in left:
        series = Series(TICKS, exchange, asset)
        entries = archive.entries(series)
        files += [(series, entries[day]) for day in days if day in entries]
        missing += [(series, day) for day in days if day not in entries]
    return ArchivedTicks(archive, files, missing)


def all_ticks(archive: Archive, exchanges: Sequence[str]) -> ArchivedTicks:
    """Everything that is archived of these exchanges, for a reader without a database."""
    series = [one for one in archive.series() if one.dataset is TICKS and one.exchange in exchanges]
    return ArchivedTicks(archive, [(one, entry) for one in series for entry in archive.entries(one).values()])


def _newest(day: Any, candles: int) -> dict[str, Any]:
    """Of a day's messages the newest of each kind, as many as a market state needs at most."""
    marks = day.filter(col("kind") == "ctx").sort("visible_ms", descending=True)
    return {
        "candle": day.filter(col("kind") == "candle_1m").sort("ts", descending=True).head(candles),
        "funding": day.filter(col("kind") == "funding").sort("ts", descending=True).head(48),
        "mark": marks.filter(_has('"polled":false')).head(10),
        "estimate": marks.filter(_has('"funding_estimate_1h":"')).head(10),
    }


def _open_interest(day: Any) -> Any:
    """The last context of each hour (h - 1 h, h] that has it."""
    contexts = day.filter((col("kind") == "ctx") & _has('"open_interest":"'))
    hour = (col("ts") + HOUR_MS - 1) // HOUR_MS
    return contexts.sort("ts", "visible_ms", "event_id").group_by(hour.alias("hour")).last()


def _has(field: str) -> Any:
    """Whether a payload says this; they are the bytes of our encoder, and looking for a text is ten times as fast as
    parsing, in a look-back of forty days."""
    return col("payload").str.contains(field, literal=True)


def _ticks(series: Series, frame: Any) -> Iterator[Tick]:
    """Of `_FIELDS`."""
    return (Tick(seen_ms, series.asset, ts, id, payload) for seen_ms, ts, id, payload in frame.iter_rows())
