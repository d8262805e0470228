"""Every view over a seeded database, and the figures of the home page beside what SQL says."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path

import asyncpg
import pytest

from page_figures import differs, expected
from repository import ROOT
from trading_core.bus.connection import Bus
from trading_core.config import load
from trading_core.embedded import launch
from trading_core.model import DAY_MS
from trading_core.seed.command import seeded
from trading_core.seed.fill import DAY_MINUTES
from trading_core.seed.tape import Wanted
from trading_core.testing import eventually
from trading_core.testing_servers import ServiceAt, ServiceProcess

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.timeout(300)]
SCRIPT = Path(__file__).with_name("views.test.mjs")
TO_MS = 1_793_491_200_000  # 2026-11-01
LEAST = 50
PAGE_LIMIT_S = 200
SIZES = [
    pytest.param(5, 1_500, id="small"),
    pytest.param(90, 50_000, id="whole", marks=[pytest.mark.long, pytest.mark.timeout(2_400)]),
]
"""Days and trades: enough to fill every view; and the past that `seed` draws unless it is told otherwise."""


async def _restarted(api: ServiceProcess, folder: Path) -> None:
    """Kills the API and starts it again when the browser is ready for either."""
    await eventually((folder / "kill").exists, PAGE_LIMIT_S)
    api.kill()
    await eventually((folder / "start").exists, PAGE_LIMIT_S)
    api.start()


@pytest.mark.parametrize(("days", "trades"), SIZES)
async def test_every_view_has_its_data_and_figures_are_those_of_the_ledger(
    chromium: str, database_url: str, bus: Bus, service_at: ServiceAt, tmp_path: Path, days: int, trades: int
) -> None:
    settings = load()
    wanted = Wanted(7, TO_MS - days * DAY_MS, days * DAY_MINUTES, trades, tuple(settings.assets))
    await seeded(database_url, wanted, settings)
    port = launch.free_port()
    api = service_at("trading_api", "api_ro", TRADING_API__PORT=str(port))
    api.start()
    await eventually(lambda: launch.answers(port))
    figures = tmp_path / "figures.json"
    pictures = os.environ.get("SCREENSHOTS", str(tmp_path / "screenshots"))
    restarts = tmp_path / "restarts"
    restarts.mkdir()
    restarted = asyncio.create_task(_restarted(api, restarts))
    page = await asyncio.to_thread(
        subprocess.run,
        ["node", "--test", "--test-reporter=spec", str(SCRIPT)],
        env={
            **os.environ,
            "DASHBOARD_URL": f"http://127.0.0.1:{port}",
            "CHROMIUM": chromium,
            "FIGURES": str(figures),
            "SCREENSHOTS": pictures,
            "RESTART": str(restarts),
        },
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PAGE_LIMIT_S,
        check=False,
    )
    assert page.returncode == 0, f"{page.stdout}\n{page.stderr}\n{api.log.read_text()[-3000:]}"
    assert restarted.done(), "the browser has not asked for a restart of the API"
    connection = await asyncpg.connect(database_url)
    try:
        by_class, whole = await expected(connection)
    finally:
        await connection.close()
    read = json.loads(figures.read_text())
    pairs = [
        (f"{row['Strategy']} {heading}", row[heading], value)
        for row in read["table"]
        for heading, value in by_class[row["Strategy"]].items()
        if heading in row and value is not None
    ]
    pairs += [
        (name, read["headline"][name], value)
        for name, value in whole.items()
        if name in read["headline"] and value is not None
    ]
    assert len(pairs) >= LEAST, f"only {len(pairs)} figures were read: {read}"
    assert not [pair for pair in pairs if differs(pair[1], pair[2])]
