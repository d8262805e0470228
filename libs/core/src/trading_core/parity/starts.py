"""From where the parts of a span are replayed: the stored day checkpoints and what market states must know there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import asyncpg

from trading_core import messages
from trading_core.archive.recorded import RecordedTicks
from trading_core.broker import book as books
from trading_core.db.times import utc
from trading_core.messages import MarketData, SignalMessage
from trading_core.model import MINUTE_MS
from trading_core.parity.recording import Span, day_checkpoint
from trading_core.parity.start import Start, fresh
from trading_core.strategy.registry import LoadedStrategy

_NEWEST = """
SELECT payload FROM trading_signals.signals
WHERE strategy = $1 AND asset = $2 AND ts < $3 ORDER BY ts DESC LIMIT 1
"""


@dataclass(frozen=True)
class Part:
    """A span that is replayed by itself, from a day's checkpoint or from the very first grid point."""

    span: Span
    from_checkpoint: bool


def parts(whole: Span, days: Sequence[int], from_ms: int | None) -> list[Part]:
    """What of `whole` is replayed, day by day where `days` have checkpoints, to know what differs since `from_ms`."""
    first_ms = whole.first_ms
    stored = [day for day in days if first_ms < day <= whole.last_ms]
    if from_ms is not None:
        first_ms = max((day for day in stored if day <= from_ms), default=first_ms)
    begins = [first_ms, *(day for day in stored if day > first_ms)]
    ends = [*(begin - MINUTE_MS for begin in begins[1:]), whole.last_ms]
    return [
        Part(replace(whole, first_ms=begin, last_ms=end), begin in stored)
        for begin, end in zip(begins, ends, strict=True)
    ]


async def start_of(
    db: asyncpg.Connection, part: Part, strategies: Sequence[LoadedStrategy], assets: Sequence[str]
) -> Start:
    """All that was known before the first grid point of `part`."""
    first_ms = part.span.first_ms
    start = fresh(first_ms)
    if part.from_checkpoint:
        kept = await day_checkpoint(db, part.span.portfolio_id, first_ms)
        if kept is None:
            raise LookupError(f"the checkpoint of {first_ms} is gone")
        start = Start(kept.resume, books.dump(kept.book))
    history = await _history(db, first_ms - MINUTE_MS, strategies, assets)
    newest = [await _newest(db, strategy.name, asset, first_ms) for strategy in strategies for asset in assets]
    return replace(start, history=history, newest=[signal for signal in newest if signal is not None])


async def _history(
    db: asyncpg.Connection, upto_ms: int, strategies: Sequence[LoadedStrategy], assets: Sequence[str]
) -> list[MarketData]:
    """As a resuming runner reads it, from the archive where that has left Postgres."""
    candles = max((strategy.instance.history for strategy in strategies), default=0)
    exchanges = sorted({name for strategy in strategies for name in strategy.exchanges})
    ticks = RecordedTicks(db, exchanges)
    return [
        tick.message
        for exchange in exchanges
        for asset in assets
        for tick in await ticks.history(exchange, asset, upto_ms, candles)
    ]


async def _newest(db: asyncpg.Connection, strategy: str, asset: str, before_ms: int) -> SignalMessage | None:
    payload = await db.fetchval(_NEWEST, strategy, asset, utc(before_ms))
    message = None if payload is None else messages.decode(payload)
    return message if isinstance(message, SignalMessage) else None
