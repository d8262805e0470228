"""The frame around a service, seen from outside: its exit code, its log and its heartbeat."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from trading_core.bus.connection import Bus
from trading_core.embedded.launch import free_port
from trading_core.messages import HeartbeatMessage, decode
from trading_core.runtime import instance_name
from trading_core.streams import HEALTH, heartbeat_subject
from trading_core.testing import eventually

SERVICES = """
import asyncio, sys
from trading_core.errors import ConfigError
from trading_core.runtime import Runtime, main

async def waits(runtime: Runtime) -> None:
    runtime.health.event_time_ms = 1000
    runtime.log.bind(strategy="s", asset="BTC").info("position_closed", held_ms=5)
    await runtime.stop.wait()

async def hangs(runtime: Runtime) -> None:
    runtime.log.info("hang_begun")
    while True:
        await asyncio.sleep(1)

async def crashes(runtime: Runtime) -> None:
    raise RuntimeError("broken on purpose")

async def misconfigured(runtime: Runtime) -> None:
    raise ConfigError("strategies.x is wrong. Fix it.")

sys.exit(main("probe-service", globals()[sys.argv[1]], needs_bus=sys.argv[2] == "bus"))
"""


class Service:
    """One service process in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, kind: str, bus: str = "no", **environment: str) -> subprocess.Popen[bytes]:
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SERVICES, kind, bus],
                cwd=self.folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
            )
        return self.process

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def events(self) -> list[str]:
        return [line["event"] for line in self.lines()]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(tmp_path)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.wait()


async def test_a_stop_ends_it_with_0_and_every_line_names_the_service(service: Service) -> None:
    process = service.start("waits")
    await eventually(lambda: "position_closed" in service.events())
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert service.events() == ["service_started", "position_closed", "service_stopped"]
    closed = service.lines()[1]
    assert list(closed) == ["time", "level", "service", "event", "strategy", "asset", "held_ms", "instance"]
    assert closed["service"] == "probe-service"
    assert closed["time"].endswith("Z")


async def test_one_that_does_not_return_is_ended(service: Service) -> None:
    process = service.start("hangs")
    await eventually(lambda: "hang_begun" in service.events())
    process.send_signal(signal.SIGTERM)
    await eventually(lambda: process.poll() is not None)
    assert process.returncode == 0
    assert "stop_limit_exceeded" in service.events()


async def test_a_wrong_setting_ends_it_with_2_and_a_crash_with_1(service: Service) -> None:
    assert service.start("waits", TRADING_API__PORT="eighty").wait(20) == 2
    [line] = service.lines()
    assert line["event"] == "settings_refused"
    assert "api.port must be a whole number" in line["problem"]
    assert service.start("misconfigured").wait(20) == 2
    assert service.start("crashes").wait(20) == 1
    assert "broken on purpose" in service.lines()[-1]["exception"]


@pytest.mark.parametrize(
    ("given", "name"),
    [(None, "1"), ("", "1"), ("7", "7"), ("Runner.A", "runner-a"), ("hostname", "3f0c-b")],
)
def test_an_instance_has_a_name_that_a_subject_can_hold(
    monkeypatch: pytest.MonkeyPatch, given: str | None, name: str
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "3F0C.B")
    monkeypatch.delenv("TRADING_INSTANCE", raising=False)
    if given is not None:
        monkeypatch.setenv("TRADING_INSTANCE", given)
    assert instance_name() == name


async def test_it_says_every_few_seconds_how_it_does(service: Service, bus: Bus, nats_url: str) -> None:
    process = service.start("waits", "bus", TRADING_NATS__URL=nats_url, TRADING_INSTANCE="7")
    subject = heartbeat_subject("probe-service", "7")

    async def position() -> int | None:
        delivered = await bus.last(HEALTH, subject)
        message = decode(delivered.data) if delivered else None
        return message.event_time_ms if isinstance(message, HeartbeatMessage) else None

    assert await eventually(position) == 1000
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


async def test_it_waits_for_nats_and_can_be_stopped_meanwhile(service: Service) -> None:
    process = service.start("waits", "bus", TRADING_NATS__URL=f"nats://127.0.0.1:{free_port()}")
    await eventually(lambda: "nats_error_heard" in service.events())
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert "service_started" not in service.events()


async def test_metrics_are_served_on_the_given_port(service: Service) -> None:
    port = free_port()
    service.start("waits", TRADING_METRICS_PORT=str(port))
    await eventually(lambda: "service_started" in service.events())
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{port}/metrics")
        ready = await client.get(f"http://127.0.0.1:{port}/readyz")
        alive = await client.get(f"http://127.0.0.1:{port}/healthz")
        nothing = await client.get(f"http://127.0.0.1:{port}/nothing")
    assert "process_cpu_seconds_total" in answer.text
    assert (ready.status_code, ready.json()["status"], ready.json()["event_time_ms"]) == (200, "ok", 1000)
    assert (alive.status_code, nothing.status_code) == (200, 404)


async def test_a_taken_port_of_the_probes_is_a_setting_to_change(service: Service) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = service.start("waits", TRADING_METRICS_PORT=str(taken.getsockname()[1]))
        assert process.wait(20) == 2
    assert "Choose another port" in service.log.read_text()
