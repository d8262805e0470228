"""kill -9 of broker, recorder, nats-server and PostgreSQL under load: nothing is lost, doubled or unexplained."""

from __future__ import annotations

from pathlib import Path

import pytest
from a_run import an_hour
from a_storm import Storm, judge

from trading_core.bus.connection import connect
from trading_core.bus.provision import provision
from trading_core.embedded import launch
from trading_core.embedded.nats import NatsServer, new_password
from trading_core.testing_servers import OwnPostgres, OwnServer, ServiceAt

BUSY = {"TRADING_BROKER__MAX_DAILY_LOSS": "1", "TRADING_BROKER__COOLDOWN_S": "0"}
"""Made-up signals lose money: without these the strategies would soon be paused and nothing would fill."""


@pytest.mark.integration
async def test_a_few_kills(
    own_postgres: OwnPostgres, service_at: ServiceAt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of the four dies once or twice while a minute of market time passes every tenth of a second."""
    await storm(own_postgres, service_at, tmp_path, monkeypatch, minutes=60, period_s=0.1, pause_s=(0.2, 1.0))


@pytest.mark.long
@pytest.mark.timeout(1_200)
async def test_five_minutes_of_kills_at_twenty_signals_a_second(
    own_postgres: OwnPostgres, service_at: ServiceAt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2,000 minutes of market time, three tradable signals each on average."""
    await storm(own_postgres, service_at, tmp_path, monkeypatch, minutes=2_000, period_s=0.15, pause_s=(1.0, 4.0))


async def storm(
    own_postgres: OwnPostgres, service_at: ServiceAt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    *, minutes: int, period_s: float, pause_s: tuple[float, float],
) -> None:  # fmt: skip
    nats = NatsServer(tmp_path / "nats", launch.free_port(), launch.free_port(), new_password())
    server = OwnServer(nats, tmp_path / "nats.log")
    server.start()
    bus = await connect(nats.url, name="test/1", on_error=lambda _error: None)
    try:
        await provision(bus)
        for name, value in BUSY.items():
            monkeypatch.setenv(name, value)  # the services inherit it, and the audit must know the rules of the run
        services = {
            name: service_at(name, own_postgres.role_url(role), TRADING_NATS__URL=nats.url)
            for name, role in (("paper_broker", "broker"), ("recorder", "recorder"))
        }
        for service in services.values():
            service.start()
        hour = an_hour(seed=8, minutes=minutes)
        run = Storm(
            bus, hour, {**services, "nats": server, "postgres": own_postgres.process}, period_s, pause_s, seed=5
        )
        await run.run()
        monkeypatch.setenv("TRADING_DATABASE__URL", own_postgres.url)
        print(dict(run.kills), await judge(bus, own_postgres.url, hour, tmp_path / "audit.json"))
        assert len(run.kills) == 4
        await run.publisher.close()
    finally:
        await bus.close()
        server.kill()
