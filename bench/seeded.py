"""The dashboard over a made-up past, as `python -m trading_core seed --page` shows it. Kept in out/, made once."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.servers import HERE
from trading_core.db.roles import url_for
from trading_core.embedded import launch
from trading_core.errors import TradingError
from trading_core.supervise.folder import DATABASE, RunFolder

FILLING_S = 3_000
WHOLE, QUICK = (90, 50_000), (3, 500)
OFTEN = {f"TRADING_API__{name}": "1000000" for name in ("READ_RATE", "READ_BURST")}


@dataclass(frozen=True)
class Page:
    """The running dashboard; `database_url` is that of the API's own role, who only reads."""

    port: int
    database_url: str


@contextlib.contextmanager
def page(*, quick: bool) -> Iterator[Page]:
    days, trades = QUICK if quick else WHOLE
    base = HERE / "out" / f"{days}-days"
    port = launch.free_port()
    base.mkdir(parents=True, exist_ok=True)
    words = ("seed", "--days", str(days), "--trades", str(trades), "--run-dir", str(base), "--page", str(port))
    argv = (sys.executable, "-m", "trading_core", *words)
    log = base / "log"
    plan = launch.Launch("seed", argv, signal.SIGTERM, environment=OFTEN, cwd=HERE.parent)
    process = launch.start(plan, log)
    try:
        _until_answered(process, port, log)
        folder = RunFolder(base, "seeded")
        yield Page(port, url_for(_postgres(folder), "api_ro", folder.secrets()["api_ro"]))
    finally:
        launch.stop(process, signal.SIGTERM)


def _until_answered(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + FILLING_S
    while not launch.answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise TradingError(f"there is no dashboard. The end of its log:\n{log.read_text(errors='replace')[-1500:]}")
        time.sleep(0.2)


def _postgres(folder: RunFolder) -> str:
    """Where its PostgreSQL listens: the fourth line of what the server says of itself."""
    said = (folder.path / "postgres" / "data" / "postmaster.pid").read_text().splitlines()
    return f"postgresql://127.0.0.1:{said[3]}/{DATABASE}"
