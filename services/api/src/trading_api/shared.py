"""Equal questions at the same time get one answer: worked out once, compressed once, told to everybody.

What is told is never older than `api.answers_kept_s`, nor than the last change of the ledger that browsers heard of.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trading_api import metrics

ENTRIES, ENTRY_BYTES = 256, 512 * 1024
"""At most 128 MiB; an answer is some ten kilobytes once it is compressed."""
STREAMED = (".csv",)
"""Answers that are longer than what should be held in memory."""


@dataclass
class Answer:
    """One answer being worked out, then the answer; `route` is that of the request, for whoever counts them."""

    version: int
    began_s: float
    messages: list[Message] = field(default_factory=list)
    working: asyncio.Task[None] | None = None
    route: Any = None

    def holds(self, version: int, oldest_s: float) -> bool:
        return self.version == version and (self.working is not None or self.began_s >= oldest_s)

    @property
    def is_worth_keeping(self) -> bool:
        status = self.messages[0]["status"] if self.messages else 500
        return status == 200 and sum(len(part.get("body", b"")) for part in self.messages) <= ENTRY_BYTES


class Shared:
    """`version` changes when what was told before may no longer be true."""

    def __init__(self, app: ASGIApp, kept_s: float, version: Callable[[], int]) -> None:
        self._app = app
        self._kept_s = kept_s
        self._version = version
        self._answers: OrderedDict[tuple[str, bytes, bool], Answer] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not _may_share(scope["path"]):
            await self._app(scope, receive, send)
            return
        key = (scope["path"], scope["query_string"], "gzip" in Headers(scope=scope).get("accept-encoding", ""))
        answer = self._answers.get(key)
        if answer is None or not answer.holds(self._version(), time.monotonic() - self._kept_s):
            answer = self._begin(key, scope)
        else:
            metrics.SHARED.inc()
            self._answers.move_to_end(key)
        if answer.working is not None:
            await asyncio.shield(answer.working)
        scope["route"] = answer.route
        for message in answer.messages:
            await send(message)

    def _begin(self, key: tuple[str, bytes, bool], scope: Scope) -> Answer:
        answer = Answer(self._version(), time.monotonic())
        answer.working = asyncio.create_task(self._work(key, dict(scope), answer))
        self._answers[key] = answer
        self._answers.move_to_end(key)
        while len(self._answers) > ENTRIES:
            self._answers.popitem(last=False)
        return answer

    async def _work(self, key: tuple[str, bytes, bool], scope: Scope, answer: Answer) -> None:
        """In a task of its own: who asked first may leave before it is there."""

        async def kept(message: Message) -> None:
            answer.messages.append(message)

        try:
            await self._app(scope, _nothing, kept)
        finally:
            answer.route = scope.get("route")
            if not answer.is_worth_keeping and self._answers.get(key) is answer:
                del self._answers[key]
        answer.working = None


def _may_share(path: str) -> bool:
    return path.startswith("/api/") and not path.endswith(STREAMED)


async def _nothing() -> Message:
    """A GET has no body."""
    return {"type": "http.request", "body": b"", "more_body": False}
