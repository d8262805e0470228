"""Every command of the documentation, on a running demo in a scratch copy of this folder.

By hand: pytest -m long tests/deploy. What a page marks as not run is left out, and the copy stands for what a reader
would have: PORT is a free one, days and times are some that the demo has recorded, /mnt is a folder of the test.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import polars as pl
import pytest

from doc_commands import PAGES, Block, blocks
from repository import ROOT
from trading_core.db.times import millis, utc
from trading_core.embedded import launch
from trading_core.embedded.postgres import PostgresServer
from trading_core.model import DAY_MS
from trading_core.supervise.attach import running
from trading_core.supervise.folder import RunFolder
from trading_core.testing import eventually

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]
SPEED = 900
LIMIT_S, START_S, FOLLOWED_S = 900, 180, 30
RECORDED = "SELECT min(ts), max(ts) FROM trading_paper.mark_to_market"
TOKEN = "0123456789abcdef0123456789abcdef"  # noqa: S105 - of this test's platform alone
BY_THEIR_OWN_TEST = {"add-a-strategy.md": "libs/core/tests/strategy/test_how_to.py follows it to the letter"}
ENDED_BY_CTRL_C = re.compile(r"trading_core tap (?!.*(--count|--no-follow))|^make tap")
STOPPED = (0, 130, -signal.SIGINT)
"""After Ctrl-C: the program's own exit codes, and that of make, which ends by the signal whatever its recipe said."""
ADVISED = "Wait until it has finished and try again."
SUITE = ("make test",)
ONCE = ("make demo",)
"""Started before all the others, which need it; it is stopped at the end."""


class Reader:
    """A person with a copy of the repository, who types what the pages say."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "paper-trading"
        self._mnt = folder / "mnt"
        self._mnt.mkdir()
        copy_repository(self.home)
        self.port = launch.free_port()
        self.run_folder = RunFolder(self.home / ".run", "demo")
        # A variable of the settings that the tests' own machine may have set must not lead elsewhere.
        own = {name: value for name, value in os.environ.items() if not name.startswith("TRADING_")}
        self._environment = {
            **own,
            "PATH": f"{self.home / '.venv/bin'}:{own['PATH']}",
            "PORT": str(self.port),
            "SPEED": str(SPEED),
            "TRADING_API__CONTROL_TOKEN": TOKEN,
        }
        self._demo: subprocess.Popen[bytes] | None = None
        self.last_ms = 0
        """How far the demo is, in its own time."""

    def start(self, command: str) -> None:
        with (self.home / "console").open("wb") as console:
            self._demo = self._begin(command, console.fileno())

    def is_up(self) -> bool:
        return "Dashboard" in (self.home / "console").read_text()

    def stop(self) -> int:
        """Its exit code, also of one that ended by itself; 0 when it was stopped before."""
        demo, self._demo = self._demo, None
        if demo is None:
            return 0
        if demo.poll() is None:
            os.killpg(demo.pid, signal.SIGINT)
        code = demo.wait(60)
        PostgresServer(self.run_folder.path / "postgres", 0, None).remove()
        return code

    def types(self, command: str, where: Path | None = None) -> str:
        """What is wrong with how it ended; empty when nothing is."""
        words = self.fitted(command)
        with (self.home / "said").open("w+b") as said:
            process = self._begin(words, said.fileno(), where)
            follows = ENDED_BY_CTRL_C.search(command) is not None
            try:
                code = process.wait(FOLLOWED_S if follows else LIMIT_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGINT)
                code = process.wait(30)
                if not follows:
                    return f"{words}: did not end within {LIMIT_S} s"
        text = (self.home / "said").read_text(errors="replace")
        if "Traceback" in text or (follows and not text.strip()) or code not in (STOPPED if follows else (0,)):
            return f"{words}: {code}\n{text[-1500:]}"
        return ""

    def fitted(self, command: str) -> str:
        """With days, times, ports and folders that there are here."""
        end = utc(self.last_ms // DAY_MS * DAY_MS)
        day, time = end - timedelta(days=1), end - timedelta(hours=3)
        for option, of_time, of_day in (("--from", time, day), ("--to", time + timedelta(minutes=30), end)):
            command = re.sub(rf"({option}) 2026-[-\d]+T\S+", rf"\1 {of_time:%Y-%m-%dT%H:%M}", command)
            command = re.sub(rf"({option}) 2026-[-\d]+(?!\S)", rf"\1 {of_day:%Y-%m-%d}", command)
        command = command.replace("parquet:/mnt/archive", f"parquet:{self.run_folder.archive}")
        command = re.sub(r"^make ", "make -o setup ", command)
        return command.replace("/mnt/", f"{self._mnt}/").replace(":8080/", f":{self.port}/")

    def _begin(self, command: str, output: int, where: Path | None = None) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["bash", "-c", command], cwd=where or self.home, env=self._environment,
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip


def copy_repository(target: Path) -> None:
    """What git has, with the environment of this folder; `make` finds everything prepared."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if not name.startswith("frontend/"):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name, follow_symlinks=False)
    # Of the folder's environment: the program would look for its packages beside itself.
    (target / ".venv").symlink_to(Path(sys.executable).parents[1])


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with launch.temporary_folder() as folder:
        made = Reader(folder)
        try:
            yield made
        finally:
            made.stop()


