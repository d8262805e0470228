from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from trading_core.embedded import launch
from trading_core.embedded.nats import NatsServer, new_password
from trading_core.testing import eventually
from trading_core.testing_servers import OwnServer, ServiceAt

pytestmark = pytest.mark.integration


async def test_the_api_answers_before_nats_does_and_hears_of_it_later(service_at: ServiceAt, tmp_path: Path) -> None:
    nats = NatsServer(tmp_path / "nats", launch.free_port(), launch.free_port(), new_password())
    port = launch.free_port()
    api = service_at("trading_api", "api_ro", TRADING_NATS__URL=nats.url, TRADING_API__PORT=str(port))
    api.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:

        async def nats_is() -> str:
            try:
                parts = (await http.get("/api/health")).json()["components"]
            except httpx.ConnectError:
                return "not asked yet"
            return next(str(part["state"]) for part in parts if part["service"] == "nats")

        async def summary_is() -> str:
            return str((await http.get("/api/summary")).status_code)

        await eventually(lambda: is_(nats_is, "down"))
        await eventually(lambda: is_(summary_is, "200"))
        server = OwnServer(nats, tmp_path / "nats.log")
        server.start()
        try:
            await eventually(lambda: is_(nats_is, "ok"))
        finally:
            server.kill()
    assert api.terminate() == 0


async def is_(asked: Callable[[], Awaitable[str]], wanted: str) -> bool:
    return await asked() == wanted
