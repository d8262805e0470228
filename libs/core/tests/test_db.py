"""Migrations both ways, and connections that wait for a database that is not there yet."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from trading_core.db.migrate import downgrade, migrate
from trading_core.db.pool import connect, connect_pool, where
from trading_core.db.roles import url_for
from trading_core.embedded import launch, postgres
from trading_core.errors import ConfigError


async def schemas(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'trading%'")
        return {row["nspname"] for row in rows}
    finally:
        await connection.close()


async def test_migrations_go_up_down_and_up_again(empty_database_url: str) -> None:
    wanted = {"trading_market_data", "trading_signals", "trading_paper", "trading_ops", "trading_research"}
    await asyncio.to_thread(migrate, empty_database_url)
    await asyncio.to_thread(migrate, empty_database_url)
    assert await schemas(empty_database_url) == wanted
    await asyncio.to_thread(downgrade, empty_database_url)
    assert await schemas(empty_database_url) == set()
    await asyncio.to_thread(migrate, empty_database_url)
    assert await schemas(empty_database_url) == wanted


async def test_facts_cannot_be_rewritten_even_by_the_superuser(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "INSERT INTO trading_ops.dead_letters (event_id, subject, source, reason, payload) "
            "VALUES ('1', 's', 's', 'r', 'p')"
        )
        for statement in ("UPDATE trading_ops.dead_letters SET reason = 'x'", "DELETE FROM trading_ops.dead_letters"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_pool_waits_until_the_server_is_there(tmp_path: Path) -> None:
    server = postgres.PostgresServer(tmp_path / "postgres", launch.free_port(), password=None)
    waiting = asyncio.create_task(connect_pool(server.url(), role_name="early"))
    await asyncio.sleep(0)
    assert not waiting.done()
    plan = await asyncio.to_thread(server.prepare)
    process = launch.start(plan, tmp_path / "log")
    try:
        pool = await asyncio.wait_for(waiting, 60)
        assert await pool.fetchval("SHOW application_name") == "early"
        await pool.close()
    finally:
        launch.stop(process, plan.stop_signal)
        server.remove()


async def test_a_missing_database_is_a_setting_to_change_and_no_reason_to_wait(postgres_url: str) -> None:
    with pytest.raises(ConfigError, match=r"database.url: .*refused the connection.*nowhere"):
        await connect(postgres_url.rsplit("/", 1)[0] + "/nowhere")


def test_urls_change_their_login_and_lose_it_in_logs() -> None:
    url = "postgresql://me:old@db.example:5433/trading?sslmode=require"
    assert url_for(url, "recorder", "a/b") == "postgresql://recorder:a%2Fb@db.example:5433/trading?sslmode=require"
    assert where(url) == "db.example:5433/trading"
