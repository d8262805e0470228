"""What a live run left in Postgres: its inputs, to be fed through the same code again, and its outputs, to compare."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from trading_core.archive.recorded import RecordedTicks
from trading_core.broker.inputs import Command, Place
from trading_core.db.times import millis, utc
from trading_core.errors import ConfigError
from trading_core.messages import ExecMessage, MarketData, SignalMessage
from trading_core.model import MINUTE_MS
from trading_core.sequence.checkpoint import Checkpoint, load_day
from trading_core.sequence.grid import Shard
from trading_core.streams import BOOK, MARKET


@dataclass(frozen=True)
class Span:
    """Grid points `first_ms` to `last_ms` of one portfolio, both included."""

    portfolio: str
    portfolio_id: int
    first_ms: int
    last_ms: int

    @property
    def minutes(self) -> int:
        return (self.last_ms - self.first_ms) // MINUTE_MS + 1

    @property
    def period(self) -> str:
        """For people."""
        return f"{utc(self.first_ms):%Y-%m-%d %H:%M} to {utc(self.last_ms):%Y-%m-%d %H:%M} UTC"


@dataclass
class Outputs:
    """What the live run said in a span. Texts are compared as they are; ids lead to them."""

    signals: dict[int, dict[str, SignalMessage]] = field(default_factory=dict)
    passes_from_ms: int = 0
    """Evaluations without a signal are kept from here on only."""
    late: dict[Place, list[SignalMessage | Command]] = field(default_factory=dict)
    """Signals applied late in this span, of whatever grid point, and what people asked for, in the order in which they
    were applied, by the place after which they were."""
    late_ids: set[str] = field(default_factory=set)
    """Signals of this span that were not applied at their own grid point, and those in `late`."""
    skips: dict[int, dict[str, int]] = field(default_factory=dict)
    announced: list[ExecMessage] = field(default_factory=list)
    decisions: dict[str, str] = field(default_factory=dict)
    fills: dict[str, str] = field(default_factory=dict)
    funding: dict[str, str] = field(default_factory=dict)
    equity: dict[int, asyncpg.Record] = field(default_factory=dict)
    positions: dict[str, asyncpg.Record] = field(default_factory=dict)
    rules: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    """Strategy, exchange and the rules of its decisions, each that occurred; without one in the span, its last one."""
    ended_with: Checkpoint | None = None
    """What the broker kept when the span was over, where that was the end of a UTC day."""


async def recorded_span(
    db: asyncpg.Connection, portfolio: str, exchanges: Sequence[str], shards: Iterable[Shard]
) -> Span:
    """From the portfolio's first grid point to the newest one that ledger and recorder have whole."""
    portfolio_id = await db.fetchval("SELECT id FROM trading_paper.portfolio WHERE name = $1", portfolio)
    first = await db.fetchval("SELECT min(ts) FROM trading_paper.mark_to_market WHERE portfolio_id = $1", portfolio_id)
    last = await db.fetchval(
        "SELECT max(ts) FROM trading_ops.exec_events WHERE kind = 'equity' AND portfolio = $1", portfolio
    )
    if first is None or last is None:
        raise ConfigError(f"portfolio {portfolio} has no recorded run yet. Start one with make demo or make run.")
    ends = [millis(last), *await _recorded_to(db, exchanges, shards)]
    return Span(portfolio, portfolio_id, millis(first), min(ends) // MINUTE_MS * MINUTE_MS)


async def _recorded_to(db: asyncpg.Connection, exchanges: Sequence[str], shards: Iterable[Shard]) -> list[int]:
    """How far the recorder has each stream: market data by watermarks, evaluations by the grid messages.

    A shard without any is new: that its evaluations are missing is then what is to be reported.
    """
    found: list[int] = []
    for exchange in exchanges:
        for stream in (MARKET, BOOK):
            newest = await db.fetchval(
                "SELECT max(watermark_ms) FROM trading_ops.watermarks WHERE exchange = $1 AND stream = $2",
                exchange,
                stream.name,
            )
            found.append(newest or 0)
    for grid, asset in shards:
        newest = await db.fetchval(
            "SELECT eval_ms FROM trading_ops.grids WHERE exchanges = $1 AND asset = $2 ORDER BY eval_ms DESC LIMIT 1",
            grid,
            asset,
        )
        if newest is not None:
            found.append(newest)
    return found


async def checkpoint_days(db: asyncpg.Connection, portfolio_id: int) -> list[int]:
    """The UTC days that begin with a stored checkpoint, oldest first."""
    rows = await db.fetch(
        "SELECT extract(epoch FROM day)::bigint * 1000 AS ms FROM trading_paper.day_checkpoints "
        "WHERE portfolio_id = $1 ORDER BY day",
        portfolio_id,
    )
    return [row["ms"] for row in rows]


async def day_checkpoint(db: asyncpg.Connection, portfolio_id: int, day_ms: int) -> Checkpoint | None:
    """Where the broker stood when the UTC day `day_ms` began; None when that is not stored."""
    text = await db.fetchval(
        "SELECT state FROM trading_paper.day_checkpoints WHERE portfolio_id = $1 AND day = $2",
        portfolio_id,
        utc(day_ms).date(),
    )
    return None if text is None else load_day(day_ms, text)


async def market_messages(
    db: asyncpg.Connection,
    exchanges: list[str],
    upto_ms: int,
    after_ms: int | None = None,
    *,
    archive: Path | None = None,
) -> AsyncIterator[MarketData]:
    """What strategies and broker decide upon, in order of application, as it was on the stream.

    Visible after `after_ms` (None: from the first one on), up to and including `upto_ms`. What left Postgres comes
    from `archive` (None: that of the settings); ConfigError when a day of it is not there.
    """
    async for message in RecordedTicks(db, exchanges, archive).decided_upon(upto_ms, after_ms):
        yield message
