"""The doctor finds what is wrong, says what to do, and is quiet where all is well."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from trading_core.__main__ import main
from trading_core.bus.connection import Bus
from trading_core.config import DatabaseConfig, NatsConfig, Settings
from trading_core.doctor import database, findings, streaming
from trading_core.doctor.findings import Finding


def test_a_reader_that_lost_messages_fails_and_a_slow_one_warns() -> None:
    assert findings.of_lag("MARKET", "rec", 0, 10, 500).level == "ok", "all read: the stream may forget"
    assert findings.of_lag("MARKET", "rec", 10_001, 499, 500).level == "warning"
    lost = findings.of_lag("MARKET", "rec", 5, 10, 500)
    assert (lost.level, lost.says) == ("failed", "489 messages left the stream before they were read")


def test_a_service_is_judged_by_its_newest_heartbeat() -> None:
    levels = [
        findings.of_beat("api", None, "", ()).level,
        findings.of_beat("api", 16, "ok", ()).level,
        findings.of_beat("api", 3, "degraded", ["a.b cannot be reached"]).level,
        findings.of_beat("api", 3, "standby", ()).level,
    ]
    assert levels == ["failed", "failed", "warning", "ok"]


def test_every_failure_says_what_to_do() -> None:
    bad = [
        findings.of_config("stream X", ["max_age is 1, not 2"]),
        findings.of_schema("0001", "0002"),
        findings.of_schema(None, "0002"),
        findings.of_offset("postgres", -1_500),
        findings.of_disk("/", 10),
        findings.of_outbox(61),
        findings.of_identities({"balance": 2}),
        findings.of_coverage("2026-11-20", {"hyperliquid BTC ctx": 0.5, "hyperliquid ETH ctx": 1.0}),
    ]
    assert all(finding.advice and finding.level in ("failed", "warning") for finding in bad)
    assert findings.exit_code(bad) == 1
    assert findings.exit_code([findings.of_offset("x", 2_000)]) == 0, "a warning alone is no failure"


@pytest.mark.integration
async def test_the_doctor_of_servers_without_services(bus: Bus, nats_url: str, database_url: str) -> None:
    settings = Settings(database=DatabaseConfig(url=database_url), nats=NatsConfig(url=nats_url))
    found = {one.check: one async for one in database.checks(settings)}
    unwell = {name: one.level for name, one in found.items() if one.level != "ok"}
    assert unwell == dict.fromkeys(("collector-hl", *findings.EXPECTED), "failed")
    found = {one.check: one async for one in streaming.checks(settings)}
    assert {one.level for one in found.values()} == {"ok"}, found
    await bus.js.delete_consumer("SIGNALS", "broker")
    await bus.js.delete_stream("LEASE")
    found = {one.check: one async for one in streaming.checks(settings)}
    failed = {name for name, one in found.items() if one.level == "failed"}
    assert failed == {"stream LEASE", "consumer broker of SIGNALS"}
    db = await asyncpg.connect(database_url)
    await db.execute("UPDATE alembic_version SET version_num = '0001'")
    await db.close()
    levels: dict[str, Finding] = {one.check: one async for one in database.checks(settings)}
    assert "migrate" in levels["schema"].advice


BEAT = """
INSERT INTO trading_ops.heartbeats (service, instance, sent_at, started_at, status, detail)
SELECT name, '1', clock_timestamp(), now(), 'ok', '{}'
FROM unnest(ARRAY['collector-hl', 'recorder', 'strategy-runner', 'paper-broker', 'api']) AS name
ON CONFLICT (service, instance) DO UPDATE SET sent_at = excluded.sent_at, status = 'ok', detail = '{}'
"""
WELL = """
INSERT INTO trading_paper.portfolio (id, name) VALUES (1, 'default');
INSERT INTO trading_ops.recorded_days (exchange, asset, channel, day, first_ms, last_ms, candles)
SELECT 'hyperliquid', 'BTC', 'candle_1m', day, extract(epoch FROM day)::bigint * 1000,
       extract(epoch FROM day)::bigint * 1000 + 86400000, 1440
