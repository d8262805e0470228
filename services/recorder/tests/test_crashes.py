"""kill -9 of the recorder and a Postgres that goes away: every id stored exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from trading_core import streams
from trading_core.bus.connection import Bus, connect
from trading_core.bus.provision import provision
from trading_core.bus.publisher import WindowPublisher
from trading_core.embedded import launch
from trading_core.embedded.nats import NatsServer, new_password
from trading_core.messages import TradeMessage, WatermarkMessage
from trading_core.testing import eventually
from trading_core.testing_servers import OwnPostgres, OwnServer, ServiceProcess

pytestmark = pytest.mark.integration
COUNT = 20_000
BASE = 1_790_000_040_000
PER_WATERMARK = 100
ROLE_PASSWORD = "for-this-test-only"  # noqa: S105


async def publish_all(bus: Bus) -> None:
    """COUNT trades, and after each hundred a watermark that is above their stamps."""
    publisher = WindowPublisher(bus)
    subject = "market.hyperliquid.BTC.trade"
    for number in range(COUNT):
        trade = TradeMessage(
            id=f"t:{number}", exchange="hyperliquid", asset="BTC", event_time_ms=BASE + number,
            visible_ms=BASE + number, price="100.5", size="1", side="buy", trade_id=str(number),
        )  # fmt: skip
        await publisher.send(subject, trade)
        if number % PER_WATERMARK == PER_WATERMARK - 1:
            mark = WatermarkMessage(id=f"w:{number}", exchange="hyperliquid", watermark_ms=BASE + number + 50)
            await publisher.send(streams.watermark_subject(streams.MARKET, "hyperliquid"), mark)
    await publisher.barrier()
    await publisher.close()


def expected_visible(number: int) -> int:
    """The watermark before a hundred lies in its first half: those trades are visible only after it."""
    hundred = number // PER_WATERMARK * PER_WATERMARK
    return max(BASE + number, BASE + hundred - 1 + 50 + 1) if hundred else BASE + number


async def ticks(url: str) -> int:
    """Rows so far; 0 while the server is away."""
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, asyncpg.PostgresError):
        return 0
    try:
        return int(await connection.fetchval("SELECT count(*) FROM trading_market_data.ticks"))
    finally:
        await connection.close()


async def reach(url: str, rows: int) -> None:
    async def enough() -> bool:
        return await ticks(url) >= rows

    await eventually(enough, timeout=60)


async def check_everything_is_there_once(url: str, bus: Bus) -> None:
    connection = await asyncpg.connect(url)
    rows: list[Any] = await connection.fetch("SELECT event_id, visible_ms FROM trading_market_data.ticks")
    marks = await connection.fetchval("SELECT count(*) FROM trading_ops.watermarks WHERE stream = 'MARKET'")
    await connection.close()
    assert len(rows) == COUNT
    assert {row["event_id"]: row["visible_ms"] for row in rows} == {
        f"t:{number}": expected_visible(number) for number in range(COUNT)
    }
    assert marks == COUNT // PER_WATERMARK

    async def acknowledged() -> bool:
        info = await bus.js.consumer_info("MARKET", "rec")
        return bool(info.num_pending == 0 and info.num_ack_pending == 0)

    await eventually(acknowledged)


async def test_a_recorder_killed_in_the_middle_stores_every_id_exactly_once(
    bus: Bus, database_url: str, role_url: Callable[[str], str], recorder_at: Callable[[str], ServiceProcess]
) -> None:
    recorder = recorder_at(role_url("recorder"))
    recorder.start()
    publishing = asyncio.create_task(publish_all(bus))
    for rows in (1_000, 6_000, 12_000):
        await reach(database_url, rows)
        recorder.kill()
        recorder.start()
    await publishing
    await reach(database_url, COUNT)
    assert recorder.terminate() == 0
    await check_everything_is_there_once(database_url, bus)


async def test_a_postgres_that_goes_away_is_waited_for_and_nothing_is_lost(
    bus: Bus, own_postgres: OwnPostgres, recorder_at: Callable[[str], ServiceProcess]
) -> None:
    recorder = recorder_at(own_postgres.role_url("recorder"))
    recorder.start()
    publishing = asyncio.create_task(publish_all(bus))
    for rows, end in ((1_000, own_postgres.process.stop), (8_000, own_postgres.process.kill)):
        await reach(own_postgres.url, rows)
        await asyncio.to_thread(end)
        await eventually(lambda: recorder.said("storage_awaited"))
        await asyncio.to_thread(own_postgres.process.start)
    await publishing
    await reach(own_postgres.url, COUNT)
    await check_everything_is_there_once(own_postgres.url, bus)
    assert recorder.terminate() == 0


async def test_a_nats_server_that_is_killed_loses_nothing_on_the_way_to_the_tables(
    database_url: str, role_url: Callable[[str], str], tmp_path: Path
) -> None:
    plan = NatsServer(tmp_path / "nats", launch.free_port(), launch.free_port(), new_password())
    server = OwnServer(plan, tmp_path / "nats.log")
    server.start()
    environment = {"TRADING_NATS__URL": plan.url, "TRADING_DATABASE__URL": role_url("recorder")}
    recorder = ServiceProcess("recorder", environment, tmp_path / "recorder.log")
    bus = await connect(plan.url, name="test/1")
    try:
        await provision(bus)
        recorder.start()
        publishing = asyncio.create_task(publish_all(bus))
        for rows in (1_000, 5_000, 9_000):
            await reach(database_url, rows)
            server.kill()
            await asyncio.to_thread(server.start)
        await publishing
        await reach(database_url, COUNT)
        await check_everything_is_there_once(database_url, bus)
        assert recorder.terminate() == 0
    finally:
        recorder.kill()
        await bus.close()
        server.kill()


async def test_sigterm_ends_the_recorder_within_five_seconds_even_while_postgres_is_away(
    bus: Bus, recorder_at: Callable[[str], ServiceProcess]
) -> None:
    recorder = recorder_at("postgresql://recorder@127.0.0.1:9/nowhere")
    recorder.start()
    await eventually(lambda: recorder.said("database_awaited"))
    assert recorder.terminate() == 0


def test_the_role_of_the_recorder_cannot_write_elsewhere(role_url: Callable[[str], str]) -> None:
    async def attempt() -> None:
        connection = await asyncpg.connect(role_url("recorder"))
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("INSERT INTO trading_paper.portfolio (name) VALUES ('mine')")
        finally:
            await connection.close()

    asyncio.run(attempt())
