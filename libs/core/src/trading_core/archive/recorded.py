"""Recorded market messages, wherever they are: in Postgres, in the archive, or some here and some there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import asyncpg

from trading_core import messages
from trading_core.backtest.postgres import Span
from trading_core.config import load
from trading_core.db.history import history_rows
from trading_core.db.times import utc
from trading_core.messages import MarketData
from trading_core.model import MINUTE_MS

if TYPE_CHECKING:
    from trading_core.archive.ticks import ArchivedTicks

CHUNK_MS = 6 * 60 * MINUTE_MS
DECIDED_UPON = ("candle_1m", "ctx", "funding", "gap", "prob", "resolved", "book")
_BETWEEN = """
SELECT visible_ms, asset, (extract(epoch FROM ts) * 1000)::bigint AS ts_ms, event_id, payload
FROM trading_market_data.ticks
WHERE exchange = ANY($1) AND visible_ms > $2 AND visible_ms <= $3 {kinds}
ORDER BY visible_ms, asset COLLATE "C", ts, event_id COLLATE "C"
"""
_FIRST = "SELECT min(visible_ms) FROM trading_market_data.ticks WHERE exchange = ANY($1)"
_CLOSES = """
SELECT asset, (extract(epoch FROM ts) * 1000)::bigint AS close_ms FROM trading_market_data.ticks
WHERE exchange = $1 AND asset = ANY($2) AND kind = 'candle_1m' AND ts > $3 AND ts <= $4
  AND payload ->> 'backfilled' = 'false'
