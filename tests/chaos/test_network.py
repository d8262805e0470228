"""What a service notices of a network that swallows everything."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import asyncpg
import pytest

from chaos.proxy import Proxy, Weather
from trading_core.db.pool import AWAY, connect

pytestmark = pytest.mark.integration


async def half_open_transaction(connection: asyncpg.Connection, proxy: Proxy) -> None:
    async with connection.transaction():
        proxy.turn(Weather(half_open=True))
        await connection.execute("SELECT 1")


async def test_a_transaction_on_a_half_open_connection_comes_to_an_end(database_url: str) -> None:
    there = urlsplit(database_url)
    assert there.port is not None
    proxy = Proxy(there.port)
    await proxy.start()
    here = database_url.replace(f"{there.hostname}:{there.port}", f"127.0.0.1:{proxy.port}")
    connection = await connect(here, answer_s=0.2)
    try:
        with pytest.raises(AWAY):
            await asyncio.wait_for(half_open_transaction(connection, proxy), 30)
    finally:
        connection.terminate()
        await proxy.close()
