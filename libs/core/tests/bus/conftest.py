"""A nats-server that a test may kill, and a bus on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from trading_core.bus.connection import Bus, connect
from trading_core.bus.provision import provision
from trading_core.embedded import launch
from trading_core.embedded.nats import NatsServer, new_password
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
