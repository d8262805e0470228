"""Headers of every answer, and who may talk to a server that listens on this machine only."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trading_api.problems import problem
from trading_core.config import is_loopback

# `unsafe-inline` for styles only: the chart libraries size their elements with style attributes.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


TRANSPORT_SECURITY = "max-age=31536000"


def known_origin(headers: Headers, others: Collection[str] = ()) -> bool:
    """A browser's page of ours or of `others`, or no browser at all: only browsers send Origin."""
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host") or origin in others


class Guard:
    """Adds the headers; on a loopback server refuses names that only a rebound DNS entry would send."""

    def __init__(self, app: ASGIApp, host: str) -> None:
        self._app = app
        self._loopback_only = is_loopback(host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if scope.get("scheme") == "https":
                    headers.setdefault("Strict-Transport-Security", TRANSPORT_SECURITY)
            await send(message)

        if not self.welcomes(Headers(scope=scope)):
            refusal = problem(421, "This server listens on this machine only: open it as http://localhost:PORT.")
            await refusal(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)

    def welcomes(self, headers: Headers) -> bool:
        name = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        return not self._loopback_only or is_loopback(name)
