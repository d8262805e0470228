"""Pages of candles on the short way: past the framework, which takes longer to find the route and to check eight
parameters than the database takes to answer.

What is not plainly right, and every failure, goes the long way, which says what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from trading_api.context import Context
from trading_api.database import DatabaseAway, QueryTooSlow
from trading_api.params import NEWEST_TIME_MS, PAGE_LIMIT
from trading_api.routes.series import JSON, CandlesAsked, candles_told
from trading_core.model import INTERVALS_MS

PATH = "/api/candles"
_ASSET = re.compile(r"[A-Z0-9]{1,16}")
_EXCHANGES = frozenset(("hyperliquid", "polymarket"))


def _whole(least: int, most: int) -> Callable[[str], int | None]:
    def read(text: str) -> int | None:
        plain = text.isascii() and text.isdigit() and len(text) <= 15
        return int(text) if plain and least <= int(text) <= most else None

    return read


_READ: dict[str, tuple[str, Callable[[str], str | int | None]]] = {
    "asset": ("asset", lambda text: text if _ASSET.fullmatch(text) else None),
    "exchange": ("exchange", lambda text: text if text in _EXCHANGES else None),
    "interval": ("interval", lambda text: text if text in INTERVALS_MS else None),
    "from": ("from_ms", _whole(0, NEWEST_TIME_MS)),
    "to": ("to_ms", _whole(0, NEWEST_TIME_MS)),
    "limit": ("limit", _whole(1, PAGE_LIMIT)),
}


def asked_in(query: bytes) -> CandlesAsked | None:
    """What a query asks for that names each parameter once and rightly; None for any other."""
    given: dict[str, Any] = {}
    for name, text in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        field, read = _READ.get(name, ("", None))
        value = None if read is None else read(text)
        if value is None or field in given:
            return None
        given[field] = value
    return CandlesAsked(**given) if "asset" in given else None


class Straight:
    """`route` is the one that the long way would find, for whoever counts the requests."""

    def __init__(self, app: ASGIApp, context: Context, route: object) -> None:
        self._app, self._context, self._route = app, context, route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = None
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "GET":
            asked = asked_in(scope["query_string"])
        if asked is None:
            await self._app(scope, receive, send)
            return
        try:
            body = await candles_told(self._context, asked)
        except (DatabaseAway, QueryTooSlow):
            await self._app(scope, receive, send)
            return
        scope["route"] = self._route
        await Response(body, media_type=JSON)(scope, receive, send)
