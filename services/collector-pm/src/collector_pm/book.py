"""The kept book of one token: no sequence numbers, so the venue's own best prices are the check. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from collector_pm.parse import BookRow, Change
from trading_core.messages import Level as MessageLevel

DEPTH = 20
"""Levels a side of a published snapshot."""
EMPTY_BID, EMPTY_ASK = "0", "1"
Outcome = Literal["applied", "old", "mismatch"]


class KeptBook:
    """Unknown until the first whole book. After a mismatch it is unknown again until the next one."""

    def __init__(self) -> None:
        self.known = False
        self.changed_ms = 0
        """When the venue last changed it."""
        self.confirmed_ms = 0
        """Venue time at which it was last known to stand: by a frame, or by REST showing the same."""
        self._bids: dict[str, str] = {}
        self._asks: dict[str, str] = {}

    def replace(self, row: BookRow, clock_ms: int) -> Outcome:
        """Take a whole book; one older than what is kept is none of our business."""
        if self.known and row.timestamp < self.changed_ms:
            return "old"
        self._bids = {level.price: level.size for level in row.bids if not _is_zero(level.size)}
        self._asks = {level.price: level.size for level in row.asks if not _is_zero(level.size)}
        self.changed_ms, self.known = row.timestamp, True
        self.confirmed_ms = max(self.confirmed_ms, clock_ms)
        return self._unless_crossed()

    def change(self, timestamp_ms: int, changes: Iterable[Change], clock_ms: int) -> Outcome:
        """Set or delete levels; then the best prices must be those that the message names, where it does."""
        if timestamp_ms < self.changed_ms:
            return "old"
        named: tuple[str | None, str | None] = (None, None)
        for one in changes:
            side = self._bids if one.side == "BUY" else self._asks
            if _is_zero(one.size):
                side.pop(one.price, None)
            else:
                side[one.price] = one.size
            named = (one.best_bid, one.best_ask)
        self.changed_ms = timestamp_ms
        self.confirmed_ms = max(self.confirmed_ms, clock_ms)
        if any(told is not None and told != kept for told, kept in zip(named, self.top(), strict=True)):
            self.known = False
            return "mismatch"
        return self._unless_crossed()

    def forget(self) -> None:
        """The socket is lost: what it does not say from now on is unknown."""
        self.known = False

    def top(self) -> tuple[str, str]:
        """Best bid and best ask; `0` and `1` where a side is empty, as the venue writes it."""
        bid = max(self._bids, key=float, default=EMPTY_BID)
        ask = min(self._asks, key=float, default=EMPTY_ASK)
        return bid, ask

    def levels(self) -> tuple[tuple[MessageLevel, ...], tuple[MessageLevel, ...]]:
        """Bids and asks, best first."""
        bids = sorted(self._bids.items(), key=_by_price, reverse=True)[:DEPTH]
        return tuple(bids), tuple(sorted(self._asks.items(), key=_by_price)[:DEPTH])

    def shows(self, row: BookRow) -> bool:
        """Whether REST shows the same best prices."""
        other = KeptBook()
        other.replace(row, 0)
        return other.top() == self.top()

    def _unless_crossed(self) -> Outcome:
        bid, ask = self.top()
        if float(bid) < float(ask):
            return "applied"
        self.known = False
        return "mismatch"


def _is_zero(size: str) -> bool:
    return size == "0"


def _by_price(level: tuple[str, str]) -> float:
    return float(level[0])
