"""What is known of the prediction markets of one asset, and how a strategy sees one of them.

Probabilities are those of the YES/Up token, in Decimal. Asking for an input that is not there raises `MissingInput`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from trading_core.config import SnapshotConfig
from trading_core.market.missing import MissingInput
from trading_core.messages import BookMessage, ProbMessage, ResolvedMessage


class PredictionMarket:
    """The newest book and the newest poll of one market; of two with equal event times the one applied last."""

    __slots__ = ("book", "poll", "resolved")

    def __init__(self) -> None:
        self.book: BookMessage | None = None
        self.poll: ProbMessage | None = None
        self.resolved = False


class PredictionMarkets:
    """Every market of one asset that has not ended. Changed by `MarketState` only."""

    __slots__ = ("_markets",)

    def __init__(self) -> None:
        self._markets: dict[str, PredictionMarket] = {}

    def apply_poll(self, message: ProbMessage) -> None:
        held = self._of(message.market)
        if held.poll is None or message.event_time_ms >= held.poll.event_time_ms:
            held.poll = message
        self._forget_ended(message.event_time_ms)

    def apply_book(self, message: BookMessage) -> None:
        held = self._of(message.market)
        if held.book is None or message.event_time_ms >= held.book.event_time_ms:
            held.book = message

    def apply_result(self, message: ResolvedMessage) -> None:
        self._of(message.market).resolved = True

    def get(self, market: str) -> PredictionMarket | None:
        return self._markets.get(market)

    def nearest(self, ts: int, min_time_left_s: float) -> str | None:
        """Of the open markets with that much time left the one that ends first; of several the bytewise first id."""
        at_least_ms = ts + min_time_left_s * 1000
        open_ends = (
            (held.poll.end_time_ms, market)
            for market, held in self._markets.items()
            if held.poll is not None and not held.resolved and held.poll.end_time_ms >= at_least_ms
        )
        return min(open_ends, default=(0, None))[1]

    def _of(self, market: str) -> PredictionMarket:
        held = self._markets.get(market)
        if held is None:
            held = self._markets[market] = PredictionMarket()
        return held

    def _forget_ended(self, time_ms: int) -> None:
        """A market that had ended by the time of something applied can be the nearest one no more."""
        ended = [
            market
            for market, held in self._markets.items()
            if (held.poll is not None and held.poll.end_time_ms < time_ms) or (held.poll is None and held.resolved)
        ]
        for market in ended:
            del self._markets[market]


class PredictionSnapshot:
    """One market as known at `ts`. Its book is usable for `max_book_age_s`, its figures for `stats_max_age_s`."""

    __slots__ = ("_held", "_limits", "_poll", "market", "ts")

    def __init__(self, market: str, held: PredictionMarket, ts: int, limits: SnapshotConfig) -> None:
        assert held.poll is not None, "a market is known by a poll"
        self.market = market
        self.ts = ts
        self._held = held
        self._poll = held.poll
        self._limits = limits

    @property
    def title(self) -> str:
        return self._poll.title

    @property
    def end_time_ms(self) -> int:
        return self._poll.end_time_ms

    @property
    def time_left_s(self) -> float:
        return (self._poll.end_time_ms - self.ts) / 1000

    @property
    def book_age_ms(self) -> int:
        """T minus the time at which the book was last known to stand; PASS `stale_book` when there is none."""
        book, poll = self._held.book, self._poll
        if book is None:
            raise MissingInput("stale_book")
        known_ms = book.event_time_ms
        # A poll that found the same best prices says that the book still stood.
        if (poll.bid, poll.ask) == (_best(book.bids), _best(book.asks)):
            known_ms = max(known_ms, poll.event_time_ms)
        return self.ts - known_ms

    @property
    def stats_age_ms(self) -> int:
        """T minus the time of the poll that volume and liquidity are from."""
        return self.ts - self._poll.event_time_ms

    def best_bid(self) -> Decimal:
        """PASS `stale_book`, then `one_sided`."""
        return self._top()[0]

    def best_ask(self) -> Decimal:
        """PASS `stale_book`, then `one_sided`."""
        return self._top()[1]

    def probability(self) -> Decimal:
        """(best bid + best ask) / 2, exact; PASS `stale_book`, then `one_sided`."""
        bid, ask = self._top()
        return (bid + ask) / 2

    def spread(self) -> Decimal:
        """Best ask − best bid; PASS `stale_book`, then `one_sided`."""
        bid, ask = self._top()
        return ask - bid

    def last(self) -> Decimal | None:
        """The last trade as of the newest poll; None when the venue names none."""
        return None if self._poll.last is None else Decimal(self._poll.last)

    def volume_24h(self) -> Decimal:
        """USD; PASS `no_volume` when it is unknown or older than `stats_max_age_s`."""
        return self._figure(self._poll.volume_24h)

    def liquidity(self) -> Decimal:
        """USD; PASS `no_volume` when it is unknown or older than `stats_max_age_s`."""
        return self._figure(self._poll.liquidity)

    def seen(self) -> dict[str, Any]:
        """Ids and times of what stands behind these numbers, as JSON values."""
        book = self._held.book
        return {
            "market": self.market,
            "end_ms": self.end_time_ms,
            "book_id": "" if book is None else book.id,
            "book_ms": -1 if book is None else book.event_time_ms,
            "poll_id": self._poll.id,
            "poll_ms": self._poll.event_time_ms,
        }

    def _top(self) -> tuple[Decimal, Decimal]:
        if self.book_age_ms > self._limits.max_book_age_s * 1000:
            raise MissingInput("stale_book")
        assert self._held.book is not None, "it has an age"
        bid, ask = _best(self._held.book.bids), _best(self._held.book.asks)
        if bid is None or ask is None:
            raise MissingInput("one_sided")
        return Decimal(bid), Decimal(ask)

    def _figure(self, text: str | None) -> Decimal:
        if text is None or self.stats_age_ms >= self._limits.stats_max_age_s * 1000:
            raise MissingInput("no_volume")
        return Decimal(text)


def _best(levels: tuple[tuple[str, str], ...]) -> str | None:
    return levels[0][0] if levels else None
