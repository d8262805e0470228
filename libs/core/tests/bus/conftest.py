"""A nats-server that a test may kill, and a bus on it."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from trading_core.bus.connection import Bus, connect
from trading_core.bus.provision import provision
from trading_core.embedded import launch
from trading_core.embedded.nats import NatsServer, binary, new_password
from trading_core.messages import TradeMessage
from trading_core.testing_servers import OwnServer


@pytest.fixture
def own_nats(tmp_path: Path) -> NatsServer:
    return NatsServer(tmp_path / "nats", launch.free_port(), launch.free_port(), new_password())


@pytest.fixture
def own_server(own_nats: NatsServer, tmp_path: Path) -> Iterator[OwnServer]:
    server = OwnServer(own_nats, tmp_path / "nats.log")
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def own_bus(own_server: OwnServer, own_nats: NatsServer) -> AsyncIterator[Bus]:
    bus = await connect(own_nats.url, name="test/1", on_error=lambda _error: None)
    await provision(bus)
    yield bus
    await bus.close()


class GuardedNats:
    """A server whose only user may not publish to one subject."""

    def __init__(self, folder: Path, denied: str) -> None:
        self.port = launch.free_port()
        self._config = folder / "guarded.conf"
        self._config.write_text(
            f"""
            host: 127.0.0.1
            port: {self.port}
            jetstream {{ store_dir: "{folder / "guarded"}" }}
            authorization {{ users: [
                {{ user: someone, password: for-this-test, permissions: {{ publish: {{ deny: "{denied}" }} }} }}
            ] }}
            """
        )

    def prepare(self) -> launch.Launch:
        return launch.Launch("nats-server", (str(binary()), "-c", str(self._config)), signal.SIGTERM)

    def ready(self) -> bool:
        return launch.answers(self.port)


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Callable[[str], Awaitable[tuple[Bus, list[Exception]]]]]:
    """`await guarded("exec.>")`: a bus that may not publish there, and what it hears."""
    opened: list[tuple[Bus, OwnServer]] = []

    async def open_bus(denied: str) -> tuple[Bus, list[Exception]]:
        plan = GuardedNats(tmp_path, denied)
        server = OwnServer(plan, tmp_path / "guarded.log")
        server.start()
        heard: list[Exception] = []
        url = f"nats://someone:for-this-test@127.0.0.1:{plan.port}"
        bus = await connect(url, name="test/1", on_error=heard.append)
        opened.append((bus, server))
        return bus, heard

    yield open_bus
    for bus, server in opened:
        await bus.close()
        server.kill()


@pytest.fixture
def a_trade() -> Callable[[int], TradeMessage]:
    """`a_trade(7)` has the id `t:7`."""

    def build(number: int) -> TradeMessage:
        return TradeMessage(
            id=f"t:{number}",
            exchange="hyperliquid",
            asset="BTC",
            event_time_ms=number,
            visible_ms=number,
            price="100.5",
            size="0.25",
            side="buy",
            trade_id=str(number),
        )

    return build
