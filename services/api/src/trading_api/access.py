"""Who may read and who may steer, how often, and how much at once: decided before any route is reached."""

from __future__ import annotations

import math
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trading_api.problems import Refused, answer_to
from trading_core.config import ApiConfig
from trading_core.errors import ConfigError

TokenScope = Literal["read", "control"]
READING = frozenset({"GET", "HEAD", "OPTIONS"})
BODY_LIMIT = 256 * 1024
TOO_LARGE = f"A request may carry {BODY_LIMIT // 1024} KiB. Send less."
CLIENTS_KEPT = 10_000


class Access:
    """The tokens of the settings, and whether reading needs one."""

    def __init__(self, config: ApiConfig) -> None:
        given = {"read": config.read_token, "control": config.control_token}
        self._tokens = {scope: token.get_secret_value().encode() for scope, token in given.items() if token}
        self.open_read = config.reads_openly
        if not self.open_read and not self._tokens:
            raise ConfigError(
                f"api.host: {config.host} can be reached by others, and there is no token. Set TRADING_API__READ_TOKEN "
                "(16 characters or more), or TRADING_API__OPEN_READ=true where only this machine can connect."
            )

    def scope_of(self, token: str) -> TokenScope | None:
        """What `token` allows; every token is compared in constant time, whether one before it was right or not."""
        given = token.encode()
        right = {scope for scope, known in self._tokens.items() if secrets.compare_digest(given, known)}
        return "control" if "control" in right else "read" if "read" in right else None

    def scope_in(self, authorization: str) -> TokenScope | None:
        """What the header of this name allows."""
        kind, _, token = authorization.partition(" ")
        return self.scope_of(token.strip()) if kind.lower() == "bearer" else None

    def check(self, method: str, scope: TokenScope | None) -> None:
        """Refused (401, 403) unless a request with that token may go on. Control includes reading."""
        if method in READING:
            if scope is None and not self.open_read:
                raise Refused(401, "Send a token to read: Authorization: Bearer TOKEN.")
            return
        if "control" not in self._tokens:
            raise Refused(403, "Control is off: set TRADING_API__CONTROL_TOKEN for the api to a secret of yours.")
        if scope is None:
            raise Refused(401, "Send the control token: Authorization: Bearer TOKEN.")
        if scope != "control":
            raise Refused(403, "This token is for reading only. Send the control token.")


@dataclass
class Bucket:
    """Requests left, refilled with time."""

    left: float
    filled_s: float


class Limits:
    """A bucket per client: `rate` a second in the long run, `burst` at once. Rate None: no limit."""

    def __init__(self, rate: float | None, burst: int, now: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._now = rate, burst, now
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def wait_s(self, client: str) -> float:
        """0 when one more request of `client` may go on, else how long until it may."""
        if self._rate is None:
            return 0.0
        now = self._now()
        bucket = self._buckets.setdefault(client, Bucket(self._burst, now))
        self._buckets.move_to_end(client)
        if len(self._buckets) > CLIENTS_KEPT:
            self._buckets.popitem(last=False)
        bucket.left = min(self._burst, bucket.left + (now - bucket.filled_s) * self._rate)
        bucket.filled_s = now
        if bucket.left < 1:
            return (1 - bucket.left) / self._rate
        bucket.left -= 1
        return 0.0


SHELL = "/api/docs"
"""Holds no figure and no description: it asks for the document itself, with the token of the tab."""


class Gate:
    """Everything under /api goes through here; probes, metrics and the page's own files do not."""

    def __init__(self, app: ASGIApp, access: Access, config: ApiConfig) -> None:
        self._app = app
        self._access = access
        self._reads = Limits(config.read_rate, config.read_burst)
        self._controls = Limits(config.control_rate, config.control_burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api"):
            await self._app(scope, receive, send)
            return
        try:
            self._admit(scope)
        except Refused as refusal:
            await answer_to(refusal)(scope, receive, send)
            return
        await self._app(scope, bounded(receive), send)

    def _admit(self, scope: Scope) -> None:
        """Refused: too often, too much, or not allowed."""
        headers, method = Headers(scope=scope), scope["method"]
        limits = self._reads if method in READING else self._controls
        held = self._access.scope_in(headers.get("authorization", ""))
        # A token is one client wherever it comes from; without a right one the address is, so that guessing is slow.
        wait_s = limits.wait_s(f"token {held}" if held else (scope.get("client") or ("unknown",))[0])
        if wait_s:
            seconds = math.ceil(wait_s)
            raise Refused(429, f"Too many requests. Try again in {seconds} s.", {"Retry-After": str(seconds)})
        if scope["path"] != SHELL or method not in READING:
            self._access.check(method, held)
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > BODY_LIMIT:
            raise Refused(413, TOO_LARGE)


def bounded(receive: Receive) -> Receive:
    """`receive` for bodies that do not say their length before. HTTPException (413) while a route reads too much.

    FastAPI answers any other exception from there with 400.
    """
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > BODY_LIMIT:
            raise HTTPException(413, TOO_LARGE)
        return message

    return counted
