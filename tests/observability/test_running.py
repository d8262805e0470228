"""Every panel's question gets data from a running demo, and most alerts fire when their cause is made to happen.

By hand: pytest -m long tests/observability
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from observability_demo import ObservedDemo, exporter_of, observed_demo, strategies_of_which_one_raises
from observability_files import promql, queries, sql
from trading_core.bus.connection import connect
from trading_core.db.roles import url_for
from trading_core.testing import eventually

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
LIMIT_S = 300


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[ObservedDemo]:
    with observed_demo(tmp_path) as made:
        made.stack.settings["TRADING_RUNNER__STRATEGIES_DIR"] = str(strategies_of_which_one_raises(tmp_path))
        made.stack.start()
        await eventually(made.stack.is_up, LIMIT_S)
        with exporter_of(made, tmp_path):
            made.prometheus.start()
            await eventually(made.prometheus.is_ready)
            yield made


async def test_every_panel_gets_data(demo: ObservedDemo) -> None:
    expressions = {where: promql(text, "20s") for where, text in queries("expr").items()}
    waiting = dict(expressions)

    def answered() -> bool:
        demo.browse()
        for where, text in list(waiting.items()):
            if demo.prometheus.query(text):
                del waiting[where]
        assert not waiting, f"no data yet: {waiting}"
        return True

    await eventually(answered, LIMIT_S)
    reader = url_for(demo.superuser(), "grafana_ro", demo.stack.run_folder.secrets()["grafana_ro"])
    connection = await asyncpg.connect(reader, timeout=10)
    try:
        for where, text in queries("rawSql").items():
            assert await connection.fetch(sql(text)), where
    finally:
        await connection.close()


async def test_alerts_fire_when_their_cause_happens(demo: ObservedDemo) -> None:
    """One cause after the other; what each broke is mended before the next."""

    async def fires(*alerts: str) -> None:
        await eventually(lambda: set(alerts) <= demo.firing(), LIMIT_S)

    async def provoked(cause: Callable[[], contextlib.AbstractContextManager[None]], *alerts: str) -> None:
        with cause():
            await fires(*alerts)

    await fires("StrategyFailed", "DiskFilling")
    await eventually(lambda: demo.prometheus.query("trading_open_positions > 0"), LIMIT_S)
    await provoked(lambda: demo.frozen("venue-sim"), "FeedSilent")
    await provoked(lambda: demo.frozen("api"), "ServiceDown")
    await provoked(lambda: demo.frozen("postgres"), "RecorderLagging", "ServiceDegraded")
    await provoked(lambda: demo.frozen("strategy-runner"), "StrategySilent")
    os.kill(demo.pid("collector-hl"), signal.SIGKILL)
    await fires("GapLost")
    assert demo.control("limits", "--strategy", "rsi_mean_reversion", "--set", "max_daily_loss=0.0000001") == 0
    await fires("DailyLossLimit")
    await tampered(demo, fires)


async def tampered(demo: ObservedDemo, fires: Callable[..., Awaitable[None]]) -> None:
    """What only somebody with the superuser's password or the bus can break."""
    connection = await asyncpg.connect(demo.superuser(), timeout=10)
    try:
        await connection.execute("SET session_replication_role = replica")
        changed = await connection.execute(
            "UPDATE trading_paper.positions SET realised_pnl = realised_pnl + 1 WHERE id = "
            "(SELECT max(id) FROM trading_paper.positions WHERE status = 'CLOSED')"
        )
        assert changed == "UPDATE 1"
        # Of another time than all others, so that it is in no month's partition.
        await connection.execute(
            "INSERT INTO trading_market_data.ticks (ts, event_id, exchange, asset, kind, visible_ms, payload) "
            "VALUES ('2099-01-01', 'x', 'hyperliquid', 'BTC', 'trade', 1, '{}')"
        )
    finally:
        await connection.close()
    os.kill(demo.pid("paper-broker"), signal.SIGKILL)
    await fires("IdentityViolated", "AuditFindings")
    with demo.stack.data(nats=True) as variables:
        login = demo.stack.run_folder.nats_login(variables["TRADING_NATS__URL"], "provision")
        bus = await connect(login, name="vandal")
    try:
        await bus.js.delete_stream("EXEC")
        await fires("OutboxOld")
    finally:
        await bus.close()
