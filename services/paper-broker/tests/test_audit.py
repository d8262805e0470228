"""A person steers a live broker, it is killed meanwhile, and the audit still recomputes every number of its ledger."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from a_run import an_hour, publish

from trading_api.app import create_app
from trading_api.context import Context
from trading_api.database import Database
from trading_core.__main__ import main
from trading_core.bus.connection import Bus
from trading_core.config import Settings
from trading_core.control.client import ask
from trading_core.control.requests import Answer, Request
from trading_core.db.times import utc
from trading_core.testing import eventually
from trading_core.testing_servers import ServiceAt

pytestmark = pytest.mark.integration


async def test_what_people_asked_for_is_kept_replays_and_every_planted_error_is_named(
    bus: Bus, database_url: str, service_at: ServiceAt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour = an_hour(seed=3, minutes=24)
    broker, recorder = service_at("paper_broker", "broker"), service_at("recorder", "recorder")
    recorder.start()
    broker.start()
    db = await asyncpg.connect(database_url)
    await publish(bus, hour, range(1, 13))
    await _valued(db, "trading_paper.mark_to_market", hour.grids[35].ts)

    paused = await ask(bus, "pause", a_request("p1", strategy="funding_arb"))
    assert (paused.status, paused.event_time_ms) == ("applied", hour.grids[35].ts)
    assert (await ask(bus, "pause", a_request("p1", strategy="funding_arb"))) == paused
    other = await ask(bus, "pause", a_request("p1", strategy="rsi_mean_reversion"))
    assert (other.status, other.reason.split(".")[0][:34]) == ("refused", "request id p1 was another request ")
    open_before = await db.fetchval("SELECT count(*) FROM trading_paper.positions WHERE status = 'OPEN'")
    closed = await _close_all_by_the_api(bus)
    assert sum(event.startswith("fl:") for event in closed) == open_before > 0
    limits = a_request("l1", strategy="rsi_mean_reversion", limits={"max_positions": 1, "stop_loss": "0.005"})
    assert (await ask(bus, "limits", limits)).status == "applied"
    assert await _refused(bus, "resume", a_request("r0", strategy="nobody")) == "there is no enabled strategy nobody"

    broker.kill()
    broker.start()
    await publish(bus, hour, range(13, 19))
    await _valued(db, "trading_paper.mark_to_market", hour.grids[53].ts)
    opened = "SELECT count(*) FROM trading_paper.positions WHERE strategy = $1 AND entry_ts > $2"
    assert await db.fetchval(opened, "funding_arb", utc(hour.grids[35].ts)) == 0
    assert (await ask(bus, "resume", a_request("r1"))).status == "applied"
    await publish(bus, hour, range(19, 25))
    await _valued(db, "trading_paper.mark_to_market", hour.grids[-1].ts)
    await _valued(db, "(SELECT * FROM trading_ops.exec_events WHERE kind = 'equity')", hour.grids[-1].ts)
    await eventually(lambda: _recorded(db, hour.grids[-1].ts), timeout=30)

    kept = await db.fetch("SELECT request_id, verb, who, why FROM trading_paper.commands ORDER BY applied_at")
    assert [tuple(row) for row in kept] == [
        ("p1", "pause", "ann", "a test"), ("c1", "close", "ann", "a test"), ("l1", "limits", "ann", "a test"),
        ("r1", "resume", "ann", "a test"),
    ]  # fmt: skip
    told = "SELECT count(*) FROM trading_ops.events WHERE service = 'paper-broker' AND event = 'command'"
    await eventually(lambda: _is(db, told, 6))  # four applied, two refused

    monkeypatch.setenv("TRADING_DATABASE__URL", database_url)
    report = tmp_path / "audit.json"
    assert await _audit(report) == (0, set())
    await _plant(db)
    code, found = await _audit(report)
    assert code == 1
    assert found >= {
        ("fills", "fee"), ("positions", "realised_pnl"), ("mark_to_market", "total_equity"), ("decisions", "reason"),
        ("funding_payments", "the row"), ("ledger_entries", "lines"),
    }  # fmt: skip
    await db.close()


async def _close_all_by_the_api(bus: Bus) -> list[str]:
    settings = Settings(api={"control_token": "a-token-of-this-test"})
    transport = httpx.ASGITransport(app=create_app(Context(settings, Database(), bus=bus)))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.post(
            "/api/control/close",
            json={"who": "ann", "why": "a test", "all": True},
            headers={"Authorization": "Bearer a-token-of-this-test", "Idempotency-Key": "c1"},
        )
    assert answer.status_code == 200, answer.text
    events: list[str] = answer.json()["events"]
    return events


def a_request(request_id: str, **changes: Any) -> Request:
    return Request(**{"request_id": request_id, "who": "ann", "why": "a test", **changes})


async def _refused(bus: Bus, verb: Any, request: Request) -> str:
    answer: Answer = await ask(bus, verb, request)
    assert answer.status == "refused"
    return answer.reason.split(".")[0]


async def _valued(db: asyncpg.Connection, table: str, ts: int) -> None:
    """Returns once the valuation of that grid point is there."""
    await eventually(lambda: _is(db, f"SELECT max(ts) FROM {table} found", utc(ts)), timeout=60)  # noqa: S608


async def _recorded(db: asyncpg.Connection, ts: int) -> bool:
    grids = await db.fetchval("SELECT count(*) FROM trading_ops.grids WHERE eval_ms = $1", ts)
    streams = await db.fetchval(
        "SELECT count(DISTINCT stream) FROM trading_ops.watermarks WHERE watermark_ms >= $1", ts
    )
    return bool(grids == 3 and streams == 2)


async def _is(db: asyncpg.Connection, sql: str, wanted: int | datetime) -> bool:
    return bool(await db.fetchval(sql) == wanted)


async def _audit(report: Path) -> tuple[int, set[tuple[str, str]]]:
    code = await asyncio.to_thread(main, ["audit", "--json", str(report)])
    written = await asyncio.to_thread(report.read_text)
    return code, {(one["table"], one["column"]) for one in json.loads(written)["differences"]}


PLANTED = (
    "UPDATE trading_paper.fills SET fee = fee + 0.000001 "
    "WHERE event_id = (SELECT max(event_id) FROM trading_paper.fills)",
    "UPDATE trading_paper.positions SET realised_pnl = realised_pnl + 1 "
    "WHERE event_id = (SELECT max(event_id) FROM trading_paper.positions WHERE status = 'CLOSED')",
    "UPDATE trading_paper.mark_to_market SET total_equity = total_equity + 1 "
    "WHERE id = (SELECT max(id) FROM trading_paper.mark_to_market)",
    "UPDATE trading_paper.decisions SET reason = 'cooldown' "
    "WHERE event_id = (SELECT max(event_id) FROM trading_paper.decisions WHERE reason = 'paused')",
    "UPDATE trading_paper.ledger_lines SET amount = amount + 1 "
    "WHERE entry_id = (SELECT max(event_id) FROM trading_paper.ledger_entries WHERE kind = 'fee')",
    "INSERT INTO trading_paper.funding_payments SELECT 'fu:made up', portfolio_id, event_id, entry_ts, entry_ts, "
    "0.1, 1, 1, 0.1, '{}' FROM trading_paper.positions LIMIT 1",
)


async def _plant(db: asyncpg.Connection) -> None:
    """One wrong value of each kind, as somebody with every right could write it."""
    for table in ("fills", "mark_to_market", "decisions", "ledger_lines", "funding_payments"):
        await db.execute(f"ALTER TABLE trading_paper.{table} DISABLE TRIGGER USER")
    for statement in PLANTED:
        await db.execute(statement)
