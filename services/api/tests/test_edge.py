"""What comes in is checked, what goes out is safe, and every refusal is a problem document."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import asyncpg
import httpx
import pytest
from structlog.testing import capture_logs

from api_lab import Api, settings
from trading_api.app import create_app
from trading_api.context import Context
from trading_api.database import Database
from trading_api.openapi import document
from trading_api.service import bind
from trading_core.config import ApiConfig
from trading_core.db.pool import connect_pool
from trading_core.errors import ConfigError

FRONTEND = Path(__file__).parents[3] / "frontend"


@pytest.mark.parametrize(
    "path",
    [
        "/api/candles",
        "/api/candles?asset=btc",
        "/api/candles?asset=BTC&interval=2m",
        "/api/candles?asset=BTC';--",
        "/api/candles?asset=BTC&limit=1001",
        "/api/candles?asset=BTC&from=-1",
        "/api/candles?asset=BTC&to=99999999999999999999",
        "/api/equity-curve?points=5001",
        "/api/equity-curve?strategy=a%00b",
        "/api/trades?cursor=1",
        "/api/trades?limit=0",
        "/api/signals?limit=abc",
        "/api/signals?strateggy=funding_arb",
        "/api/summary?x=1",
        "/api/trades?from=yesterday",
        "/api/trades?from=1e999",
        f"/api/backtests/compare?id={2**63}",
    ],
)
async def test_a_request_out_of_bounds_is_refused_as_a_problem(empty_api: Api, path: str) -> None:
    answer = await empty_api.http.get(path)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == {"type", "title", "status", "detail", "id"}


async def test_an_unknown_path_is_a_problem_too(empty_api: Api) -> None:
    answer = await empty_api.http.get("/api/nothing")
    assert (answer.status_code, answer.json()["detail"]) == (404, "there is nothing at /api/nothing")
    wrong = await empty_api.http.get("/api/control/close")
    assert (wrong.status_code, wrong.headers["content-type"]) == (405, "application/problem+json")


async def test_a_parameter_that_is_misspelt_is_refused_with_those_there_are(empty_api: Api) -> None:
    answer = await empty_api.http.get("/api/fills", params={"asset": "BTC", "strateggy": "funding_arb"})
    detail = "strateggy: there is no such parameter here. There are: asset, limit, strategy."
    assert (answer.status_code, answer.json()["detail"]) == (422, detail)


async def test_every_answer_carries_the_security_headers(empty_api: Api) -> None:
    for path in ("/healthz", "/api/summary", "/api/nothing", "/"):
        headers = (await empty_api.http.get(path)).headers
        assert headers["content-security-policy"].startswith("default-src 'self'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


async def test_a_loopback_server_refuses_a_name_that_is_not_its_own(empty_api: Api) -> None:
    answer = await empty_api.http.get("/api/summary", headers={"host": "rebound.example:8080"})
    assert answer.status_code == 421


async def test_without_a_database_the_answer_is_503_with_what_happens_next() -> None:
    context = Context(settings(), Database())
    transport = httpx.ASGITransport(app=create_app(context), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get("/api/summary")
        assert answer.status_code == 503
        assert "tries again by itself" in answer.json()["detail"]
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200
        health = (await client.get("/api/health")).json()
        assert {part["service"]: part["state"] for part in health["components"]}["postgres"] == "down"


async def test_a_question_asked_while_the_api_connects_is_answered(role_url: Callable[[str], str]) -> None:
    database = Database()
    asked = asyncio.create_task(database.fetchrow("SELECT 1 AS one"))
    await asyncio.sleep(0)
    pool = await connect_pool(role_url("api_ro"), role_name="api")
    assert not asked.done()
    database.connected(pool)
    row = await asked
    assert row is not None
    assert row["one"] == 1
    await database.close()


async def test_a_bug_shows_an_id_and_no_traceback(empty_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(empty_api.context.portfolio, "name", object())
    with capture_logs() as lines:
        answer = await empty_api.http.get("/api/summary")
    body = answer.json()
    assert answer.status_code == 500
    assert body["id"] in body["detail"]
    assert [line["error_id"] for line in lines if line["event"] == "request_failed"] == [body["id"]]
    assert "Traceback" not in answer.text


async def test_the_role_of_the_api_cannot_write(role_url: Callable[[str], str]) -> None:
    connection = await asyncpg.connect(role_url("api_ro"))
    try:
        with pytest.raises((asyncpg.ReadOnlySQLTransactionError, asyncpg.InsufficientPrivilegeError)):
            await connection.execute("INSERT INTO trading_paper.portfolio (name) VALUES ('x')")
    finally:
        await connection.close()


async def test_an_unbuilt_page_says_how_to_build_it(empty_api: Api) -> None:
    answer = await empty_api.http.get("/")
    assert answer.status_code == 503
    assert "npm run build" in answer.text


async def test_a_built_page_is_served_and_its_assets_are_kept(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<p>the page</p>")
    (tmp_path / "assets" / "a-1.js").write_text("1")
    context = Context(settings(frontend_dir=str(tmp_path)), Database())
    transport = httpx.ASGITransport(app=create_app(context))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        page = await client.get("/")
        assert (page.text, page.headers["cache-control"]) == ("<p>the page</p>", "no-cache")
        assert "immutable" in (await client.get("/assets/a-1.js")).headers["cache-control"]
        assert (await client.get("/../pyproject.toml")).status_code == 404
        assert (await client.get("/assets/../index.html")).status_code in (200, 404)


async def test_metrics_name_routes_by_their_template(api: Api) -> None:
    await api.get("/api/summary")
    text = (await api.http.get("/metrics")).text
    assert 'trading_api_request_seconds_count{route="/api/summary",status="200"}' in text


def test_a_taken_port_gives_one_sentence() -> None:
    first = bind(ApiConfig(port=65_013))
    try:
        with pytest.raises(ConfigError, match=r"api\.port: 127\.0\.0\.1:65013 cannot be used .* TRADING_API__PORT"):
            bind(ApiConfig(port=65_013))
    finally:
        first.close()


def test_the_committed_openapi_document_is_the_one_of_this_code() -> None:
    committed = (FRONTEND / "openapi.json").read_text(encoding="utf-8")
    assert committed == document(), "run: python -m trading_api.openapi > frontend/openapi.json"


def test_the_document_types_every_live_message() -> None:
    schemas = json.loads(document())["components"]["schemas"]
    kinds = set(schemas["LiveMessage"]["discriminator"]["mapping"])
    assert kinds == {"snapshot", "resumed", "fill", "signal", "position", "mark", "equity", "candle", "health"}
