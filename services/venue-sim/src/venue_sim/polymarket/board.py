"""What the venue shows at a moment: every market and its book as functions of time, so a restart shows the same.

The recorded windows follow one another without end: after the last comes the first again, as markets of their own with
ids derived from the recorded one and the number of the round. Nothing here looks past the moment asked for.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from trading_core.model import DAY_MS
from venue_sim.polymarket.sample import BookSample, Level, Window

LISTED_AHEAD_MS = DAY_MS
CLOSES_AFTER_MS = 16_000
"""Between the end of a window and the venue's report of its result."""
FIRST_NUMBER = 1_000_000
ASSET = "BTC"
NO_LEVELS: tuple[list[Level], list[Level]] = ([], [])


@dataclass(frozen=True)
class Market:
    """One market of one round. Token order is outcome order: Up, Down."""

    number: int
    window: Window
    condition_id: str
    up_token: str
    down_token: str
    start_ms: int

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.window.end_ms - self.window.start_ms

    @property
    def closed_ms(self) -> int:
        return self.end_ms + CLOSES_AFTER_MS

    @property
    def listed_ms(self) -> int:
        return self.start_ms - LISTED_AHEAD_MS

    @property
    def slug(self) -> str:
        return f"btc-updown-5m-{self.start_ms // 1000}"

    @property
    def tokens(self) -> tuple[str, str]:
        return self.up_token, self.down_token

    @property
    def winner(self) -> str:
        return self.up_token if self.window.up_won else self.down_token


@dataclass(frozen=True)
class Event:
    """Something that happens at one moment to one market: a `book` row, `listed` or `resolved`."""

    time_ms: int
    kind: str
    market: Market
    row: int = -1
    before: int = -1
    """The row of this market before `row`; -1 when there is none."""


class Board:
    """Markets and events from `first_ms`, where the first recorded window opens, up to `end_ms`."""

    def __init__(self, sample: BookSample, first_ms: int, end_ms: int) -> None:
        self._sample = sample
        self.first_ms = first_ms
        rounds = -(-(end_ms + LISTED_AHEAD_MS - first_ms) // sample.period_ms)
        self.markets = [self._market(number) for number in range(rounds * len(sample.windows))]
        self.by_token = {token: market for market in self.markets for token in market.tokens}
        self.by_condition = {market.condition_id: market for market in self.markets}
        self.by_slug = {market.slug: market for market in self.markets}
        self.withheld: dict[str, Market] = {}
        """Markets by condition id whose result is late: nobody is told of it yet."""
        self._without_bids: set[tuple[int, int]] = set()
        """(number of the market, row) that was shown one-sided."""

    def at(self, position: int) -> Event | None:
        """Event number `position`; None where a round has none, as a result before the first round."""
        turn, index = divmod(position, len(self._schedule))
        _, kind, window, place, rounds = self._schedule[index]
        number = (turn + rounds) * len(self._sample.windows) + window
        if not 0 <= number < len(self.markets):
            return None
        market, time_ms = self.markets[number], self.time_ms(position)
        if kind != "book":
            return Event(time_ms, kind, market)
        rows = market.window.rows
        return Event(time_ms, kind, market, int(rows[place]), int(rows[place - 1]) if place else -1)

    def time_ms(self, position: int) -> int:
        turn, index = divmod(position, len(self._schedule))
        return self.first_ms + turn * self._sample.period_ms + self._schedule[index][0]

    def position_from(self, time_ms: int) -> int:
        """The first event at `time_ms` or later."""
        turn, since_ms = divmod(time_ms - self.first_ms, self._sample.period_ms)
        times = [one[0] for one in self._schedule]
        return turn * len(times) + bisect_right(times, since_ms - 1)

    def listed(self, time_ms: int) -> list[Market]:
        """Every market that has been listed by then, oldest first."""
        return [market for market in self.markets if market.listed_ms <= time_ms]

    def row_at(self, market: Market, time_ms: int) -> int:
        """The newest book of `market` by then; -1 when there is none yet."""
        times = self._sample.times_ms[market.window.rows]
        place = int(np.searchsorted(times, time_ms - market.start_ms + market.window.start_ms, "right")) - 1
        return int(market.window.rows[place]) if place >= 0 else -1

    def is_closed(self, market: Market, time_ms: int) -> bool:
        """Whether its result is reported."""
        return time_ms >= market.closed_ms and market.condition_id not in self.withheld

    def take_bids(self, market: Market, row: int) -> None:
        """From `row` to the next one nobody bids for the Up token."""
        self._without_bids.add((market.number, row))

    def levels(self, market: Market, row: int) -> tuple[list[Level], list[Level]]:
        """Bids and asks of the Up token after `row`, best first."""
        if row < 0:
            return NO_LEVELS
        bids, asks = self._sample.levels(row)
        return ([], asks) if (market.number, row) in self._without_bids else (bids, asks)

    def tick(self, market: Market, row: int) -> str:
        fine = market.window.fine_from
        return "0.001" if fine is not None and row >= fine else "0.01"

    def changed_ms(self, market: Market, row: int) -> int:
        """When the book was changed to `row`; when it was listed before the first one."""
        if row < 0:
            return market.listed_ms
        return market.start_ms + int(self._sample.times_ms[row]) - market.window.start_ms

    @cached_property
    def _schedule(self) -> list[tuple[int, str, int, int, int]]:
        """One round: (ms since its start, kind, window, place of the row, rounds by which the market is later).

        What lies past the end of the round belongs to the start of one that follows, for a market of one before.
        """
        found = []
        for number, window in enumerate(self._sample.windows):
            opens = window.start_ms - self._sample.first_ms
            moments = [(opens - LISTED_AHEAD_MS, "listed", -1)]
            moments += [
                (int(time) - self._sample.first_ms, "book", place)
                for place, time in enumerate(self._sample.times_ms[window.rows])
            ]
            moments += [(window.end_ms - self._sample.first_ms + CLOSES_AFTER_MS, "resolved", -1)]
            for since_ms, kind, place in moments:
                turn, within_ms = divmod(since_ms, self._sample.period_ms)
                found.append((within_ms, kind, number, place, -turn))
        return sorted(found)

    def _market(self, number: int) -> Market:
        turn, place = divmod(number, len(self._sample.windows))
        window = self._sample.windows[place]
        digests = [
            hashlib.sha256(f"{window.condition_id}:{turn}:{part}".encode()).hexdigest()
            for part in ("market", "Up", "Down")
        ]
        return Market(
            number=FIRST_NUMBER + number,
            window=window,
            condition_id="0x" + digests[0],
            up_token=str(int(digests[1], 16)),
            down_token=str(int(digests[2], 16)),
            start_ms=self.first_ms + turn * self._sample.period_ms + window.start_ms - self._sample.first_ms,
        )
