"""`python -m collector_hl --backfill DAYS`: history that the venue still has, into the stream and so into Postgres.

What is published carries `backfilled` and is visible from now on, never earlier: no strategy acts on it afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from collector_hl import outgoing, parse
from collector_hl.history import check_assets
from collector_hl.outgoing import CANDLES, EXCHANGE
from collector_hl.paging import paged
from collector_hl.parse import CandleRow, FundingRow
from collector_hl.rest import CANDLES_KEPT, Rest, limiter
from trading_core.backtest.figures import minute
from trading_core.bus.connection import Bus, reach
from trading_core.bus.publisher import WindowPublisher
from trading_core.collect.patience import until_answered, wall_ms
from trading_core.collect.position import last_watermark_ms, read_back
from trading_core.collect.reach import Reach
from trading_core.collect.stamp import Stamp, full_minute
from trading_core.config import NatsConfig, Settings, load
from trading_core.messages import CandleMessage, FundingMessage, decode
from trading_core.model import DAY_MS, MINUTE_MS
from trading_core.runtime import Health
from trading_core.streams import MARKET, market_kind, market_subject
from trading_core.supervise.attach import environment, newest, running

SETTLED_MS = 60_000


def run(days: int) -> int:
    """Exit code 0; ConfigError for what a person must change."""
    with _platform():
        for line in asyncio.run(_fill(load(), days, Console(stderr=True, soft_wrap=True, highlight=False))):
            print(line)
    return 0


def _platform() -> AbstractContextManager[None]:
    """Leads the settings to the platform that runs from this folder, if one does and nobody named another NATS."""
    folder = newest(Path(".run"))
    if folder is None or not folder.environment.exists() or load().nats != NatsConfig():
        return nullcontext()
    return environment(running(folder))


async def _fill(settings: Settings, days: int, console: Console) -> list[str]:
    config = settings.exchanges.hyperliquid
    bus = await reach(settings.nats.url, name="collector-hl/backfill")
    publisher = WindowPublisher(bus)
    try:
        async with Rest(config.base_url, limiter(config), Reach(Health())) as rest:
            await check_assets(rest, settings.assets)
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
                task = bar.add_task("assets", total=len(settings.assets))
                said: list[str] = []
                for asset in settings.assets:
                    bar.update(task, description=f"{asset}: asking the venue")
                    said.append(await Backfill(bus, publisher, rest, asset).fill(days))
                    bar.advance(task)
        await publisher.barrier()
        return said
    finally:
        await publisher.close()
        await bus.close()


class Backfill:
    """One asset's history, as far as it is not in the stream yet."""

    def __init__(self, bus: Bus, publisher: WindowPublisher, rest: Rest, asset: str) -> None:
        self._bus = bus
        self._publisher = publisher
        self._rest = rest
        self._asset = asset

    async def fill(self, days: int) -> str:
        """What was found and what of it was new, in one line."""
        watermark_ms = await last_watermark_ms(self._bus, EXCHANGE)
        stamp = Stamp(0, 0, watermark_ms)
        # What a running collector has still to say is not said before it.
        now_ms = await self._venue_time_ms()
        end_ms = full_minute(min(now_ms - SETTLED_MS, now_ms if watermark_ms is None else watermark_ms))
        start_ms = end_ms - days * DAY_MS
        candles = [row for row in await self._candles(start_ms, end_ms) if row.close_ms <= end_ms]
        rates = [row for row in await self._rates(start_ms, end_ms) if row.time <= end_ms]
        known = await self._known()
        messages: list[CandleMessage | FundingMessage] = [
            outgoing.candle(row, stamp.visible(row.close_ms), wall_ms(), backfilled=True) for row in candles
        ]
        messages += [outgoing.funding(row, stamp.visible(row.time), wall_ms()) for row in rates]
        new = [message for message in messages if message.id not in known]
        for message in new:
            await self._publisher.send(market_subject(message), message)
        return self._said(candles, rates, len(new), start_ms)

    def _said(self, candles: Sequence[CandleRow], rates: Sequence[FundingRow], new: int, start_ms: int) -> str:
        spans = []
        if candles:
            spans.append(f"{len(candles):,} candles, {minute(candles[0].t)} to {minute(candles[-1].close_ms)} UTC")
        if rates:
            spans.append(f"{len(rates):,} funding rates from {minute(rates[0].time)} UTC on")
        said = f"{self._asset}: {'; '.join(spans) or 'the venue has nothing'}; {new:,} of them new"
        is_short = not candles or candles[0].t > start_ms
        return f"{said}. The venue keeps the newest {CANDLES_KEPT:,} candles only." if is_short else f"{said}."

    async def _venue_time_ms(self) -> int:
        async def ask() -> int:
            return parse.venue_time_ms(await self._rest.status())

        return await until_answered("exchangeStatus", ask)

    async def _candles(self, start_ms: int, end_ms: int) -> list[CandleRow]:
        async def page(from_ms: int) -> list[CandleRow]:
            async def ask() -> list[CandleRow]:
                rows, _ = parse.candles(await self._rest.candles(self._asset, from_ms, end_ms - MINUTE_MS))
                return [row for row in rows if row.s == self._asset and row.t >= start_ms]

            return await until_answered(f"candles of {self._asset}", ask)

        return await paged(page, lambda row: row.t, start_ms)

    async def _rates(self, start_ms: int, end_ms: int) -> list[FundingRow]:
        async def page(from_ms: int) -> list[FundingRow]:
            async def ask() -> list[FundingRow]:
                rows, _ = parse.funding(await self._rest.funding(self._asset, from_ms, end_ms))
                return [row for row in rows if row.coin == self._asset]

            return await until_answered(f"funding of {self._asset}", ask)

        return await paged(page, lambda row: row.time, start_ms)

    async def _known(self) -> set[str]:
        """Ids of the candles and rates that the stream still has: saying them again would say nothing."""
        subjects = [market_kind(EXCHANGE, self._asset, kind) for kind in (CANDLES, "funding")]
        return {decode(delivered.data).id for delivered in await read_back(self._bus, MARKET, subjects)}
