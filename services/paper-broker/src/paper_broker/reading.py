"""MARKET and BOOK into the sequencer, and from where a restarted broker must read them again."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Container

from trading_core.bus import market
from trading_core.bus.connection import Bus
from trading_core.messages import WatermarkMessage
from trading_core.sequence.sequencer import Resume, Sequencer
from trading_core.streams import MARKET, StreamSpec, broker_filters

HELD_BACK_AT_MOST = 200_000


class Reading:
    """Feeds the sequencer and remembers when watermarks entered each stream."""

    def __init__(
        self,
        bus: Bus,
        sequencer: Sequencer,
        books: Container[str],
        read_from_ns: dict[str, int],
        arrived: asyncio.Event,
    ) -> None:
        """books: exchanges of which the recorded books of coins are read."""
        self._bus = bus
        self._sequencer = sequencer
        self._books = books
        self._arrived = arrived
        self._caught_up = asyncio.Event()
        self._seen: dict[tuple[str, str], deque[tuple[int, int]]] = {}
        self._from_ns = dict(read_from_ns)

    async def read(self, stream: StreamSpec) -> None:
        """Never ends. Holds back while the sequencer has much to do and could do it."""
        filters = broker_filters(self._sequencer.exchanges, self._books)
        subjects = filters.market if stream is MARKET else filters.book
        start = market.start_from(self._from_ns.get(stream.name))
        async for batch in market.arrivals(self._bus, stream, subjects, start):
            for message, ingest_ns in batch:
                if isinstance(message, WatermarkMessage):
                    seen = self._seen.setdefault((stream.name, message.exchange), deque())
                    seen.append((message.watermark_ms, ingest_ns))
                self._sequencer.add_market(stream.name, message)
            if batch:
                self._arrived.set()
            if self._sequencer.timeline.pending() > HELD_BACK_AT_MOST and not self._sequencer.blockers():
                self._caught_up.clear()
                await self._caught_up.wait()

    def caught_up(self) -> None:
        """Nothing more can be applied now: reading goes on."""
        self._caught_up.set()

    def read_from_ns(self, resume: Resume) -> dict[str, int]:
        """Per stream when the newest watermark that is wholly applied came in; of several exchanges the oldest."""
        found: dict[str, list[int]] = {}
        for (stream, exchange), seen in self._seen.items():
            applied_ms = min(resume.start_ms, resume.applied_ms.get(exchange, resume.start_ms))
            while len(seen) > 1 and seen[1][0] <= applied_ms:
                seen.popleft()
            if seen and seen[0][0] <= applied_ms:
                found.setdefault(stream, []).append(seen[0][1])
        for stream, times in found.items():
            if len(times) == len(self._sequencer.exchanges):
                self._from_ns[stream] = min(times)
        return dict(self._from_ns)
