"""A running API over real servers: the real application, on a real port where a WebSocket is needed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI

from api_lab import Api, LiveApi, running
from api_seed import Seeded, seed
from trading_api.live.feed import Feed
from trading_api.service import web_server
from trading_core.bus.connection import Bus
from trading_core.testing import eventually


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


@pytest.fixture
async def live_api(api: Api, bus: Bus) -> AsyncIterator[LiveApi]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    server = web_server(api.context)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    following = asyncio.create_task(Feed(api.context, bus).run())
    # Heartbeats are read from the past: this one arrives once every reader of the feed has been started.
    await eventually(lambda: server.started)
    application = server.config.app
    assert isinstance(application, FastAPI)
    yield LiveApi(api.http, api.context, listener.getsockname()[1], application)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    server.should_exit = True
    await serving
