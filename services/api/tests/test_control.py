"""Who may steer the broker through the API, and what comes back. That it obeys is tested where the broker runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from api_lab import settings
from trading_api.app import create_app
from trading_api.context import Context
from trading_api.database import Database
from trading_api.routes import control
from trading_core.broker.inputs import Verb
from trading_core.bus.connection import Bus
from trading_core.control.requests import VERBS

TOKEN = "a-token-of-this-test"  # noqa: S105
ASKED: dict[str, Any] = {"who": "ann", "why": "a test", "all": True}


def a_client(token: str | None, bus: Bus | None = None) -> httpx.AsyncClient:
    context = Context(settings(control_token=token), Database(), bus=bus)
    transport = httpx.ASGITransport(app=create_app(context), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")


@pytest.fixture
async def client(bus: Bus) -> AsyncIterator[httpx.AsyncClient]:
    async with a_client(TOKEN, bus) as made:
        made.headers["Authorization"] = f"Bearer {TOKEN}"
        yield made


def a_body(verb: Verb, **changes: Any) -> dict[str, Any]:
    return {**ASKED, **({"limits": {}} if verb == "limits" else {}), **changes}


@pytest.mark.parametrize("verb", VERBS)
async def test_no_request_goes_through_without_the_token(verb: Verb) -> None:
    async with a_client(TOKEN) as client:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
            answer = await client.post(f"/api/control/{verb}", json=a_body(verb), headers=headers)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    async with a_client(None) as client:
        answer = await client.post(
            f"/api/control/{verb}", json=a_body(verb), headers={"Authorization": f"Bearer {TOKEN}"}
        )
        assert answer.status_code == 403
        assert "TRADING_API__CONTROL_TOKEN" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("verb", "changes"),
    [
        ("pause", {"all": False}),
        ("pause", {"strategy": "x"}),
        ("pause", {"why": ""}),
        ("pause", {"why": "two\nlines"}),
        ("pause", {"position": "po:1"}),
        ("limits", {"limits": {"sizing": "fixed"}}),
        ("limits", {"limits": {"max_exposure": "much"}}),
    ],
)
async def test_a_request_that_cannot_be_is_a_problem(
    client: httpx.AsyncClient, verb: Verb, changes: dict[str, Any]
) -> None:
    answer = await client.post(f"/api/control/{verb}", json=a_body(verb, **changes))
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_without_a_broker_the_answer_says_how_to_ask_again(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "LIMIT_S", 0.3)
    answer = await client.post("/api/control/close", json=ASKED, headers={"Idempotency-Key": "k1"})
    assert answer.status_code == 503
    assert "the request id k1" in answer.json()["detail"]
