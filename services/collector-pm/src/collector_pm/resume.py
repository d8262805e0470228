"""Where the last start of the collector stopped, read from the stream itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from collector_pm.listing import Listing
from collector_pm.outgoing import EXCHANGE
from trading_core.bus.connection import Bus
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.collect.position import last_watermark_ms
from trading_core.messages import AnyMessage, BookMessage, ProbMessage, ResolvedMessage, decode
from trading_core.streams import BOOK, MARKET, StreamSpec, book_subjects, by_market_subjects, watermark_subject

LOOK_BACK_NS = 26 * 3600 * 1_000_000_000
"""How far before the stop, in ingest time, markets are looked for whose result is missing: a day's and its wait."""
BOOKS_BACK_NS = 60 * 1_000_000_000
"""The same for the newest change of a book. When there is none, a hole that lasted was told up to the watermark."""


@dataclass
class Resume:
    """Empty (`watermark_ms` None) on a first start."""

    watermark_ms: int | None = None
    unresolved: list[ProbMessage] = field(default_factory=list)
    """The newest word of every market that has no result yet."""
    changed_ms: dict[str, int] = field(default_factory=dict)
    """Asset → the newest change of any of its books that the socket had told."""


async def read(bus: Bus) -> Resume:
    resume = Resume(await last_watermark_ms(bus, EXCHANGE))
    mark = await bus.last(MARKET, watermark_subject(MARKET, EXCHANGE))
    if mark is None:
        return resume
    newest: dict[str, ProbMessage] = {}
    async for message in _since(bus, MARKET, by_market_subjects(EXCHANGE), mark.ingest_time_ns - LOOK_BACK_NS):
        if isinstance(message, ProbMessage):
            newest[message.market] = message
        elif isinstance(message, ResolvedMessage):
            newest.pop(message.market, None)
    resume.unresolved = list(newest.values())
    async for message in _since(bus, BOOK, [book_subjects(EXCHANGE)], mark.ingest_time_ns - BOOKS_BACK_NS):
        if isinstance(message, BookMessage) and is_change(message):
            resume.changed_ms[message.asset] = max(message.book_time_ms, resume.changed_ms.get(message.asset, 0))
    return resume


def is_change(message: BookMessage) -> bool:
    """Told by the socket at the time of the change; what REST showed, or what stands, has the time of that look."""
    return message.event_time_ms == message.book_time_ms


async def _since(bus: Bus, stream: StreamSpec, subjects: Sequence[str], time_ns: int) -> AsyncIterator[AnyMessage]:
    """Everything from an ingest time on to the end of the stream."""
    pull = OrderedPull(bus, stream, subjects, Start.from_time(time_ns))
    batches = pull.batches()
    try:
        async for batch in batches:
            for delivered in batch:
                yield decode(delivered.data)
            if pull.caught_up:
                return
    finally:
        await batches.aclose()


def listing_of(message: ProbMessage) -> Listing:
    """As much of a market's terms as its result needs."""
    return Listing(
        market=message.market, slug=message.slug, title=message.title, start_ms=message.start_time_ms,
        end_ms=message.end_time_ms, yes_token=message.yes_token, no_token=message.no_token, closed=False,
        yes_payout=None, bid=None, ask=None, last=message.last, volume_24h=None, liquidity=None,
        tick_size=message.tick_size, min_size=message.min_size, fee_rate=message.fee_rate,
        fee_exponent=message.fee_exponent,
    )  # fmt: skip
