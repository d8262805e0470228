"""Real servers for every test that wants them, in this order: those that TEST_NATS_URL and TEST_DATABASE_URL name,
containers where a Docker daemon answers (TEST_CONTAINERS=0: not even then), and the wheels.

One nats-server and one PostgreSQL per test session; a database per test, copied from one that is migrated
once. Nothing is skipped for want of a server: a missing one fails with a sentence.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import hypothesis
import pytest

import server_containers
from trading_core.db.migrate import migrate
from trading_core.db.roles import LOGIN_ROLES, set_passwords, url_for
from trading_core.embedded import launch, nats, postgres
from trading_core.testing_servers import OwnPostgres, ServiceAt, ServiceProcess

if TYPE_CHECKING:
    from trading_core.bus.connection import Bus

# A busy machine is no failing example.
hypothesis.settings.register_profile("platform", deadline=None)
hypothesis.settings.load_profile("platform")

ROLE_PASSWORD = nats.new_password()
_numbers = itertools.count(1)


def run_apart(work: Coroutine[Any, Any, None]) -> None:
    """Runs `work` to its end in a thread, so that it never meets the event loop of a test."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    with launch.temporary_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def nats_url(server_folder: Path) -> Iterator[str]:
    """A nats-server with JetStream and an empty store."""
    if given := os.environ.get("TEST_NATS_URL"):
        yield given
        return
    with server_containers.nats() as contained:
        if contained is not None:
            yield contained
            return
    folder = server_folder / "nats"
    folder.mkdir()
    plan = nats.scratch_launch(folder)
    process = launch.start(plan, folder / "log")
    try:
        launch.wait_ready(process, lambda: nats.scratch_url(folder) is not None, plan, folder / "log")
        url = nats.scratch_url(folder)
        assert url is not None
        yield url
    finally:
        launch.stop(process, plan.stop_signal)


@pytest.fixture(scope="session")
def postgres_url(server_folder: Path) -> Iterator[str]:
    """A PostgreSQL, as its superuser, on a database that no test writes to."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    with server_containers.postgres() as contained:
        if contained is not None:
            yield contained
            return
    folder = server_folder / "postgres"
    server = postgres.PostgresServer(folder, launch.free_port(), password=None)
    plan = server.prepare()
    log = server_folder / "postgres.log"
    process = launch.start(plan, log)
    try:
        launch.wait_ready(process, server.ready, plan, log)
        yield server.url()
    finally:
        launch.stop(process, plan.stop_signal)


def _with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def _execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> Iterator[str]:
    """The name of a migrated database that tests get copies of."""
    name = f"template_{os.getpid()}"
    run_apart(_execute(postgres_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}"'))
    migrate(_with_database(postgres_url, name))
    run_apart(set_passwords(postgres_url, dict.fromkeys(LOGIN_ROLES, ROLE_PASSWORD)))
    yield name
    run_apart(_execute(postgres_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


@pytest.fixture
def database_url(postgres_url: str, template_database: str) -> Iterator[str]:
    """A migrated database of the test's own, as superuser."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    run_apart(_execute(postgres_url, f'CREATE DATABASE "{name}" TEMPLATE "{template_database}"'))
    yield _with_database(postgres_url, name)
    run_apart(_execute(postgres_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


@pytest.fixture
def empty_database_url(postgres_url: str) -> Iterator[str]:
    """A database of the test's own without any schema, as superuser: for tests of the migrations."""
    name = f"empty_{os.getpid()}_{next(_numbers)}"
    run_apart(_execute(postgres_url, f'CREATE DATABASE "{name}"'))
    yield _with_database(postgres_url, name)
    run_apart(_execute(postgres_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


@pytest.fixture
def role_url(database_url: str) -> Callable[[str], str]:
    """`role_url("recorder")`: the URL of the test's database for that role, with its rights and no others."""
    return lambda role: url_for(database_url, role, ROLE_PASSWORD)


async def _provisioned(bus: Bus) -> bool:
    """Not at once: the server goes on deleting the files of a stream for a moment after its answer."""
    from trading_core.bus.provision import provision
    from trading_core.errors import ConfigError

    try:
        await provision(bus)
    except ConfigError as error:
        raise AssertionError(str(error)) from error
    return True


@pytest.fixture
async def bus(nats_url: str) -> AsyncIterator[Bus]:
    """A connected bus; its streams and durables are new, so no message or deduplication id is left from before."""
    from trading_core.bus.connection import connect
    from trading_core.streams import ALL
    from trading_core.testing import eventually

    connected = await connect(nats_url, name="test")
    try:
        present = {info.config.name for info in await connected.js.streams_info()}
        for stream in ALL:
            if stream.name in present:
                await connected.js.delete_stream(stream.name)
        await eventually(partial(_provisioned, connected))
        yield connected
    finally:
        await connected.close()


@pytest.fixture
def own_postgres(server_folder: Path) -> Iterator[OwnPostgres]:
    """A PostgreSQL that the test may stop and kill; the fast settings of the shared one would lose commits."""
    folder = server_folder / f"postgres_{next(_numbers)}"
    folder.mkdir()
    postgres = OwnPostgres(folder, ROLE_PASSWORD)
    postgres.process.start()
    try:
        migrate(postgres.url)
        run_apart(set_passwords(postgres.url, dict.fromkeys(LOGIN_ROLES, ROLE_PASSWORD)))
        yield postgres
    finally:
        postgres.process.stop()
        postgres.server.remove()


@pytest.fixture
def service_at(nats_url: str, role_url: Callable[[str], str], tmp_path: Path) -> Iterator[ServiceAt]:
    """`service_at("recorder", "recorder")`: that service as a process, not started yet; it ends with the test."""
    made: list[ServiceProcess] = []
    root = Path(__file__).parent

    def build(module: str, role_or_url: str, **environment: str) -> ServiceProcess:
        settings = {
            "TRADING_CONFIG": str(root / "config.yaml"),
            "TRADING_RUNNER__STRATEGIES_DIR": str(root / "strategies"),
            "TRADING_NATS__URL": nats_url,
            "TRADING_DATABASE__URL": role_or_url if "://" in role_or_url else role_url(role_or_url),
        }
        made.append(ServiceProcess(module, {**settings, **environment}, tmp_path / f"{module}{len(made)}.log"))
        return made[-1]

    yield build
    for process in made:
        process.kill()
