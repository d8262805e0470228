"""Schemathesis over every operation of a running API with data in every table: no 5xx, nothing undocumented.

The broker's part is played by its own checks of requests: what steering does to a portfolio is tested where it runs.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import msgspec
import pytest
from nats.aio.msg import Msg

from repository import ROOT
from trading_api.openapi import document
from trading_core.bus.connection import Bus
from trading_core.control.client import SERVICE
from trading_core.control.requests import VERBS, Answer, CommandRefused, decode_request
from trading_core.embedded import launch
from trading_core.streams import control_subject
from trading_core.testing import eventually
from trading_core.testing_servers import ServiceAt

pytestmark = pytest.mark.integration
CONFIG = Path(__file__).with_name("schemathesis.toml")
CONTROL = "a-token-to-steer-with"
SEED = "7"
IDS = {
    "path.trade_id": "SELECT event_id FROM trading_paper.positions ORDER BY id LIMIT 20",
    "path.name": "SELECT name FROM trading_paper.strategies",
    "path.asset": "SELECT DISTINCT asset FROM trading_paper.positions",
    "path.run_id": "SELECT id FROM trading_paper.backtest_runs",
    "query.id": "SELECT id FROM trading_paper.backtest_runs",
    "path.study_id": "SELECT id FROM trading_paper.optimise_studies",
    "path.report_id": "SELECT id FROM trading_ops.parity_reports",
    "path.market_id": "SELECT DISTINCT market_id FROM trading_market_data.polymarket_markets LIMIT 20",
}


@asynccontextmanager
async def answering(bus: Bus) -> AsyncIterator[None]:
    """Requests to the broker are applied, or refused when they say too little."""

    async def answer(message: Msg) -> None:
        try:
            request = decode_request(message.data)
            found = Answer(request_id=request.request_id, status="applied", event_time_ms=1, events=("cmd:1",))
        except CommandRefused as error:
            found = Answer(request_id="", status="refused", reason=str(error))
        await message.respond(msgspec.json.encode(found))

    subscriptions = [await bus.nc.subscribe(control_subject(SERVICE, verb), cb=answer) for verb in VERBS]
    yield
    for subscription in subscriptions:
        await subscription.unsubscribe()


async def run(*words: str, folder: Path, limit_s: float, **environment: str) -> str:
    """What the command says, run in `folder`. AssertionError when it ends with anything but 0."""
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", *words], cwd=folder,
        env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=limit_s, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


async def known_ids(database_url: str) -> str:
    """The part of the configuration that names what there is."""
    connection = await asyncpg.connect(database_url)
    try:
        found = {name: [row[0] for row in await connection.fetch(query)] for name, query in IDS.items()}
    finally:
        await connection.close()
    assert all(found.values()), f"nothing to ask for: {found}"
    lines = [f'[dictionaries."{name}"]\nvalues = {json.dumps(values)}' for name, values in found.items()]
    return "\n".join([*lines, "[parameters]", *(f'"{n}" = {{ dictionary = "{n}", probability = 0.5 }}' for n in found)])


async def fuzz(database_url: str, bus: Bus, service_at: ServiceAt, folder: Path, *words: str, limit_s: float) -> str:
    seed = ("seed", "--days", "2", "--trades", "200")
    await run("trading_core", *seed, folder=ROOT, limit_s=100, TRADING_DATABASE__URL=database_url)
    config, described, port = folder / "schemathesis.toml", folder / "openapi.json", launch.free_port()
    config.write_text(f"{CONFIG.read_text(encoding='utf-8')}\n{await known_ids(database_url)}\n", encoding="utf-8")
    described.write_text(document(), encoding="utf-8")
    often = {f"TRADING_API__{name}": "1000000" for name in ("READ_RATE", "READ_BURST", "CONTROL_RATE", "CONTROL_BURST")}
    service_at(
        "trading_api", "api_ro", TRADING_API__PORT=str(port), TRADING_API__CONTROL_TOKEN=CONTROL, **often
    ).start()  # fmt: skip
    await eventually(lambda: launch.answers(port))
    async with answering(bus):
        return await run(
            "schemathesis.cli", "--config-file", str(config), "run", str(described), "--url",
            f"http://127.0.0.1:{port}", "--seed", SEED, "--generation-deterministic", *words, folder=folder,
            limit_s=limit_s, CONTROL_TOKEN=CONTROL,
        )  # fmt: skip


async def test_the_whole_api_does_what_its_document_says(
    database_url: str, bus: Bus, service_at: ServiceAt, tmp_path: Path
) -> None:
    said = await fuzz(
        database_url, bus, service_at, tmp_path, "-n", "4", "--phases", "examples,coverage,fuzzing", limit_s=200
    )
    assert "Selected: 39/39" in said, said


@pytest.mark.long
@pytest.mark.timeout(1_200)
async def test_and_after_thousands_of_requests_too(
    database_url: str, bus: Bus, service_at: ServiceAt, tmp_path: Path
) -> None:
    said = await fuzz(database_url, bus, service_at, tmp_path, "-n", "200", limit_s=1_000)
    assert "39/39" in said, said
    print(said[-600:])
