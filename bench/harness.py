"""What the comparison with other engines gives us to work with, and the rows it reads.

Its runner sets BENCH_DATA (parquet bars), BENCH_OUT (rows go to results.jsonl there) and BENCH_REPS.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from trading_core.errors import ConfigError

Result = TypeVar("Result")
OURS = "ours"


class Timed(NamedTuple):
    """Seconds of each run on the wall clock, and CPU seconds of this process per second of them."""

    seconds: list[float]
    busy: float


def folder(name: str) -> Path:
    """The folder that the variable `name` holds. ConfigError when it is not set or not there."""
    given = os.environ.get(name)
    if not given or not Path(given).is_dir():
        raise ConfigError(f"{name} must name a folder, got {given or 'nothing'}. See bench/README.md, Other engines.")
    return Path(given)


def repetitions() -> int:
    return int(os.environ.get("BENCH_REPS", "5"))


def timed(work: Callable[[], Result]) -> tuple[Timed, Result]:
    """`work` as often as asked for, after one run that is not counted; the result of the last."""
    result = work()
    seconds = []
    cpu = time.process_time()
    for _ in range(repetitions()):
        began = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - began)
    return Timed(seconds, (time.process_time() - cpu) / sum(seconds)), result


def emit(group: str, peer: str, case: str, unit: str, runs: Sequence[float], **facts: Any) -> None:
    """One row, in the form of the comparison's own."""
    row = {
        "group": group,
        "peer": peer,
        "case": case,
        "unit": unit,
        "runs": list(runs),
        "median": statistics.median(runs),
        "min": min(runs),
        "max": max(runs),
        "n": len(runs),
        **facts,
    }
    with (folder("BENCH_OUT") / "results.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    median = f"{row['median']:,.0f}" if row["median"] >= 100 else f"{row['median']:.3g}"
    print(f"[{group}] {peer:20s} {case:16s} {median:>14s} {unit}  {facts}", flush=True)


def check(group: str, case: str, trades: int, pnl: float, within: float = 0.005) -> None:
    """SystemExit when the comparison's reference has measured this case and other trades came out of it.

    `within`: USD by which the P&L may differ.
    """
    file = folder("BENCH_OUT") / "results.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.is_file() else []
    for row in rows:
        if (row["group"], row["case"]) != (group, case) or not row["peer"].startswith("floor: numba"):
            continue
        if row["trades"] != trades or abs(row["pnl"] - pnl) > within:
            sys.exit(f"{case}: {trades} trades and {pnl} USD, the reference has {row['trades']} and {row['pnl']}")


def peak_mb() -> float:
    """The most memory this process has had, in MB of 2^20 bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
