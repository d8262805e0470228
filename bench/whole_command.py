"""`python -m bench.whole_command`: the command beside backtesting.py, one year of one asset from start to report."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from bench import harness, r1
from trading_core.errors import TradingError
from trading_core.model import MINUTE_MS

ASSET = "BTC"
REPOSITORY = Path(__file__).parents[1]


class Ended(NamedTuple):
    """A process that has ended well: seconds on the wall clock and of CPU, and its peak of memory."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


def measure() -> None:
    """Rows of ours, and of backtesting.py if PEERS_HOME has it; a process of its own for every run.

    Both find their modules compiled, as everybody does from the second start on: one start is not counted.
    """
    bars = harness.folder("BENCH_DATA")
    with tempfile.TemporaryDirectory(prefix="bench-command-") as scratch:
        span = _as_a_user_keeps_them(bars, Path(scratch))
        command = [
            sys.executable, "-m", "trading_core", "backtest", "--strategy", "r1_rsi", "--assets", ASSET, "--no-save",
            "--from", span[0], "--to", span[1], "--source", f"parquet:{scratch}",
        ]  # fmt: skip
        _measure_one(harness.OURS, command, {"TRADING_CONFIG": str(Path(__file__).parent / "r1.yaml")})
    python = Path(os.environ.get("PEERS_HOME", "")) / "bt" / "bin" / "python"
    if python.is_file():
        command = [str(python), str(Path(__file__).parent / "peer_backtesting.py"), str(bars / f"{ASSET}_1m.parquet")]
        _measure_one("backtesting.py", command, {})


def _measure_one(peer: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-compiled-") as compiled:
        environment = {**environment, "PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
        _process(command, environment)
        runs = [_process(command, environment) for _ in range(harness.repetitions())]
    harness.emit("command", peer, "rsi_1a, a year", "s", [run.seconds for run in runs])
    harness.emit("command", peer, "rsi_1a, a year: peak memory", "MB", [run.peak_mb for run in runs])
    harness.emit("command", peer, "rsi_1a, a year: CPU", "s", [run.cpu_seconds for run in runs])


def _as_a_user_keeps_them(bars: Path, scratch: Path) -> tuple[str, str]:
    """The bars in the folder that `--source parquet:` reads; gives the span of the run."""
    import polars

    frame = polars.read_parquet(bars / f"{ASSET}_1m.parquet").rename({"ts": "open_time"})
    (scratch / "candles_1m").mkdir()
    frame.write_parquet(scratch / "candles_1m" / f"bench_{ASSET}.parquet")
    first, last = frame["open_time"][0], frame["open_time"][-1]
    return _utc(first + (r1.WARM_UP_BARS + 1) * MINUTE_MS), _utc(last + MINUTE_MS)


def _utc(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


def _process(command: Sequence[str], environment: Mapping[str, str]) -> Ended:
    """SystemExit with what it wrote when the process fails."""
    with tempfile.TemporaryFile("w+") as output:
        began = time.perf_counter()
        child = subprocess.Popen(
            command, env={**os.environ, **environment}, cwd=REPOSITORY, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if child.returncode:
        sys.exit(f"{' '.join(command)} ended with {child.returncode}:\n{text}")
    return Ended(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


if __name__ == "__main__":
    try:
        measure()
    except TradingError as error:
        print(f"bench.whole_command: {error}", file=sys.stderr)
        sys.exit(2)
