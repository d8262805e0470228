"""Gamma and the CLOB over HTTP: bytes in. No field of a message is touched."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType

import httpx

from trading_core.collect.reach import Reach, reason
from trading_core.errors import VenueMessageInvalid, VenueUnavailable

TIMEOUT_S, CONNECT_S = 10.0, 5.0
GAMMA_SETTING, CLOB_SETTING = "exchanges.polymarket.gamma_url", "exchanges.polymarket.base_url"
NAMED_MAX = 40
"""Markets asked for at once: their ids stand in the address."""
BOOKS_MAX = 400
PAGE = 100
PERMANENT = (400, 404, 405, 422)


class Rest:
    def __init__(self, gamma_url: str, clob_url: str, reach: Reach) -> None:
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(TIMEOUT_S, connect=CONNECT_S))
        self._reach = reach
        self._gamma, self._clob = gamma_url.rstrip("/"), clob_url.rstrip("/")

    async def __aenter__(self) -> Rest:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def named(self, slugs: Iterable[str]) -> bytes:
        """Markets by slug; a name that does not exist (yet) is left out."""
        return await self._get(f"{self._gamma}/markets", [("limit", str(PAGE)), *(("slug", slug) for slug in slugs)])

    async def events(self, slugs: Iterable[str]) -> bytes:
        return await self._get(f"{self._gamma}/events", [("limit", str(PAGE)), *(("slug", slug) for slug in slugs)])

    async def markets(self, conditions: Iterable[str]) -> bytes:
        named = [("condition_ids", one) for one in conditions]
        return await self._get(f"{self._gamma}/markets", [("limit", str(PAGE)), *named])

    async def open_events(self, ends_from: str, ends_to: str, cursor: str | None) -> bytes:
        """One page of the open events of crypto that end in this span."""
        wanted = [("tag_slug", "crypto"), ("closed", "false"), ("limit", str(PAGE))]
        wanted += [("end_date_min", ends_from), ("end_date_max", ends_to)]
        return await self._get(f"{self._gamma}/events/keyset", wanted + ([("after_cursor", cursor)] if cursor else []))

    async def result(self, condition: str) -> bytes:
        return await self._get(f"{self._clob}/markets/{condition}", [])

    async def books(self, tokens: Iterable[str]) -> bytes:
        """Whole books; an unknown token is left out."""
        body = [{"token_id": token} for token in tokens]
        return await self._ask(self._client.build_request("POST", f"{self._clob}/books", json=body))

    async def _get(self, url: str, query: list[tuple[str, str]]) -> bytes:
        return await self._ask(self._client.build_request("GET", url, params=httpx.QueryParams(tuple(query))))

    async def _ask(self, request: httpx.Request) -> bytes:
        """VenueUnavailable: worth trying again. VenueMessageInvalid: the same question gets the same answer."""
        is_gamma = str(request.url).startswith(self._gamma)
        setting, base_url = (GAMMA_SETTING, self._gamma) if is_gamma else (CLOB_SETTING, self._clob)
        try:
            response = await self._client.send(request)
        except httpx.HTTPError as error:
            self._reach.failed(setting, base_url, reason(error))
            raise VenueUnavailable(f"{request.url.path}: {error!r}") from error
        data = response.content
        if response.status_code == 200 and data[:1] in (b"[", b"{"):
            self._reach.answered(setting)
            return data
        said = f"{request.url.path}: status {response.status_code}, {data[:120]!r}"
        if data[:1] not in (b"[", b"{"):  # what the venue itself refuses, it refuses in JSON
            self._reach.failed(setting, base_url, f"it answers with status {response.status_code}")
        if response.status_code in PERMANENT:
            raise VenueMessageInvalid(said)
        raise VenueUnavailable(said)
