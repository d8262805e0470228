"""What is known before the first grid point of a span: both replays begin with it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trading_core.broker import book as books
from trading_core.broker.book import Book, new_book
from trading_core.broker.inputs import Place, Rank
from trading_core.broker.rules import RuleBook
from trading_core.messages import MarketData, SignalMessage
from trading_core.model import MINUTE_MS
from trading_core.sequence.on_time import Stage
from trading_core.sequence.sequencer import Resume


@dataclass(frozen=True)
class Start:
    """`book`: as `books.dump` wrote it, None for a new portfolio.

    `history`: what the market states know, in order of application. `newest`: each strategy's last evaluation per
    asset, since one that failed stays failed.
    """

    resume: Resume
    book: bytes | None = None
    history: Sequence[MarketData] = ()
    newest: Sequence[SignalMessage] = ()

    @property
    def market_after_ms(self) -> int:
        """Market messages visible up to here are applied already."""
        return min(self.resume.applied_ms.values(), default=self.resume.start_ms)

    def open_book(self, rules: RuleBook) -> Book:
        """The portfolio as it stood; every call gives a new one."""
        return new_book(rules) if self.book is None else books.load(self.book)

    def exchanges(self, in_use: Sequence[str]) -> list[str]:
        """Those `in_use` and those of open positions: whose messages the broker waited for."""
        held = () if self.book is None else books.load(self.book).positions.values()
        return sorted({*in_use, *(position.exchange for position in held)})

    def tell(self, stage: Stage) -> None:
        """Lets the shards of `stage` know what they knew."""
        for message in self.history:
            stage.remember(message)
        for shard in stage.shards:
            for signal in self.newest:
                if signal.asset == shard.asset:
                    shard.stays_failed(signal)


def fresh(first_ms: int) -> Start:
    """A portfolio that begins with grid point `first_ms`."""
    before = first_ms - MINUTE_MS
    return Start(Resume(before, Place(before, Rank.EQUITY, ""), {}))
