"""A recorder in this process, and one as a process of its own that may be killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import structlog

from recorder.service import start
from trading_core.bus.connection import Bus
from trading_core.config import DatabaseConfig, Settings
from trading_core.runtime import Runtime
from trading_core.testing_servers import ServiceProcess


@pytest.fixture
async def runtime(bus: Bus, role_url: Callable[[str], str]) -> Runtime:
    """What `start` gets: the test's bus, and its database with the recorder's own rights."""
    settings = Settings(database=DatabaseConfig(url=role_url("recorder")))
    log = structlog.get_logger()
    return Runtime("recorder", "1", settings, log, asyncio.Event(), started_time_ms=0, _bus=bus)


@pytest.fixture
async def recording(runtime: Runtime) -> AsyncIterator[Runtime]:
    """A recorder that runs until the end of the test; it must then stop by itself."""
    task = asyncio.create_task(start(runtime))
    yield runtime
    runtime.stop.set()
    await asyncio.wait_for(task, 60)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
def recorder_at(nats_url: str, tmp_path: Path) -> Iterator[Callable[[str], ServiceProcess]]:
    """`recorder_at(url)`: a recorder of its own on the test's streams that writes to that database."""
    started: list[ServiceProcess] = []

    def build(database_url: str) -> ServiceProcess:
        environment = {"TRADING_NATS__URL": nats_url, "TRADING_DATABASE__URL": database_url}
        started.append(ServiceProcess("recorder", environment, tmp_path / f"recorder{len(started)}.log"))
        return started[-1]

    yield build
    for process in started:
        process.kill()
