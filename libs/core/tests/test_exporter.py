"""What NATS and PostgreSQL say of themselves, from real servers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from trading_core.bus.connection import connect
from trading_core.bus.provision import provision
from trading_core.embedded.launch import free_port
from trading_core.embedded.nats import NatsServer, new_password
from trading_core.exporter import ask
from trading_core.exporter.families import Disk, of_disks, of_nats
from trading_core.testing_servers import OwnServer

A_CONSUMER: dict[str, Any] = {"num_pending": 3, "num_ack_pending": 2, "num_redelivered": 1}


def lines(families: list[Metric]) -> list[str]:
    """The exposition without comments."""

    class Given(Collector):
        def collect(self) -> list[Metric]:
            return families

    registry = CollectorRegistry()
    registry.register(Given())
    return [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]


def test_consumers_without_a_name_are_summed_up() -> None:
    named = {"config": {"durable_name": "rec"}, **A_CONSUMER}
    nameless = {"config": {}, **A_CONSUMER}
    stream = {
        "name": "MARKET", "state": {"messages": 5, "bytes": 500, "last_seq": 9}, "config": {"max_bytes": 1000},
        "consumer_detail": [named, nameless, nameless],
    }  # fmt: skip
    varz = dict.fromkeys(["in_msgs", "out_msgs", "in_bytes", "out_bytes", "connections", "mem", "slow_consumers"], 1)
    said = lines(of_nats(varz, {"api": {"errors": 0}, "account_details": [{"stream_detail": [stream]}]}))
    assert 'trading_consumer_pending_messages{consumer="rec",stream="MARKET"} 3.0' in said
    assert 'trading_consumer_pending_messages{consumer="ordered",stream="MARKET"} 6.0' in said
    assert 'trading_consumers{consumer="ordered",stream="MARKET"} 2.0' in said
    assert 'trading_stream_sequence_total{stream="MARKET"} 9.0' in said


def test_a_disk_is_named_by_what_is_on_it() -> None:
    assert lines(of_disks({"postgres": Disk(100, 20)})) == [
        'trading_disk_bytes{data="postgres"} 100.0',
        'trading_disk_free_bytes{data="postgres"} 20.0',
    ]


@pytest.mark.integration
async def test_real_servers_answer_and_one_that_is_away_says_nothing(
    tmp_path: Path, role_url: Callable[[str], str]
) -> None:
    server = NatsServer(tmp_path / "nats", free_port(), free_port(), new_password())
    process = OwnServer(server, tmp_path / "nats.log")
    process.start()
    try:
        bus = await connect(server.url, name="test")
        await provision(bus)
        await bus.close()
        said = lines(await ask.nats(f"http://127.0.0.1:{server.monitor_port}"))
        assert 'trading_consumer_pending_messages{consumer="rec",stream="MARKET"} 0.0' in said
        assert 'trading_consumer_pending_messages{consumer="broker",stream="SIGNALS"} 0.0' in said
    finally:
        process.stop()
    assert await ask.nats(f"http://127.0.0.1:{server.monitor_port}") == []
    assert await ask.postgres(role_url("grafana_ro").replace("127.0.0.1", "127.0.0.2")) == []
    said = lines(await ask.postgres(role_url("grafana_ro")))
    assert any(line.startswith("trading_postgres_connections ") for line in said)
    assert any(line.startswith('trading_postgres_table_bytes{table="trading_market_data.ticks"}') for line in said)
