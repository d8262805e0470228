"""What one asset's channels have said so far: what is new, what changed, where a hole begins. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from collector_hl.candles import Bars
from collector_hl.holes import Holes
from collector_hl.parse import BboRow, BookRow, Context, TradeRow
from trading_core.collect.gaps import Channel
from trading_core.collect.stamp import full_minute

REMEMBERED = 4_000
BOOK_EVERY_MS = 500
"""Of an asset's books at most one in so much venue time is published."""
BOOK_AGAIN_MS = 5_000
"""An unchanged book is told again after so long: fills look at books that are not old."""


class Seen:
    """The newest ids of one channel."""

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._limit = limit
        self._ids: set[str] = set()
        self._order: deque[str] = deque()

    def __len__(self) -> int:
        return len(self._ids)

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
    book_ms: int | None = None
    ctx_ms: int | None = None

    def at_ms(self, channel: Channel) -> int | None:
        """Event time of the newest message of `channel`; None when there is none."""
        match channel:
            case "trade":
                return self.trade_ms
            case "bbo":
                return self.bbo_ms
            case "book":
                return self.book_ms
            case "ctx":
                return self.ctx_ms
            case _:
                return None


@dataclass
class AssetFeed:
    known: Known
    bars: Bars = field(default_factory=Bars)
    holes: Holes = field(default_factory=Holes)
    backlog_due: bool = True
    """The first trades frame of a socket repeats older trades."""
    standing_due: bool = True
    """The first quote of a socket may have stood for a while: it says nothing about the venue's clock."""
    trades_from_ms: int = 0
    """Older trades are history: they are neither live flow nor part of a hole of ours."""
    _trades: Seen = field(default_factory=Seen)
    _quotes: Seen = field(default_factory=Seen)
    _context: Context | None = None
    _context_minute: int = -1
    _book: BookRow | None = None
    """The first with the levels of the newest published one."""
    _book_times: deque[int] = field(default_factory=lambda: deque(maxlen=16))
    """When the last published ones were."""

    def __post_init__(self) -> None:
        self._trades.is_new(self.known.trade_id)
        self._quotes.is_new(self.known.bbo_id)

    def disconnected(self) -> None:
        self.bars.restart()
        self.backlog_due = self.standing_due = True

    def is_new_trade(self, row: TradeRow, message_id: str) -> bool:
        """Whether it is neither history nor published already."""
        if row.time < self.trades_from_ms or not self._trades.is_new(message_id):
            return False
        self.known.trade_ms = max(row.time, self.known.trade_ms or 0)
        return True

    def is_new_bbo(self, row: BboRow, message_id: str) -> bool:
        """False for a repeated quote. One that was overtaken is news too: it happened."""
        if not self._quotes.is_new(message_id):
            return False
        if row.time >= (self.known.bbo_ms or 0):
            self.known.bbo_ms, self.known.bbo_id = row.time, message_id
        return True

    def book_changed_ms(self, row: BookRow) -> int | None:
        """When the venue last changed the book that is to be published; None when `row` says nothing new yet."""
        newest_ms = self.known.book_ms or 0
        if any(abs(row.time - at_ms) < BOOK_EVERY_MS for at_ms in (newest_ms, *self._book_times)):
            return None
        if row.time < newest_ms:  # a newer one has overtaken it, but it happened
            self._book_times.append(row.time)
            return row.time
        is_same = self._book is not None and self._book.levels == row.levels
        if is_same and row.time - newest_ms < BOOK_AGAIN_MS:
            return None
        if self._book is None or not is_same:
            self._book = row
        self.known.book_ms = row.time
        self._book_times.append(row.time)
        return self._book.time

    def is_news(self, context: Context, clock_ms: int) -> bool:
        """A context is published when it changed, and as the first of a full minute."""
        self.known.ctx_ms = clock_ms
        minute = full_minute(clock_ms)
        if context == self._context and minute <= self._context_minute:
            return False
        self._context, self._context_minute = context, max(minute, self._context_minute)
        return True
