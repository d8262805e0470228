"""A study in the database: resumed after kill -9, with the rights of role research, Optuna's tables beside ours."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from optimise_builders import a_workspace, minute_history

from trading_core.ingest.store import store_candles
from trading_core.testing import eventually

pytestmark = pytest.mark.integration


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return a_workspace(tmp_path)


def words(*more: str) -> list[str]:
    return [
        sys.executable, "-m", "trading_core", "optimise", "--strategy", "CoinToss", "--source", "parquet:data", *more
    ]  # fmt: skip


def environment(url: str) -> dict[str, str]:
    return {**os.environ, "TRADING_DATABASE__URL": url, "TRADING_CONFIG": "config.yaml"}


def optimise(workspace: Path, url: str, *more: str) -> str:
    """What it says on stderr."""
    done = subprocess.run(
        words(*more), cwd=workspace, env=environment(url), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def started(workspace: Path, url: str, *more: str) -> subprocess.Popen[bytes]:
    """Under way on two workers, to be killed."""
    return subprocess.Popen(
        words(*more, "--workers", "2"), cwd=workspace, env=environment(url), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


async def rows(url: str, sql: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(sql))
    finally:
        await connection.close()


NOWHERE = "postgresql://127.0.0.1:9/none"
STUDIES = "SELECT * FROM trading_paper.optimise_studies ORDER BY id"
TRIALS = "SELECT * FROM trading_paper.optimise_trials ORDER BY study_id, number"


async def test_a_study_and_its_trials_are_rows(workspace: Path, role_url: Callable[[str], str]) -> None:
    said = await asyncio.to_thread(optimise, workspace, role_url("research"), "--param", "salt=0:3:1")
    assert "Saved as optimise study 1." in said
    [study] = await rows(role_url("api_ro"), STUDIES)
    assert (study["strategy"], study["search"], study["trials"], study["assets"]) == ("coin_toss", "grid", 4, ["BTC"])
    assert study["verdict"] == json.loads(study["judgement"])["verdict"] == "noise"
    assert json.loads(study["params"]) == {"salt": [0, 1, 2, 3]}
    trials = await rows(role_url("api_ro"), TRIALS)
    assert [json.loads(trial["params"]) for trial in trials] == [{"salt": salt} for salt in range(4)]
    assert all(json.loads(trial["in_sample"])[0]["trades"] for trial in trials)
    assert study["best"] in {trial["number"] for trial in trials}


@pytest.mark.parametrize("search", [pytest.param("grid", marks=pytest.mark.long), "tpe"])
async def test_a_killed_search_goes_on_and_ends_like_an_unbroken_one(
    workspace: Path, role_url: Callable[[str], str], empty_database_url: str, search: str
) -> None:
    url = role_url("research")
    asked = ["--param", "salt=0:7:1", "--param", "timeout_m=20,50"]
    asked += ["--search", "tpe", "--trials", "16"] if search == "tpe" else []
    process = started(workspace, url, *asked)
    try:

        async def some() -> bool:
            return len(await rows(url, TRIALS)) >= 3

        await eventually(some, timeout=90)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = len(await rows(url, TRIALS))
    assert done < 16
    said = await asyncio.to_thread(optimise, workspace, url, *asked, "--json", "resumed.json")
    assert "resuming: " in said
    # Without a database that knows it: the same study from the first set to the last, by one process.
    await asyncio.to_thread(
        optimise, workspace, empty_database_url, *asked, "--json", "unbroken.json", "--workers", "1"
    )
    assert (workspace / "resumed.json").read_bytes() == (workspace / "unbroken.json").read_bytes()
    if search == "tpe":
        [count] = await rows(url, "SELECT count(*) AS trials FROM trading_research.trials WHERE state <> 'RUNNING'")
        assert count["trials"] == 16


async def test_its_workers_end_with_a_killed_search(workspace: Path) -> None:
    process = started(workspace, NOWHERE, "--param", "salt=0:999:1", "--no-save")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    try:

        def working() -> list[int]:
            found = [int(word) for word in children.read_text().split()]
            return found if len(found) >= 2 else []

        pids = await eventually(working, timeout=60)
    finally:
        process.kill()
        process.wait()

    def gone() -> bool:
        return not any(_runs(pid) for pid in pids)

    assert await eventually(gone, timeout=60)


def _runs(pid: int) -> bool:
    """Whether there is such a process that is not a zombie waiting for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_a_password_is_nowhere_to_be_read(workspace: Path, role_url: Callable[[str], str]) -> None:
    url = role_url("research")
    password = url.rpartition("@")[0].rpartition(":")[2]
    said = await asyncio.to_thread(
        optimise, workspace, url, "--param", "salt=0:3:1", "--search", "tpe", "--trials", "2", "--json", "a.json"
    )
    assert password not in said + (workspace / "a.json").read_text()
    wrong = url.replace(password, "wrong")
    assert "wrong@" not in await asyncio.to_thread(optimise, workspace, wrong, "--param", "salt=0:3:1")


async def test_research_may_not_touch_the_ledger_nor_the_dashboard_the_studies(role_url: Callable[[str], str]) -> None:
    statements: dict[str, Any] = {
        "research": "UPDATE trading_paper.portfolio SET name = name",
        "api_ro": "DELETE FROM trading_paper.optimise_studies",
        "runner_ro": STUDIES,
    }
    for role, statement in statements.items():
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)):
            await rows(role_url(role), statement)


async def test_what_the_platform_recorded_is_searched_on_by_default(
    workspace: Path, role_url: Callable[[str], str]
) -> None:
    connection = await asyncpg.connect(role_url("recorder"))
    try:
        history = minute_history(1, 2)
        async for _ in store_candles(connection, "hyperliquid", "BTC", history.candles["BTC"]):
            pass
    finally:
        await connection.close()
    url = role_url("research")
    asked = ["--param", "salt=0,1", "--workers", "1", "--no-save", "--json"]
    await asyncio.to_thread(optimise, workspace, url, *asked, "files.json")
    said = await asyncio.to_thread(optimise, workspace, url, *asked, "rows.json", "--source", "postgres")
    assert "from postgres, 2025-06-16 00:00 to 2025-06-18 00:00 UTC" in said
    files, recorded = (json.loads((workspace / name).read_text()) for name in ("files.json", "rows.json"))
    assert recorded["candidates"] == files["candidates"]
    assert recorded["study"]["key"] == files["study"]["key"]
