"""The venue's `POST /info`: bytes out, bytes in. No field of a message is touched."""

from __future__ import annotations

from types import TracebackType

import httpx

from trading_core.errors import VenueMessageInvalid, VenueUnavailable

TIMEOUT_S = 10.0


class Rest:
    def __init__(self, base_url: str) -> None:
        self._client = httpx.AsyncClient(base_url=base_url, timeout=TIMEOUT_S)

    async def __aenter__(self) -> Rest:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def meta(self) -> bytes:
        return await self._ask({"type": "meta"})

    async def contexts(self) -> bytes:
        return await self._ask({"type": "metaAndAssetCtxs"})

    async def candles(self, coin: str, start_ms: int, end_ms: int) -> bytes:
        """1m buckets that open in [start, end]; the last one may still be open."""
        wanted = {"coin": coin, "interval": "1m", "startTime": start_ms, "endTime": end_ms}
        return await self._ask({"type": "candleSnapshot", "req": wanted})

    async def funding(self, coin: str, start_ms: int) -> bytes:
        return await self._ask({"type": "fundingHistory", "coin": coin, "startTime": start_ms})

    async def _ask(self, body: dict[str, object]) -> bytes:
        """VenueUnavailable: worth trying again. VenueMessageInvalid: the same question gets the same answer."""
        try:
            response = await self._client.post("/info", json=body)
        except httpx.HTTPError as error:
            raise VenueUnavailable(f"{body['type']}: {error!r}") from error
        data = response.content
        if response.status_code == 200 and data not in (b"null", b"") and data[:1] in (b"[", b"{"):
            return data
        said = f"{body}: status {response.status_code}, {data[:120]!r}"
        is_permanent = data == b"null" and response.status_code in (200, 500)
        if is_permanent or response.status_code in (400, 405, 415, 422):
            raise VenueMessageInvalid(said)
        raise VenueUnavailable(said)
