"""The doctor finds what is wrong, says what to do, and is quiet where all is well."""

from __future__ import annotations

import json
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
