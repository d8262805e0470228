"""Equal questions at the same time get one answer; nobody gets an old one, or somebody else's."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import PlainTextResponse, Response

from trading_api.shared import Shared
from trading_core.testing import eventually


class Counted:
    """Answers with how often it was asked; waits at the gate where one is given."""

    def __init__(self, kept_s: float = 60) -> None:
        self.times = 0
        self.version = 0
        self.gate: asyncio.Event | None = None
        self.status = 200
        self.app = FastAPI(openapi_url=None)
        self.app.add_api_route("/{path:path}", self._answer, methods=["GET", "POST"])
        self.app.add_middleware(Shared, kept_s=kept_s, version=lambda: self.version)
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app, raise_app_exceptions=False), base_url="http://localhost"
        )

    async def _answer(self, request: Request) -> Response:
        self.times += 1
        if self.gate is not None:
            await self.gate.wait()
        return PlainTextResponse(f"{self.times} {request.url.query}", self.status)

    async def ask(self, path: str = "/api/x", method: str = "GET") -> str:
        return (await self.http.request(method, path)).text


async def test_who_asks_at_the_same_time_gets_one_answer_even_when_the_first_leaves() -> None:
    counted = Counted(kept_s=0)
    counted.gate = asyncio.Event()
    asking = [asyncio.create_task(counted.ask()) for _ in range(5)]
    await eventually(lambda: counted.times == 1)
    asking[0].cancel()
    counted.gate.set()
    assert await asyncio.gather(*asking[1:]) == ["1 "] * 4
    assert asking[0].cancelled()


async def test_an_answer_is_told_again_until_something_changes() -> None:
    counted = Counted()
    assert [await counted.ask(), await counted.ask()] == ["1 ", "1 "]
    counted.version += 1
    assert await counted.ask() == "2 "


async def test_an_answer_that_was_begun_before_a_change_is_not_told_after_it() -> None:
    counted = Counted()
    counted.gate = asyncio.Event()
    before = asyncio.create_task(counted.ask())
    await eventually(lambda: counted.times == 1)
    counted.version += 1
    after = asyncio.create_task(counted.ask())
    await eventually(lambda: counted.times == 2)
    counted.gate.set()
    await asyncio.gather(before, after)
    assert counted.times == 2


async def test_an_old_answer_is_not_told_again() -> None:
    counted = Counted(kept_s=0)
    assert [await counted.ask(), await counted.ask()] == ["1 ", "2 "]


@pytest.mark.parametrize(
    ("path", "method"), [("/api/x?a=2", "GET"), ("/api/x", "POST"), ("/healthz", "GET"), ("/api/trades.csv", "GET")]
)
async def test_other_questions_have_answers_of_their_own(path: str, method: str) -> None:
    counted = Counted()
    await counted.ask()
    first, again = await counted.ask(path, method), await counted.ask(path, method)
    assert first.startswith("2 ")
    assert again.startswith("2 " if "?" in path else "3 ")


async def test_a_failure_is_not_told_twice() -> None:
    counted = Counted()
    counted.status = 503
    await counted.ask()
    counted.status = 200
    assert await counted.ask() == "2 "


async def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trading_api.shared.ENTRIES", 2)
    counted = Counted()
    for number in (1, 2, 1, 3):
        await counted.ask(f"/api/x?{number}")
    assert await counted.ask("/api/x?1") == "1 1"
    assert await counted.ask("/api/x?2") == "4 2"
    monkeypatch.setattr("trading_api.shared.ENTRY_BYTES", 1)
    assert [await counted.ask("/api/x?9"), await counted.ask("/api/x?9")] == ["5 9", "6 9"]
