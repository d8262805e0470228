"""What one asset's channels have said so far: what is new, what changed, where a hole begins. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from collector_hl import outgoing
from collector_hl.candles import Bars
from collector_hl.parse import BboRow, Context, TradeRow
from trading_core.collect.stamp import full_minute

REMEMBERED = 4_000


class Seen:
    """The newest ids of one channel."""

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._limit = limit
        self._ids: set[str] = set()
        self._order: deque[str] = deque()

    def is_new(self, name: str) -> bool:
        """Whether `name` was not there yet; from now on it is."""
        if name in self._ids:
            return False
        self._ids.add(name)
        self._order.append(name)
        if len(self._order) > self._limit:
            self._ids.discard(self._order.popleft())
        return True


@dataclass
class Known:
    """The newest of each channel in the stream: where a restart goes on."""

    trade_ms: int | None = None
    trade_id: str = ""
    bbo_ms: int | None = None
    bbo_id: str = ""
    ctx_ms: int | None = None


@dataclass
class AssetFeed:
    known: Known
    bars: Bars = field(default_factory=Bars)
    heard: dict[str, tuple[float, int]] = field(default_factory=dict)
    """Channel → monotonic second and venue time of its newest frame on this socket."""
    backlog_due: bool = True
    """The first trades frame of a socket repeats older trades."""
    trades_from_ms: int = 0
    """Older trades are history: they are neither live flow nor part of a hole of ours."""
    lost_bbo_ms: int | None = None
    lost_ctx_ms: int | None = None
    _trades: Seen = field(default_factory=Seen)
    _quotes: Seen = field(default_factory=Seen)
    _context: Context | None = None
    _context_minute: int = -1

    def __post_init__(self) -> None:
        self.lost_bbo_ms, self.lost_ctx_ms = self.known.bbo_ms, self.known.ctx_ms
        self._trades.is_new(self.known.trade_id)
        self._quotes.is_new(self.known.bbo_id)

    def disconnected(self) -> None:
        self.bars.restart()
        self.heard.clear()
        self.backlog_due = True
        if self.lost_bbo_ms is None:
            self.lost_bbo_ms = self.known.bbo_ms
        if self.lost_ctx_ms is None:
            self.lost_ctx_ms = self.known.ctx_ms

    def new_trades(self, rows: list[TradeRow]) -> list[TradeRow]:
        """Those not published before, in the venue's order."""
        fresh: list[TradeRow] = []
        for row in rows:
            if row.time < self.trades_from_ms or not self._trades.is_new(outgoing.trade_id(row)):
                continue
            fresh.append(row)
            self.known.trade_ms = max(row.time, self.known.trade_ms or 0)
        return fresh

    def continues(self, backlog: list[TradeRow]) -> bool:
        """Whether the backlog reaches back to the last published trade, so that nothing lies between."""
        last_ms = self.known.trade_ms
        return last_ms is None or any(row.time <= last_ms for row in backlog)

    def is_new_bbo(self, row: BboRow, message_id: str) -> bool:
        """False for a repeated quote. One that was overtaken is news too: it happened."""
        if not self._quotes.is_new(message_id):
            return False
        if row.time >= (self.known.bbo_ms or 0):
            self.known.bbo_ms, self.known.bbo_id = row.time, message_id
        return True

    def is_news(self, context: Context, clock_ms: int) -> bool:
        """A context is published when it changed, and as the first of a full minute."""
        self.known.ctx_ms = clock_ms
        minute = full_minute(clock_ms)
        if context == self._context and minute <= self._context_minute:
            return False
        self._context, self._context_minute = context, max(minute, self._context_minute)
        return True
