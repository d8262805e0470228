"""A running API over real servers: the real application, on a real port where a WebSocket is needed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest
import uvicorn

from trading_api.app import create_app
from trading_api.context import Context
from trading_api.database import Database
from trading_api.live.feed import Feed
from trading_api.service import Server
from trading_core.bus.connection import Bus
from trading_core.config import Settings
from trading_core.db.pool import connect_pool
from trading_core.testing import eventually

from .seed import Seeded, seed


@dataclass
class Api:
    """`http` talks to the application; `context` is what it holds."""

    http: httpx.AsyncClient
    context: Context

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


def settings(**api: Any) -> Settings:
    return Settings(api={"frontend_dir": "no-such-folder", "data_notice": "Made up for a test.", **api})


@asynccontextmanager
async def running(url: str) -> AsyncIterator[Api]:
    context = Context(settings(), Database(await connect_pool(url, role_name="api")))
    transport = httpx.ASGITransport(app=create_app(context), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield Api(client, context)
    await context.database.close()


@pytest.fixture
async def seeded(database_url: str) -> Seeded:
    return await seed(database_url, days=1)


@pytest.fixture
async def api(seeded: Seeded, role_url: Callable[[str], str]) -> AsyncIterator[Api]:
    """Over the seeded data set, with the rights of the API's own role."""
    async with running(role_url("api_ro")) as made:
        yield made


@pytest.fixture
async def empty_api(role_url: Callable[[str], str]) -> AsyncIterator[Api]:
    """Over a migrated database without a row."""
    async with running(role_url("api_ro")) as made:
        yield made


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Any]:
    """A connection that may write, as the broker and the recorder do."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@dataclass
class LiveApi(Api):
    """Also listens on `port`, and follows the bus."""

    port: int


@pytest.fixture
async def live_api(api: Api, bus: Bus) -> AsyncIterator[LiveApi]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    application = create_app(api.context)
    server = Server(uvicorn.Config(application, lifespan="off", log_config=None, timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    following = asyncio.create_task(Feed(api.context, bus).run())
    # Heartbeats are read from the past: this one arrives once every reader of the feed has been started.
    await eventually(lambda: server.started)
    yield LiveApi(api.http, api.context, listener.getsockname()[1])
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    server.should_exit = True
    await serving