async def recorded(reader: Reader) -> bool:
    """Whether a whole day in venue time is in the database."""
    db = await asyncpg.connect(running(reader.run_folder)["TRADING_DATABASE__URL"], timeout=10)
    try:
        first, last = await db.fetchrow(RECORDED)
    finally:
        await db.close()
    if first is None:
        return False
    reader.last_ms = millis(last)
    return millis(last) // DAY_MS * DAY_MS - DAY_MS > millis(first)


def provided(reader: Reader) -> None:
    """The files that a reader is told to bring."""
    candles = pl.read_parquet(next((ROOT / "data/sample/candles_1m").glob("*_BTC.parquet"))).head(2000)
    candles.write_csv(reader.home / "btc.csv")
    funding = pl.read_parquet(ROOT / "data/sample/funding/hyperliquid_BTC.parquet").head(48)
    funding.write_csv(reader.home / "btc-funding.csv")


def to_run() -> Iterator[Block]:
    for page in PAGES:
        for block in blocks(page):
            if block.kind in ("sh", "sql") and not block.not_run and page.name not in BY_THEIR_OWN_TEST:
                yield block


async def asked(reader: Reader, sql: str) -> str:
    db = await asyncpg.connect(running(reader.run_folder)["TRADING_DATABASE__URL"], timeout=10)
    try:
        await db.fetch(sql)
    except asyncpg.PostgresError as error:
        return f"{sql}: {error}"
    finally:
        await db.close()
    return ""


async def answered(reader: Reader, block: Block, command: str) -> str:
    """What is wrong with its answer; empty when nothing is."""
    return await (asked(reader, command) if block.kind == "sql" else asyncio.to_thread(reader.types, command))


async def test_every_command_of_the_pages_works(reader: Reader) -> None:
    provided(reader)
    reader.start(f"make -o setup {ONCE[0].removeprefix('make ')}")
    await eventually(reader.is_up, START_S)
    await eventually(lambda: recorded(reader), 600)
    wrong, restores = {}, []
    for block in to_run():
        for command in block.commands:
            if command in (*SUITE, *ONCE) or command.startswith("export "):
                continue
            if command.startswith("make restore"):
                restores.append((block.where, command))
                continue
            print(block.where, reader.fitted(command), flush=True)
            problem = await answered(reader, block, command)
            while ADVISED in problem:  # the platform archives each day that is over, and its days are short here
                problem = await answered(reader, block, command)
            if problem:
                print(problem, flush=True)
                wrong[block.where] = problem
    assert reader.stop() in STOPPED
    for where, command in restores:
        (reader.home / ".run").rename(reader.home / "run-of-before")
        if problem := await asyncio.to_thread(reader.types, command):
            wrong[where] = problem
    assert not wrong, "\n\n".join(f"{where}: {said}" for where, said in wrong.items())
