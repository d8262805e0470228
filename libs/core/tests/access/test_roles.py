"""Each role of the database may not do what is none of its business: one table of what must be denied."""

from __future__ import annotations

from collections.abc import Callable

import asyncpg
import pytest

LEDGER, SIGNALS, MARKET = "trading_paper.positions", "trading_signals.signals", "trading_market_data.candles"
GAPS = "trading_ops.gaps"
CHANGES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")
EVERY = (LEDGER, SIGNALS, MARKET, GAPS)
DENIED: dict[str, dict[str, tuple[str, ...]]] = {
    "runner_ro": {"SELECT": (LEDGER, SIGNALS), **dict.fromkeys(CHANGES, EVERY)},
    "api_ro": dict.fromkeys(CHANGES, EVERY),
    "grafana_ro": dict.fromkeys(CHANGES, EVERY),
    "research": dict.fromkeys(CHANGES, EVERY),
    "backup": dict.fromkeys(CHANGES, EVERY),
    "recorder": {"INSERT": (LEDGER,), "UPDATE": (LEDGER, SIGNALS), **dict.fromkeys(CHANGES[2:], EVERY)},
    "broker": {"INSERT": (MARKET, GAPS), "UPDATE": (MARKET, GAPS), **dict.fromkeys(CHANGES[2:], EVERY)},
    "maintenance": {"INSERT": (LEDGER, SIGNALS), "UPDATE": (LEDGER, SIGNALS), "DELETE": (LEDGER,)},
}
STATEMENTS = {
    "SELECT": "SELECT 1 FROM {} LIMIT 1",
    "INSERT": "INSERT INTO {} DEFAULT VALUES",
    "UPDATE": "UPDATE {} SET asset = asset",
    "DELETE": "DELETE FROM {}",
    "TRUNCATE": "TRUNCATE {}",
}
EVERYWHERE = ("CREATE ROLE intruder", "CREATE SCHEMA intruder", "ALTER SYSTEM SET work_mem = '1GB'",
              "COPY (SELECT 1) TO PROGRAM 'true'", "SELECT pg_read_file('/etc/passwd')")  # fmt: skip


@pytest.mark.parametrize("role", DENIED)
async def test_a_role_is_denied_what_is_none_of_its_business(role: str, role_url: Callable[[str], str]) -> None:
    statements = [STATEMENTS[verb].format(table) for verb, tables in DENIED[role].items() for table in tables]
    connection = await asyncpg.connect(role_url(role))
    let = []
    try:
        # A read-only session would deny without a word about rights; they must hold without it too.
        await connection.execute("SET default_transaction_read_only = off")
        for statement in (*statements, *EVERYWHERE):
            try:
                await connection.execute(statement)
            except asyncpg.InsufficientPrivilegeError:
                continue
            except asyncpg.PostgresError as error:
                let.append(f"{statement}: {type(error).__name__}")
            else:
                let.append(statement)
    finally:
        await connection.close()
    assert not let
