"""A run over midnight by the services themselves, with kills: each day is checked from the database alone."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import structlog
from market_recording import ASSETS, Recording, a_recording
from message_builders import a_watermark
from parity_run import EVENING, MIDNIGHT

from repository import ROOT
from trading_core import streams
from trading_core.__main__ import main
from trading_core.bus.connection import Bus
from trading_core.bus.publisher import WindowPublisher
from trading_core.config import load
from trading_core.db.times import utc
from trading_core.model import MINUTE_MS
from trading_core.parity import nightly
from trading_core.testing import eventually
from trading_core.testing_servers import ServiceAt, ServiceProcess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

SERVICES = {"recorder": "recorder", "paper_broker": "broker", "strategy_runner": "runner_ro"}


async def publish(bus: Bus, recording: Recording) -> None:
    """The collector's part: market data in its order, and after each minute its watermark."""
    publisher = WindowPublisher(bus)
    for number, minute in enumerate([recording.backfill, *recording.minutes]):
        for message in minute:
            await publisher.send(streams.market_subject(message), message)
        await publisher.barrier()
        for stream in (streams.MARKET, streams.BOOK):
            mark = a_watermark(recording.start + number * MINUTE_MS, stream=stream.name)
            await publisher.send(streams.watermark_subject(stream, "hyperliquid"), mark)
        await publisher.barrier()


async def killed_now_and_then(processes: list[ServiceProcess], publishing: asyncio.Task[None]) -> None:
    chance = random.Random(4)
    while not publishing.done():
        await asyncio.sleep(chance.uniform(1, 3))  # a random moment: that is the test
        victim = chance.choice(processes)
        victim.kill()
        victim.start()
    await publishing