"""
_NAMED = """
SELECT visible_ms, asset, (extract(epoch FROM ts) * 1000)::bigint AS ts_ms, event_id, payload
FROM trading_market_data.ticks WHERE event_id = ANY($1) AND ts BETWEEN $2 AND $3
"""
_MARKS = """
SELECT asset, min(visible_ms) AS first_ms, max(visible_ms) AS last_ms FROM trading_market_data.ticks
WHERE exchange = $1 AND kind = 'ctx' GROUP BY asset
"""
_PRUNED = """
SELECT exchange, asset, array_agg(day::text ORDER BY day) AS days FROM trading_ops.pruned
WHERE dataset = 'ticks' AND exchange = ANY($1) GROUP BY exchange, asset ORDER BY exchange, asset
"""


class Tick(NamedTuple):
    """One recorded market message. Equal ones of Postgres and archive are equal here."""

    visible_ms: int
    asset: str
    ts: int
    event_id: str
    payload: str

    @property
    def place(self) -> tuple[int, bytes, int, bytes]:
        """Sorts in the order of application."""
        return (self.visible_ms, self.asset.encode(), self.ts, self.event_id.encode())

    @property
    def message(self) -> MarketData:
        """As it was on the stream, visible when readers saw it."""
        return messages.market_data(self.payload, self.visible_ms)


class Ticks(ABC):
    """The recorded market messages of some exchanges. ConfigError when what is asked for cannot be read."""

    @abstractmethod
    async def first_ms(self) -> int | None:
        """When the first of them became visible."""

    @abstractmethod
    async def between(self, after_ms: int, until_ms: int, kinds: Sequence[str] | None) -> list[Tick]:
        """Those of `kinds` (None: all) with `visible_ms` in (after_ms, until_ms], in the order of application."""

    @abstractmethod
    async def history(self, exchange: str, asset: str, upto_ms: int, candles: int) -> list[Tick]:
        """What a market state that saw all that was visible at `upto_ms` needs of it, as `history_of`, and perhaps
        older ones of the same, which change nothing; in the order of application."""

    @abstractmethod
    async def live_closes(
        self, exchange: str, assets: Sequence[str], after_ms: int, until_ms: int
    ) -> set[tuple[str, int]]:
        """(asset, close time) in (after_ms, until_ms] of the candles that came as they closed."""

    @abstractmethod
    async def named(self, ids: Sequence[str], from_ms: int, to_ms: int) -> list[Tick]:
        """Those with one of these ids and an event time from `from_ms` to `to_ms`, as far as they are there."""

    @abstractmethod
    async def marks(self, exchange: str) -> dict[str, Span]:
        """When the first and the last mark became visible, by asset."""

    async def decided_upon(self, upto_ms: int, after_ms: int | None = None) -> AsyncIterator[MarketData]:
        """What strategies and broker decide upon, in order of application.

        Visible after `after_ms` (None: from the first one on), up to and including `upto_ms`.
        """
        if after_ms is None:
            first_ms = await self.first_ms()
            after_ms = (upto_ms if first_ms is None else first_ms) - 1
        while after_ms < upto_ms:
            until_ms = min(after_ms + CHUNK_MS, upto_ms)
            for tick in await self.between(after_ms, until_ms, DECIDED_UPON):
                yield tick.message
            after_ms = until_ms


class RecordedTicks(Ticks):
    """Those in Postgres and, in their place, those that left it for `archive` (None: that of the settings).

    What left is asked for after what is there: a day that is pruned in between is then in both, and each of its
    messages comes once. No snapshot need be held open while somebody works on them for hours.
    """

    def __init__(self, db: asyncpg.Connection, exchanges: Sequence[str], archive: Path | None = None) -> None:
        self._db = db
        self._exchanges = list(exchanges)
        self._archive = archive
        self._left: list[asyncpg.Record] = []
        self._archived: ArchivedTicks | None = None
        self.across = False
        """Whether any of what was read came from the archive."""

    async def first_ms(self) -> int | None:
        first_ms: int | None = await self._db.fetchval(_FIRST, self._exchanges)
        archived = await self._away()
        firsts = [first_ms, None if archived is None else await archived.first_ms()]
        return min((one for one in firsts if one is not None), default=None)

    async def between(self, after_ms: int, until_ms: int, kinds: Sequence[str] | None) -> list[Tick]:
        query = _BETWEEN.format(kinds="" if kinds is None else "AND kind = ANY($4)")
        rows = await self._db.fetch(query, self._exchanges, after_ms, until_ms, *([] if kinds is None else [kinds]))
        return await self._merged(rows, lambda archived: archived.between(after_ms, until_ms, kinds))

    async def history(self, exchange: str, asset: str, upto_ms: int, candles: int) -> list[Tick]:
        rows = await history_rows(self._db, exchange, asset, upto_ms, candles)
        return await self._merged(rows, lambda archived: archived.history(exchange, asset, upto_ms, candles))

    async def live_closes(
        self, exchange: str, assets: Sequence[str], after_ms: int, until_ms: int
    ) -> set[tuple[str, int]]:
        rows = await self._db.fetch(_CLOSES, exchange, list(assets), utc(after_ms), utc(until_ms))
        found = {(row["asset"], row["close_ms"]) for row in rows}
        archived = await self._away()
        return found if archived is None else found | await archived.live_closes(exchange, assets, after_ms, until_ms)

    async def named(self, ids: Sequence[str], from_ms: int, to_ms: int) -> list[Tick]:
        rows = await self._db.fetch(_NAMED, ids, utc(from_ms), utc(to_ms))
        return await self._merged(rows, lambda archived: archived.named(ids, from_ms, to_ms))

    async def marks(self, exchange: str) -> dict[str, Span]:
        rows = await self._db.fetch(_MARKS, exchange)
        found = {row["asset"]: Span(row["first_ms"], row["last_ms"]) for row in rows}
        archived = await self._away()
        for asset, span in ({} if archived is None else await archived.marks(exchange)).items():
            there = found.get(asset, span)
            found[asset] = Span(min(span.first_ms, there.first_ms), max(span.last_ms, there.last_ms))
        return found

    async def _merged(
        self, rows: Sequence[asyncpg.Record], read: Callable[[Ticks], Awaitable[list[Tick]]]
    ) -> list[Tick]:
        recorded = [Tick(*row) for row in rows]
        archived = await self._away()
        found = [] if archived is None else await read(archived)
        if not found:
            return recorded
        self.across = True
        return sorted({(tick.ts, tick.event_id): tick for tick in (*found, *recorded)}.values(), key=_place)

    async def _away(self) -> ArchivedTicks | None:
        """None when nothing left Postgres: then no archive is looked at, and polars not needed."""
        left = await self._db.fetch(_PRUNED, self._exchanges)
        if left != self._left:
            from trading_core.archive.folder import Archive
            from trading_core.archive.ticks import pruned_ticks

            self._archived = pruned_ticks(Archive(self._archive or load().archive.folder), map(tuple, left))
            self._left = left
        return self._archived


def _place(tick: Tick) -> tuple[int, bytes, int, bytes]:
    return tick.place
