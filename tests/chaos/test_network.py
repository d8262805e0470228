"""What a service notices of a network that swallows everything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
import pytest
import structlog
from message_builders import T0, a_grid, a_watermark
from runner_strategies import Steady, loaded

from chaos.proxy import FAIR, Proxy, Weather
from strategy_runner.asset import AssetRunner
from trading_core.bus.connection import Bus
from trading_core.config import Settings
from trading_core.db.pool import AWAY, connect, connect_pool
from trading_core.runtime import Runtime
from trading_core.streams import BOOK, MARKET, grid_subject, watermark_subject
from trading_core.testing import eventually

pytestmark = pytest.mark.integration


@pytest.fixture
async def proxied(database_url: str) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy before the database, and the URL that goes through it."""
    there = urlsplit(database_url)
    assert there.port is not None
    proxy = Proxy(there.port)
    await proxy.start()
    yield proxy, database_url.replace(f"{there.hostname}:{there.port}", f"127.0.0.1:{proxy.port}")
    await proxy.close()


async def half_open_transaction(connection: asyncpg.Connection, proxy: Proxy) -> None:
    async with connection.transaction():
        proxy.turn(Weather(half_open=True))
        await connection.execute("SELECT 1")


async def test_a_transaction_on_a_half_open_connection_comes_to_an_end(proxied: tuple[Proxy, str]) -> None:
    proxy, url = proxied
    connection = await connect(url, answer_s=0.2)
    with pytest.raises(AWAY):
        await asyncio.wait_for(half_open_transaction(connection, proxy), 30)
    connection.terminate()


async def test_an_asset_that_begins_while_postgres_is_away_waits_for_it(bus: Bus, proxied: tuple[Proxy, str]) -> None:
    """As when a lease is taken again after NATS was away."""
    proxy, url = proxied
    for stream in (MARKET, BOOK):
        await bus.publish(watermark_subject(stream, "hyperliquid"), a_watermark(T0, stream=stream.name))
    await bus.publish(grid_subject("hyperliquid", "BTC"), a_grid(T0, 1))
    database = await connect_pool(url, role_name="test")
    runtime = Runtime(
        "strategy-runner", "1", Settings(), structlog.get_logger(), asyncio.Event(), started_time_ms=0, _bus=bus
    )
    runner = AssetRunner(runtime, database, "BTC", [loaded(Steady)])
    proxy.turn(Weather(closed=True))
    running = asyncio.create_task(runner.run())
    try:
        await eventually(lambda: proxy.refused > 1)
        assert not running.done()
        assert runner.shards == []
        proxy.turn(FAIR)
        await eventually(lambda: len(runner.shards) == 1)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        database.terminate()


async def test_a_slow_line_keeps_bytes_in_their_order() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    proxy = Proxy(server.sockets[0].getsockname()[1])
    await proxy.start()
    proxy.turn(Weather(delay_s=(0.01, 0.02)))
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    sent = [b"%05d" % number for number in range(300)]
    for piece in sent:
        writer.write(piece)
        await asyncio.sleep(0)
    assert await reader.readexactly(5 * 300) == b"".join(sent)
    writer.close()
    await proxy.close()
    server.close()
