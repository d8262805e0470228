"""Who gets in, how often, and with how much: judged at the gate, on every route that there is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from api_lab import settings
from trading_api.access import BODY_LIMIT, READING, Limits
from trading_api.app import create_app
from trading_api.context import Context
from trading_api.database import Database
from trading_api.openapi import document
from trading_core.config import ApiConfig, load
from trading_core.errors import ConfigError

READ, CONTROL = "a-token-to-read-with", "a-token-to-steer-with"
ROUTES = [
    (method.upper(), path)
    for path, methods in json.loads(document())["paths"].items()
    for method in methods
    if method in ("get", "post", "put", "patch", "delete")
]
UNDER_API = [(method, path.replace("{", "").replace("}", "")) for method, path in ROUTES if path.startswith("/api")]
CHANGING = [(method, path) for method, path in UNDER_API if method not in READING]


@asynccontextmanager
async def a_client(token: str = "", **api: Any) -> AsyncIterator[httpx.AsyncClient]:
    context = Context(settings(read_token=READ, control_token=CONTROL, **api), Database())
    transport = httpx.ASGITransport(app=create_app(context), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
        yield client


def test_there_are_routes_that_change_something() -> None:
    assert len(CHANGING) >= 4


@pytest.mark.parametrize(("token", "status"), [("", 401), ("wrong", 401), (READ, 403), (f"{CONTROL}x", 401)])
async def test_every_route_that_changes_something_wants_the_control_token(token: str, status: int) -> None:
    async with a_client(token) as client:
        for method, path in CHANGING:
            answer = await client.request(method, path, json={"who": "ann", "why": "a test", "all": True})
            assert (method, path, answer.status_code) == (method, path, status)
            assert answer.headers["content-type"] == "application/problem+json"


async def test_no_token_is_taken_from_the_address() -> None:
    async with a_client() as client:
        for method, path in CHANGING:
            assert (await client.request(method, f"{path}?token={CONTROL}&access_token={CONTROL}")).status_code == 401


@pytest.mark.parametrize(("token", "refused"), [("", True), ("wrong", True), (READ, False), (CONTROL, False)])
async def test_every_route_wants_a_token_where_reading_is_not_open(token: str, refused: bool) -> None:
    async with a_client(token, open_read=False) as client:
        for method, path in UNDER_API:
            if method in READING:
                answer = await client.request(method, path)
                assert (path, answer.status_code == 401) == (path, refused)
        assert (await client.get("/healthz")).status_code == 200


async def test_the_page_of_the_description_opens_without_a_token_and_the_description_does_not() -> None:
    # A link carries no token: the page that it opens asks for the document with the one of the tab.
    async with a_client(open_read=False) as client:
        assert (await client.get("/api/docs")).status_code == 200
        assert (await client.get("/api/openapi.json")).status_code == 401
        assert (await client.post("/api/docs")).status_code == 401
        assert (await client.get("/api/docs/oauth2-redirect")).status_code == 401


async def test_every_answer_has_the_headers_also_a_refusal() -> None:
    async with a_client(open_read=False) as client:
        for method, path in [*UNDER_API, ("GET", "/api/nothing"), ("GET", "/"), ("GET", "/healthz"), ("PUT", "/")]:
            headers = (await client.request(method, path)).headers
            assert headers["content-security-policy"].startswith("default-src 'self'")
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert "strict-transport-security" not in headers
        secure = await client.get("https://localhost/healthz")
        assert secure.headers["strict-transport-security"] == "max-age=31536000"


async def test_only_named_origins_are_told_that_they_may_read() -> None:
    async with a_client(origins=["https://desk.example"]) as client:
        for origin, allowed in (("https://desk.example", "https://desk.example"), ("https://evil.example", None)):
            headers = (await client.get("/healthz", headers={"Origin": origin})).headers
            assert headers.get("access-control-allow-origin") == allowed
            assert "access-control-allow-credentials" not in headers


@pytest.mark.parametrize("origin", ["*", "https://*.example", "desk.example", "https://desk.example/page"])
def test_an_origin_that_means_more_than_one_page_is_refused(origin: str) -> None:
    with pytest.raises(ConfigError, match=r"api\.origins.*never \*"):
        load(api={"origins": [origin]})


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    now = [0.0]
    limits = Limits(2, 3, lambda: now[0])
    assert [limits.wait_s("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert limits.wait_s("b") == 0  # another client has a bucket of its own
    now[0] = 0.5
    assert [limits.wait_s("a"), limits.wait_s("a")] == [0, 0.5]
    assert Limits(None, 1).wait_s("a") == Limits(None, 1).wait_s("a") == 0


async def test_who_asks_too_often_is_told_when_to_come_back() -> None:
    # One request in 1,000 s, so that no machine is slow enough to earn a second one.
    async with a_client(CONTROL, read_rate=0.001, read_burst=1, control_rate=0.001, control_burst=1) as client:
        for method, path in (("GET", "/api/openapi.json"), CHANGING[0]):
            first = await client.request(method, path)
            again = await client.request(method, path)
            assert first.status_code != 429
            assert (again.status_code, again.headers["content-type"]) == (429, "application/problem+json")
            assert 0 < int(again.headers["retry-after"]) <= 1_000
        assert (await client.get("/healthz")).status_code == 200


async def test_a_token_is_one_client_from_wherever_and_wrong_ones_are_their_address() -> None:
    app = create_app(
        Context(settings(read_token=READ, control_token=CONTROL, read_rate=0.001, read_burst=2), Database())
    )

    async def status(address: str, token: str) -> int:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            headers = {"Authorization": f"Bearer {token}"}
            return (await client.get("/api/openapi.json", headers=headers)).status_code

    assert [await status(f"10.0.0.{number}", READ) for number in range(3)] == [200, 200, 429]
    assert [await status("10.0.0.1", f"wrong-{number}") for number in range(3)] == [200, 200, 429]
    assert await status("10.0.0.1", CONTROL) == 200


async def test_wrong_tokens_cannot_be_tried_faster_than_right_ones() -> None:
    async with a_client("wrong", control_rate=0.001, control_burst=2) as client:
        method, path = CHANGING[0]
        assert [(await client.request(method, path)).status_code for _ in range(3)] == [401, 401, 429]


async def test_a_request_that_carries_too_much_is_refused_whether_it_says_so_or_not() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(BODY_LIMIT // 65_536 + 1):
            yield b" " * 65_536

    method, path = CHANGING[0]
    async with a_client(CONTROL) as client:
        for content in (b" " * (BODY_LIMIT + 1), pieces()):
            answer = await client.request(method, path, content=content, headers={"content-type": "application/json"})
            assert (answer.status_code, answer.json()["detail"]) == (413, "A request may carry 256 KiB. Send less.")


def test_a_server_that_others_reach_does_not_start_without_a_token() -> None:
    with pytest.raises(ConfigError, match="TRADING_API__READ_TOKEN"):
        create_app(config=ApiConfig(host="0.0.0.0"))
    create_app(config=ApiConfig(host="0.0.0.0", open_read=True))


def test_page_sizes_are_capped() -> None:
    for path, methods in json.loads(document())["paths"].items():
        for parameter in methods.get("get", {}).get("parameters", []):
            if parameter["name"] in ("limit", "points"):
                assert parameter["schema"]["maximum"] <= {"limit": 1_000, "points": 5_000}[parameter["name"]], path