@pytest.fixture
async def recorded(
    bus: Bus, service_at: ServiceAt, database_url: str, role_url: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[asyncpg.Connection]:
    """The run, whole in the database that the settings lead to; a connection with all rights."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("TRADING_DATABASE__URL", role_url("research"))
    recording = a_recording(seed=11, start=EVENING)
    processes = [service_at(module, role) for module, role in SERVICES.items()]
    for process in processes:
        process.start()
    await killed_now_and_then(processes, asyncio.create_task(publish(bus, recording)))
    db = await asyncpg.connect(database_url)
    try:

        async def whole() -> bool:
            done = "SELECT max(ts) = $1 FROM trading_ops.exec_events WHERE kind = 'equity'"
            grids = "SELECT count(*) = $2 FROM trading_ops.grids WHERE eval_ms = $1"
            last = recording.last_ts
            return bool(await db.fetchval(done, utc(last)) and await db.fetchval(grids, last, len(ASSETS)))

        await eventually(whole, timeout=200)
        yield db
    finally:
        await db.close()


def parity(tmp_path: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Exit code and the JSON file of `parity WORDS`, which has an event loop of its own."""
    file = tmp_path / "parity.json"
    code = main(["parity", *words, "--json", str(file), "--html", str(tmp_path / "parity.html")])
    return code, json.loads(file.read_text())["default"]


async def check_morning(tmp_path: Path) -> tuple[int, dict[str, Any]]:
    return await asyncio.to_thread(parity, tmp_path, "--from", f"{utc(MIDNIGHT):%Y-%m-%dT%H:%M}")


async def forged(db: asyncpg.Connection, sql: str, *values: object) -> None:
    """A change that the append-only tables refuse to everybody."""
    async with db.transaction():
        await db.execute("SET LOCAL session_replication_role = replica")
        status = await db.execute(sql, *values)
    assert not status.endswith(" 0"), f"nothing to forge: {sql}"


async def test_each_day_is_checked_from_its_own_beginning(recorded: asyncpg.Connection, tmp_path: Path) -> None:
    code, found = await check_morning(tmp_path)
    assert code == 0
    for order in ("recorded", "ideal"):
        assert found[order]["verdict"] == "identical"
        assert found[order]["from_checkpoint"] is True
        assert found[order]["compared"]["equity"] == 91, "from 00:00 to 01:30, and nothing of the day before"
    assert found["recorded"]["compared"]["fills"] > 0

    code, found = await asyncio.to_thread(parity, tmp_path)
    assert code == 0
    assert found["recorded"]["compared"]["equity"] == 180
    assert found["recorded"]["compared"]["checkpoints"] == 1

    await forged(recorded, "DELETE FROM trading_ops.grids WHERE asset = 'ETH' AND eval_ms > $1", MIDNIGHT)
    code, found = await check_morning(tmp_path)
    assert code == 0
    assert found["ideal"]["last_ms"] == MIDNIGHT, "no further than the recorder is: evaluations may be still to come"

    await forged(recorded, "DELETE FROM trading_paper.day_checkpoints")
    code, found = await check_morning(tmp_path)
    assert (code, found["recorded"]["from_checkpoint"]) == (0, False)
    assert found["recorded"]["compared"]["equity"] == 90, "from the very first grid point to 00:00"


async def test_nights_are_checked_once_and_a_missed_one_is_caught_up(
    recorded: asyncpg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    results = await nightly.run_once(load())
    assert [(r.order, r.verdict, r.last_ms) for r in results] == [
        ("recorded", "identical", MIDNIGHT - MINUTE_MS),
        ("ideal", "identical", MIDNIGHT - MINUTE_MS),
    ]
    rows = await recorded.fetch('SELECT * FROM trading_ops.parity_reports ORDER BY "order" DESC')
    assert [(row["order"], row["verdict"], row["nightly"]) for row in rows] == [
        ("recorded", "identical", True),
        ("ideal", "identical", True),
    ]
    assert rows[0]["to_ts"] == utc(MIDNIGHT - MINUTE_MS)
    assert json.loads(rows[0]["compared"])["equity"] == 89
    assert await nightly.run_once(load()) == [], "once is enough"

    await forged(recorded, "DELETE FROM trading_ops.parity_reports")
    await forged(recorded, "UPDATE trading_paper.fills SET body = '{}' WHERE ts < $1", utc(MIDNIGHT))
    with structlog.testing.capture_logs() as logged:
        [first, _] = await nightly.run_once(load())
    assert first.verdict == "different"
    assert [(line["log_level"], line["event"]) for line in logged if line["order"] == "recorded"] == [
        ("error", "parity_failed")
    ]
    assert await asyncio.to_thread(main, ["parity", "--list"]) == 0
    assert "different" in capsys.readouterr().out

    assert await asyncio.to_thread(main, ["parity", "--order", "recorded", "--store"]) == 1
    [kept] = await recorded.fetch("SELECT verdict, to_ts FROM trading_ops.parity_reports WHERE NOT nightly")
    assert tuple(kept) == ("different", utc(MIDNIGHT + 90 * MINUTE_MS)), "of the whole span one row"


async def test_what_is_planted_in_the_database_is_named(
    recorded: asyncpg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as changed:
        changed.setenv("TRADING_STRATEGIES__FUNDING_ARB__PARAMS__THRESHOLD", "0.0009")
        code, found = await check_morning(tmp_path)
    assert code == 1, "in recorded order nothing is excused"
    assert set(found["ideal"]["causes"]) <= {"config_changed", "follows"}
    assert found["ideal"]["verdict"] == "explained"

    patched = tmp_path / "strategies"
    shutil.copytree(ROOT / "strategies", patched)
    file = patched / "funding_arb" / "strategy.py"
    file.write_text(file.read_text().replace("Direction.SHORT", "Direction.LONG"))
    with monkeypatch.context() as changed:
        changed.setenv("TRADING_RUNNER__STRATEGIES_DIR", str(patched))
        _, found = await check_morning(tmp_path)
    assert set(found["ideal"]["causes"]) <= {"code_changed", "follows"}
    assert found["ideal"]["causes"]["code_changed"] > 0

    opened = MIDNIGHT + 24 * MINUTE_MS
    minute = "DELETE FROM trading_market_data.ticks WHERE asset = 'BTC' AND ts > $1 AND ts <= $2 AND kind = 'candle_1m'"
    await forged(recorded, minute, utc(opened), utc(opened + MINUTE_MS))
    _, found = await check_morning(tmp_path)
    assert set(found["ideal"]["causes"]) <= {"gap", "follows"}
    assert found["ideal"]["causes"]["gap"] > 0
    assert "the history lacks data that live traded on" in (tmp_path / "parity.html").read_text()

    imported = "UPDATE trading_market_data.candles SET backfilled = TRUE WHERE asset = 'BTC' AND open_time = $1"
    await forged(recorded, imported, utc(opened))  # now it stands there as an import leaves it
    _, found = await check_morning(tmp_path)
    assert found["ideal"]["verdict"] == "identical", "the history has again what live had"
