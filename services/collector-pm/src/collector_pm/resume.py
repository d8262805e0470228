"""Where the last start of the collector stopped, read from the stream itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from collector_pm.listing import Listing
from collector_pm.outgoing import EXCHANGE
from trading_core.bus.connection import Bus
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.collect.position import last_watermark_ms
from trading_core.messages import ProbMessage, ResolvedMessage, decode
from trading_core.streams import MARKET, by_market_subjects, watermark_subject

LOOK_BACK_NS = 26 * 3600 * 1_000_000_000
"""How far before the stop, in ingest time, markets are looked for whose result is missing: a day's and its wait."""


@dataclass
class Resume:
    """Empty (`watermark_ms` None) on a first start."""

    watermark_ms: int | None = None
    unresolved: list[ProbMessage] = field(default_factory=list)
    """The newest word of every market that has no result yet."""


async def read(bus: Bus) -> Resume:
    resume = Resume(await last_watermark_ms(bus, EXCHANGE))
    mark = await bus.last(MARKET, watermark_subject(MARKET, EXCHANGE))
    if mark is None:
        return resume
    newest: dict[str, ProbMessage] = {}
    start = Start.from_time(mark.ingest_time_ns - LOOK_BACK_NS)
    pull = OrderedPull(bus, MARKET, by_market_subjects(EXCHANGE), start)
    batches = pull.batches()
    try:
        async for batch in batches:
            for delivered in batch:
                message = decode(delivered.data)
                if isinstance(message, ProbMessage):
                    newest[message.market] = message
                elif isinstance(message, ResolvedMessage):
                    newest.pop(message.market, None)
            if pull.caught_up or not batch:
                break
    finally:
        await batches.aclose()
    resume.unresolved = list(newest.values())
    return resume


def listing_of(message: ProbMessage) -> Listing:
    """As much of a market's terms as its result needs."""
    return Listing(
        market=message.market, slug=message.slug, title=message.title, start_ms=message.start_time_ms,
        end_ms=message.end_time_ms, yes_token=message.yes_token, no_token=message.no_token, closed=False,
        yes_payout=None, bid=None, ask=None, last=message.last, volume_24h=None, liquidity=None,
        tick_size=message.tick_size, min_size=message.min_size, fee_rate=message.fee_rate,
        fee_exponent=message.fee_exponent,
    )  # fmt: skip
