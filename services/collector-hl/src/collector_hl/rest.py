"""The venue's `POST /info`: bytes out, bytes in, within its limits. No field of a message is touched."""

from __future__ import annotations

import math
from types import TracebackType

import httpx

from trading_core.collect.limit import Limiter
from trading_core.collect.reach import Reach, reason
from trading_core.config import HyperliquidConfig
from trading_core.errors import VenueMessageInvalid, VenueUnavailable
from trading_core.model import HOUR_MS, MINUTE_MS

TIMEOUT_S, CONNECT_S = 10.0, 5.0
SETTING = "exchanges.hyperliquid.base_url"
PAGE_ROWS = 500
"""A time range is answered with at most so many rows; of candles more may come at once."""
CANDLES_KEPT = 5_000
"""Older candles of an interval do not exist."""
STATUS_WEIGHT, WEIGHT = 2, 20
"""What a request costs of the venue's weight per minute: the status, and all others that we ask."""
CANDLES_PER_WEIGHT, RATES_PER_WEIGHT = 60, 20
"""Of so many rows of the answer one weight more."""


class Rest:
    def __init__(self, base_url: str, limiter: Limiter, reach: Reach) -> None:
        self._client = httpx.AsyncClient(base_url=base_url, timeout=httpx.Timeout(TIMEOUT_S, connect=CONNECT_S))
        self._base_url = base_url
        self._limiter = limiter
        self._reach = reach

    async def __aenter__(self) -> Rest:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def meta(self) -> bytes:
        return await self._ask({"type": "meta"}, WEIGHT)

    async def status(self) -> bytes:
        return await self._ask({"type": "exchangeStatus"}, STATUS_WEIGHT)

    async def contexts(self) -> bytes:
        return await self._ask({"type": "metaAndAssetCtxs"}, WEIGHT)

    async def candles(self, coin: str, start_ms: int, end_ms: int) -> bytes:
        """1m buckets that open in [start, end]; the last one may still be open."""
        wanted = {"coin": coin, "interval": "1m", "startTime": start_ms, "endTime": end_ms}
        rows = min(CANDLES_KEPT, (end_ms - start_ms) // MINUTE_MS + 1)
        return await self._ask({"type": "candleSnapshot", "req": wanted}, WEIGHT + math.ceil(rows / CANDLES_PER_WEIGHT))

    async def funding(self, coin: str, start_ms: int, end_ms: int) -> bytes:
        """Rates settled in [start, end], the oldest 500 of them."""
        wanted = {"type": "fundingHistory", "coin": coin, "startTime": start_ms, "endTime": end_ms}
        rows = min(PAGE_ROWS, (end_ms - start_ms) // HOUR_MS + 1)
        return await self._ask(wanted, WEIGHT + math.ceil(rows / RATES_PER_WEIGHT))

    async def _ask(self, body: dict[str, object], weight: int) -> bytes:
        """VenueUnavailable: worth trying again. VenueMessageInvalid: the same question gets the same answer."""
        await self._limiter.spend(weight)
        try:
            response = await self._client.post("/info", json=body)
        except httpx.HTTPError as error:
            self._reach.failed(SETTING, self._base_url, reason(error))
            raise VenueUnavailable(f"{body['type']}: {error!r}") from error
        data = response.content
        if response.status_code == 200 and data not in (b"null", b"") and data[:1] in (b"[", b"{"):
            self._limiter.answered()
            self._reach.answered(SETTING)
            return data
        said = f"{body}: status {response.status_code}, {data[:120]!r}"
        is_permanent = data == b"null" and response.status_code in (200, 500)
        if not is_permanent:
            self._reach.failed(SETTING, self._base_url, f"it answers with status {response.status_code}")
        if is_permanent or response.status_code in (400, 405, 415, 422):
            raise VenueMessageInvalid(said)
        if response.status_code == 429:
            self._limiter.refused()
        raise VenueUnavailable(said)


def limiter(config: HyperliquidConfig) -> Limiter:
    """A simulator's minutes are shorter than ours, and it has no limit of its own."""
    return Limiter(None if config.simulated_clock else config.rest_weight_per_minute)