FROM unnest(ARRAY[DATE '2026-10-30', DATE '2026-10-31', DATE '2026-11-01']) AS day;
"""
NEXT_MONTH = (
    "DO $$ BEGIN EXECUTE 'DROP TABLE trading_market_data.ticks_' || to_char(now() + '1 month', 'YYYY_MM'); END $$"
)
BROKEN = {
    "partitions": [
        "INSERT INTO trading_market_data.ticks (ts, event_id, exchange, asset, kind, visible_ms, payload) "
        "VALUES ('2099-01-01', 'x', 'hyperliquid', 'BTC', 'trade', 1, '{}')",
        NEXT_MONTH,
    ],
    "recorder": ["UPDATE trading_ops.heartbeats SET sent_at = now() - interval '1 minute' WHERE service = 'recorder'"],
    "paper-broker": [
        "UPDATE trading_ops.heartbeats SET status = 'degraded', detail = '{\"trouble\": [\"no disk\"]}' "
        "WHERE service = 'paper-broker'"
    ],
    "clock of the venue of collector-hl": [
        "UPDATE trading_ops.heartbeats SET detail = '{\"clock_offset_ms\": 5000}' WHERE service = 'collector-hl'"
    ],
    "outbox": [
        "INSERT INTO trading_paper.outbox (portfolio_id, event_id, subject, payload, created_at) "
        "VALUES (1, 'x', 'exec.x', '{}', now() - interval '2 minutes')"
    ],
    "ledger identities": [
        "INSERT INTO trading_paper.signal_inbox (portfolio_id, strategy, exchange, instrument, eval_ms, event_id, "
        "state, payload) VALUES (1, 's', 'hyperliquid', 'BTC', 1, 'sg:1', 'applied', '{}')",
    ],
    "open gaps": [
        "INSERT INTO trading_ops.gaps (event_id, exchange, asset, channel, from_ts, state, opened_visible_ms) "
        "VALUES ('g', 'hyperliquid', 'BTC', 'trade', now(), 'open', 1)"
    ],
    "coverage of 2026-10-31": ["UPDATE trading_ops.recorded_days SET candles = 700 WHERE day = '2026-10-31'"],
    "roles": ["ALTER ROLE backup NOLOGIN", "ALTER ROLE backup LOGIN SUPERUSER"],
}
"""Check -> each way to break it. Nothing is mended in between, but heartbeats are renewed."""


@pytest.mark.integration
async def test_whatever_breaks_in_the_database_is_found_and_nothing_else(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(database=DatabaseConfig(url=database_url))
    db = await asyncpg.connect(database_url)

    async def unwell() -> set[str]:
        found = [one async for one in database.checks(settings)]
        assert all(one.advice or one.check == "paper-broker" for one in found if one.level != "ok"), found
        return {one.check for one in found if one.level != "ok"}

    try:
        await db.execute(WELL)
        await db.execute(BEAT)
        assert await unwell() == set()
        broken: set[str] = set()
        for check, ways in BROKEN.items():
            for way in ways:
                await db.execute(BEAT)
                await db.execute(way)
                found = await unwell()
                assert check in found, way
                assert found <= broken | {check}, way
            broken |= {check} - {"recorder", "paper-broker", "clock of the venue of collector-hl"}
        later = SimpleNamespace(time=lambda: time.time() + 5)
        monkeypatch.setattr(database, "time", later)
        assert "clock of postgres" in await unwell()
        monkeypatch.setattr(database, "OLDEST_SERVER", 99)
        assert "postgres" in await unwell()
    finally:
        await db.execute("ALTER ROLE backup LOGIN NOSUPERUSER")
        await db.close()


@pytest.mark.integration
async def test_a_stream_that_was_changed_by_hand_is_found(bus: Bus, nats_url: str) -> None:
    info = await bus.js.stream_info("OPS")
    await bus.js.update_stream(info.config.evolve(max_age=3600))
    settings = Settings(nats=NatsConfig(url=nats_url))
    found = [one async for one in streaming.checks(settings) if one.level != "ok"]
    assert [one.check for one in found] == ["stream OPS"]
    assert "max_age is 3600000000000, not " in found[0].says
    assert "provision" in found[0].advice


@pytest.mark.integration
async def test_a_login_with_few_rights_skips_what_it_may_not_see(role_url: Any, nats_url: str) -> None:
    settings = Settings(database=DatabaseConfig(url=role_url("research")), nats=NatsConfig(url=nats_url))
    levels = {one.check: one.level async for one in database.checks(settings)}
    assert levels["schema"] == "skipped"
    assert levels["ledger identities"] == "ok"


def test_servers_that_are_away_are_one_failure_each(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(database, "REACH_S", 0.3)
    monkeypatch.setattr("trading_core.bus.connection.REACH_S", 0.3)
    monkeypatch.setenv("TRADING_DATABASE__URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("TRADING_NATS__URL", "nats://127.0.0.1:1")
    assert main(["doctor", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert {one["check"] for one in found if one["level"] == "failed"} == {"postgres", "nats"}
