"""The kept book of one token: no sequence numbers, so the venue's own words are the check. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Literal

from collector_pm.parse import BookRow, Change, Level
from trading_core.messages import Level as MessageLevel

DEPTH = 20
"""Levels a side of a published snapshot."""
EMPTY_BID, EMPTY_ASK = "0", "1"
REMEMBERED = 64
"""States and messages that REST, or a message told twice, is compared with."""
State = Literal["unknown", "polled", "kept"]
"""`polled`: what REST showed last, while the socket has not told the whole book. Changes apply to a `kept` one only."""
Outcome = Literal["applied", "old", "crossed", "top", "order"]
"""`top`: other best prices than the message names. `order`: a change that came behind a later one."""
Verdict = Literal["present", "past", "newer", "differs", "forgotten"]
"""Of what REST shows: the kept book as it is or as it was, one that the socket has not told (yet), a wrong one of a
moment that is remembered, or one from before that."""


class KeptBook:
    """Unknown until the first whole book. What does not fit the venue's words is not kept any more."""

    def __init__(self) -> None:
        self.state: State = "unknown"
        self.changed_ms = 0
        """When the venue last changed it."""
        self.confirmed_ms = 0
        """Venue time at which it was last known to stand: by a frame, or by REST showing the same."""
        self.verified_ms = 0
        """Venue time up to which every level is known to be right: by a whole book, or by REST showing the same."""
        self._bids: dict[str, str] = {}
        self._asks: dict[str, str] = {}
        self._digest = 0
        """Of all levels, whatever their order; changed level by level."""
        self._states: deque[tuple[int, int]] = deque(maxlen=REMEMBERED)
        """(changed_ms, digest) of the newest states, the present one last."""
        self._told: deque[tuple[int, int]] = deque(maxlen=REMEMBERED)
        """(timestamp, hash) of the newest changes: one of them may come twice."""
        self._early: deque[tuple[int, tuple[Change, ...]]] = deque(maxlen=REMEMBERED)
        """Changes that came before the whole book they belong to."""

    @property
    def is_known(self) -> bool:
        return self.state != "unknown"

    @property
    def is_kept(self) -> bool:
        return self.state == "kept"

    def replace(self, row: BookRow, clock_ms: int) -> Outcome:
        """Take a whole book of the socket; one older than what is kept is none of our business."""
        if self.is_kept and row.timestamp < self.changed_ms:
            return "old"
        self._take(row)
        self.state = "kept"
        outcome = self._unless_crossed()
        while outcome == "applied" and self._early:
            timestamp_ms, changes = self._early.popleft()
            if timestamp_ms > row.timestamp:
                outcome = self.change(timestamp_ms, changes, clock_ms)
        self._early.clear()
        if outcome == "applied":
            self.stood(clock_ms)
        return outcome

    def poll(self, row: BookRow, clock_ms: int) -> None:
        """What REST shows stands in for a book that the socket has not told."""
        self._take(row)
        self.state = "polled" if self._is_uncrossed() else "unknown"
        self.stood(clock_ms)

    def stood(self, clock_ms: int) -> None:
        """Every level of it was right at `clock_ms`."""
        self.confirmed_ms = max(self.confirmed_ms, clock_ms)
        self.verified_ms = max(self.verified_ms, clock_ms)

    def change(self, timestamp_ms: int, changes: Iterable[Change], clock_ms: int) -> Outcome:
        """Set or delete levels; then the best prices must be those that the message names, where it does."""
        changes = tuple(changes)
        if not self.is_kept:
            self._early.append((timestamp_ms, changes))
            return "old"
        told = (timestamp_ms, hash(changes))
        if told in self._told or timestamp_ms < self._states[0][0]:
            return "old"
        if timestamp_ms < self.changed_ms:
            self.forget()
            return "order"
        self._told.append(told)
        named: tuple[str | None, str | None] = (None, None)
        for one in changes:
            self._set(one.side, one.price, one.size)
            named = (one.best_bid, one.best_ask)
        self.changed_ms = timestamp_ms
        self._states.append((timestamp_ms, self._digest))
        if any(told is not None and told != kept for told, kept in zip(named, self.top(), strict=True)):
            self.forget()
            self._early.append((timestamp_ms, changes))
            return "top"
        outcome = self._unless_crossed()
        if outcome == "applied":
            self.confirmed_ms = max(self.confirmed_ms, clock_ms)
        return outcome

    def compare(self, row: BookRow) -> Verdict:
        """What REST shows beside a kept book, whose newest states are remembered."""
        digest = _digest_of(row)
        if self._digest == digest:
            return "present"
        if row.timestamp > self.changed_ms:
            return "newer"
        then = [known for changed_ms, known in self._states if changed_ms == row.timestamp]
        if not then:
            return "forgotten"
        return "past" if digest in then else "differs"

    def forget(self) -> None:
        """What it was is not to be built upon."""
        self.state = "unknown"
        self._early.clear()

    def top(self) -> tuple[str, str]:
        """Best bid and best ask; `0` and `1` where a side is empty, as the venue writes it."""
        bid = max(self._bids, key=float, default=EMPTY_BID)
        ask = min(self._asks, key=float, default=EMPTY_ASK)
        return bid, ask

    def levels(self) -> tuple[tuple[MessageLevel, ...], tuple[MessageLevel, ...]]:
        """Bids and asks, best first."""
        bids = sorted(self._bids.items(), key=_by_price, reverse=True)[:DEPTH]
        return tuple(bids), tuple(sorted(self._asks.items(), key=_by_price)[:DEPTH])

    def _take(self, row: BookRow) -> None:
        self._bids, self._asks = _sizes(row.bids), _sizes(row.asks)
        self._digest = _digest_of(row)
        self.changed_ms = row.timestamp
        self._states.clear()
        self._states.append((row.timestamp, self._digest))

    def _set(self, side: str, price: str, size: str) -> None:
        levels = self._bids if side == "BUY" else self._asks
        if (before := levels.pop(price, None)) is not None:
            self._digest ^= hash((side, price, before))
        if not _is_zero(size):
            levels[price] = size
            self._digest ^= hash((side, price, size))

    def _unless_crossed(self) -> Outcome:
        if self._is_uncrossed():
            return "applied"
        self.forget()
        return "crossed"

    def _is_uncrossed(self) -> bool:
        bid, ask = self.top()
        return float(bid) < float(ask)


def _sizes(levels: Iterable[Level]) -> dict[str, str]:
    return {level.price: level.size for level in levels if not _is_zero(level.size)}


def _digest_of(row: BookRow) -> int:
    digest = 0
    for side, levels in (("BUY", _sizes(row.bids)), ("SELL", _sizes(row.asks))):
        for price, size in levels.items():
            digest ^= hash((side, price, size))
    return digest


def _is_zero(size: str) -> bool:
    return size == "0"


def _by_price(level: tuple[str, str]) -> float:
    return float(level[0])
