"""Which markets are followed and over which socket; bounded whatever the venue lists. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from collector_pm.book import KeptBook
from collector_pm.listing import Listing
from collector_pm.parse import BookRow
from trading_core.model import DAY_MS

ENDED_AFTER_MS = 60_000
"""After the end of its window a market has no book worth a subscription."""
GIVEN_UP_AFTER_MS = 7 * DAY_MS
"""A disputed result takes up to six days."""
REMEMBERED = 2_000


@dataclass(frozen=True)
class Shown:
    """A book that REST showed when it was asked at `asked_ms`; from `due_ms` on the kept book must have it."""

    row: BookRow
    asked_ms: int
    due_ms: int


@dataclass
class Followed:
    """One market: its terms, its book as far as it is known, and what was last said of it."""

    asset: str
    listing: Listing
    line: int
    """Number of the socket that carries its token."""
    book: KeptBook = field(default_factory=KeptBook)
    ended: bool = False
    """Its window is over: no subscription, only the result is waited for."""
    result: tuple[int, str] | None = None
    """Venue time and payout of a result that was told of a time which not every socket has reached."""
    tick_size: str | None = None
    last: str | None = None
    published_ms: int = 0
    """Venue time of the newest snapshot in the stream."""
    dirty: bool = False
    asked_s: float | None = None
    """Monotonic second at which a whole book was asked for that has not come yet."""
    lost_ms: int | None = None
    """Venue time from which on its states are owed and not known; it may lie ahead. None while the book is kept."""
    check: Shown | None = None
    """What REST showed that the socket has not told yet."""


class Roster:
    """Every followed market by its condition id and by the token that is subscribed for it."""

    def __init__(self, tokens_per_socket: int) -> None:
        self._limit = tokens_per_socket
        self._by_market: dict[str, Followed] = {}
        self._by_token: dict[str, Followed] = {}
        self._done: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._by_market)

    def __iter__(self) -> Iterator[Followed]:
        return iter(list(self._by_market.values()))

    def of_market(self, market: str) -> Followed | None:
        return self._by_market.get(market)

    def of_token(self, token: str) -> Followed | None:
        return self._by_token.get(token)

    def open(self) -> list[Followed]:
        return [one for one in self._by_market.values() if not one.ended]

    def ended(self) -> list[Followed]:
        return [one for one in self._by_market.values() if one.ended]

    def slugs(self) -> set[str]:
        return {one.listing.slug for one in self._by_market.values()}

    def add(self, asset: str, listing: Listing, *, ended: bool = False) -> Followed | None:
        """None when it is followed already, or has been."""
        if listing.market in self._by_market or listing.market in self._done:
            return None
        one = Followed(asset, listing, self._line_with_room(), ended=ended)
        one.tick_size, one.last = listing.tick_size, listing.last
        self._by_market[listing.market] = one
        if not ended:
            self._by_token[listing.yes_token] = one
        return one

    def end(self, one: Followed) -> None:
        """No longer subscribed; the result is still to come."""
        one.ended, one.dirty, one.check, one.lost_ms = True, False, None, None
        self._by_token.pop(one.listing.yes_token, None)

    def remove(self, one: Followed) -> None:
        self.end(one)
        self._by_market.pop(one.listing.market, None)
        self._done[one.listing.market] = None
        if len(self._done) > REMEMBERED:
            del self._done[next(iter(self._done))]

    def lines(self) -> dict[int, set[str]]:
        """Tokens by socket; the first one stays open though it carries nothing."""
        lines: dict[int, set[str]] = {0: set()}
        for token, one in self._by_token.items():
            lines.setdefault(one.line, set()).add(token)
        return lines

    def on_line(self, line: int) -> list[Followed]:
        return [one for one in self._by_token.values() if one.line == line]

    def _line_with_room(self) -> int:
        lines = self.lines()
        line = 0
        while len(lines.get(line, ())) >= self._limit:
            line += 1
        return line
