"""Over REST: the first 24 hours, the candles of gaps, the polls. Keeps asking until the venue answers."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence

import structlog

from collector_hl import parse
from collector_hl.candles import REMEMBERED
from collector_hl.feed import Feed
from collector_hl.paging import paged
from collector_hl.parse import CandleRow, FundingRow, Reject
from collector_hl.rest import Rest
from trading_core.collect.patience import until_answered, wall_ms
from trading_core.collect.stamp import full_minute
from trading_core.config import HyperliquidConfig
from trading_core.errors import ConfigError, VenueMessageInvalid, VenueUnavailable
from trading_core.model import HOUR_MS, MINUTE_MS

FUNDING_BACK_MS = 48 * HOUR_MS
GAP_EVERY_S = 0.2
GAP_RETRY_S = 1.0
GAP_TRIES = 5
"""Answers without a candle after which it is lost."""
RECHECK_SETTLED_MS = MINUTE_MS
"""Venue time after which history is believed more than what the socket said of a candle."""
RECHECK_BACK_MS = 10 * MINUTE_MS
"""How much of what was looked at before is looked at again: corrections come late."""
EAGER_TRIES = 5
"""Polls that ask for a funding row; then every tenth, since the venue may never have it."""
log = structlog.get_logger()


async def check_assets(rest: Rest, assets: Sequence[str]) -> None:
    """ConfigError naming the assets that the venue does not trade: one of them would cut the whole socket."""

    async def ask() -> set[str]:
        return parse.listed(await rest.meta())

    unknown = sorted(set(assets) - await until_answered("meta", ask))
    if unknown:
        raise ConfigError(
            f"assets: {', '.join(unknown)} not traded on hyperliquid. Fix `assets` in config.yaml or TRADING_ASSETS."
        )


class History:
    def __init__(self, rest: Rest, feed: Feed, config: HyperliquidConfig, funding_hour_ms: dict[str, int]) -> None:
        self._rest = rest
        self._feed = feed
        self._config = config
        self._funding_hour_ms = dict(funding_hour_ms)
        self._funding_tries: dict[str, int] = {}

    async def first(self) -> None:
        """Candles and funding before the live flow of a first start, put out before anything is decided."""
        found: dict[str, list[CandleRow]] = {}
        for asset, progress in self._feed.stamp.progress.items():
            closed_ms = progress.closed_ms
            start_ms = closed_ms - self._config.backfill_hours * HOUR_MS
            if start_ms < closed_ms:
                found[asset] = await self._candles(asset, start_ms, closed_ms - MINUTE_MS)
        self._feed.candles.start_history(found, wall_ms())
        for asset in self._feed.stamp.progress:
            await until_answered(f"funding of {asset}", functools.partial(self._funding, asset, self._started_ms()))
        log.info("history_read", candles={asset: len(rows) for asset, rows in found.items()})

    def _started_ms(self) -> int:
        return max(progress.closed_ms for progress in self._feed.stamp.progress.values())

    async def fill_gaps(self) -> None:
        """Until cancelled: asks for the candles of open gaps."""
        candles = self._feed.candles
        while True:
            await candles.gap_opened.wait()
            incomplete = False
            for asset, gap in list(candles.gaps.items()):
                if asset in self._feed.refusals.unlisted:
                    continue  # until the venue lists it again
                missing = candles.missing(asset, self._feed.clock.now_ms(wall_ms()))
                rows = await self._candles(asset, missing[0] - MINUTE_MS, missing[-1] - MINUTE_MS) if missing else []
                if asset in candles.gaps:
                    candles.backfilled(asset, missing, rows, gap.tries + 1 >= GAP_TRIES, wall_ms())
                incomplete = incomplete or gap.tries > 0
            if not candles.gaps:
                candles.gap_opened.clear()
            await asyncio.sleep(GAP_RETRY_S if incomplete else GAP_EVERY_S)

    async def ask_why(self) -> list[str]:
        """Names the subscriptions that are left out from now on, after the venue cut a socket for one twice."""
        try:
            listed = parse.listed(await self._rest.meta())
        except (VenueUnavailable, VenueMessageInvalid) as error:
            log.warning("venue_unanswered", what="meta", error=str(error))
            return []
        return self._feed.refusals.leave_out(self._feed.assets, listed)

    async def recheck(self) -> None:
        """Until cancelled: reads the last closed candles again; those that differ are published as revisions."""
        checked_ms: dict[str, int] = {}
        while True:
            await asyncio.sleep(self._config.recheck_s)
            watermark_ms = self._feed.stamp.watermark_ms
            if watermark_ms is None:
                continue
            end_ms = full_minute(watermark_ms - RECHECK_SETTLED_MS) - MINUTE_MS
            for asset in self._feed.assets:
                start_ms = max(checked_ms.get(asset, end_ms) - RECHECK_BACK_MS, end_ms - REMEMBERED * MINUTE_MS)
                for row in await self._candles(asset, start_ms, end_ms):
                    if row.s == asset and row.t <= end_ms:
                        self._feed.candles.correct(row, wall_ms(), from_history=True)
                checked_ms[asset] = end_ms

    async def poll(self) -> None:
        """Until cancelled: contexts once per slot of venue time, funding rows as hours pass."""
        while True:
            await self._feed.poll_due.wait()
            self._feed.poll_due.clear()
            slot_ms = self._feed.poll_slot_ms
            try:
                contexts, rejects = parse.contexts(await self._rest.contexts(), set(self._feed.assets))
                self._kept(rejects)
                self._feed.on_poll(contexts, slot_ms, wall_ms())
                for asset in self._feed.assets:
                    await self._funding(asset, slot_ms)
                if self._feed.refusals.unlisted:
                    self._feed.relist(parse.listed(await self._rest.meta()))
            except VenueUnavailable as error:
                log.warning("poll_failed", error=str(error))
            except VenueMessageInvalid as error:
                self._feed.reject(f"poll: {error}", error.payload, wall_ms())

    async def _funding(self, asset: str, now_ms: int) -> None:
        """Asks while the row of the last full hour is not there."""
        due_ms = now_ms // HOUR_MS * HOUR_MS
        known_ms = self._funding_hour_ms.get(asset)
        if known_ms is not None and known_ms >= due_ms:
            self._funding_tries[asset] = 0
            return
        tries = self._funding_tries[asset] = self._funding_tries.get(asset, 0) + 1
        if tries > EAGER_TRIES and tries % 10:
            return
        start_ms = now_ms - FUNDING_BACK_MS if known_ms is None else known_ms + HOUR_MS

        async def page(from_ms: int) -> list[FundingRow]:
            rows, rejects = parse.funding(await self._rest.funding(asset, from_ms, now_ms + HOUR_MS))
            self._kept(rejects)
            return rows

        rows = await paged(page, lambda row: row.time, start_ms)
        self._feed.on_funding([row for row in rows if row.coin == asset], wall_ms())
        if rows:
            self._funding_hour_ms[asset] = rows[-1].time // HOUR_MS * HOUR_MS
        if self._funding_hour_ms.get(asset, 0) >= due_ms:
            self._funding_tries[asset] = 0

    async def _candles(self, asset: str, start_ms: int, end_ms: int) -> list[CandleRow]:
        async def page(from_ms: int) -> list[CandleRow]:
            async def ask() -> tuple[list[CandleRow], list[Reject]]:
                return parse.candles(await self._rest.candles(asset, from_ms, end_ms))

            rows, rejects = await until_answered(f"candles of {asset}", ask)
            self._kept(rejects)
            return rows

        return await paged(page, lambda row: row.t, start_ms)

    def _kept(self, rejects: list[Reject]) -> None:
        for reject in rejects:
            self._feed.reject(reject.reason, reject.payload, wall_ms())
