"""R14, R15, R17, R22: rows whose faults have tests of their own; they are run here, and what they print is read."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chaos.run import Context
from repository import ROOT

ROWS = ("R14", "R15", "R17", "R22")
RUNNER = "services/strategy-runner/tests"
_COUNTS = re.compile(r"(\d+) (passed|failed|error)")


@dataclass(frozen=True)
class Proof:
    """`figures`: figure → what its value looks like in the output. `why`: why other figures have none."""

    tests: Sequence[str]
    figures: Mapping[str, str]
    why: str


PROOFS = {
    "R14": Proof(
        ["tests/long/test_burst_and_kills.py::test_three_thousand_messages_a_second_for_a_minute_are_all_stored"],
        {"messages_per_s": r"s: (\d+)/s"},
        "the burst goes through collector and recorder; broker and runner stand outside of it",
    ),
    "R15": Proof(
        ["services/api/tests/test_live.py::test_a_browser_that_cannot_keep_up_is_sent_away_with_1013"],
        {},
        "the test overflows a browser's queue at once, without a clock and without others beside it",
    ),
    "R17": Proof(
        [
            f"{RUNNER}/test_isolation.py",
            f"{RUNNER}/test_reload.py",
            f"{RUNNER}/test_runner.py::test_strategies_that_fail_are_paused_with_the_reason_and_the_others_go_on",
        ],
        {},
        "the tests assert it and print no figure; containers are not part of them",
    ),
    "R22": Proof(
        ["tests/long/test_memory.py"],
        {},
        "20 minutes at 300 messages a second, collector and recorder; growth from the tenth minute on below 1 MiB",
    ),
}


async def run(context: Context) -> None:
    for name, proof in PROOFS.items():
        if name not in context.rows:
            continue
        context.step(f"{name} {len(proof.tests)} test(s)")
        found = context.found[name]
        output = await _pytest(proof.tests)
        outcomes = {kind: int(count) for count, kind in _COUNTS.findall(output)}
        passed, failed = outcomes.get("passed", 0), outcomes.get("failed", 0) + outcomes.get("error", 0)
        found.measure("proofs_failed", failed if passed or failed else len(proof.tests))
        for figure, pattern in proof.figures.items():
            if matched := re.search(pattern, output):
                found.measure(figure, float(matched[1]))
        for figure in found.row.bounds:
            if figure not in found.figures:
                found.leave_out(proof.why, figure)
        found.say(f"{passed} passed of {', '.join(test.split('::')[0] for test in proof.tests)}")


async def _pytest(tests: Sequence[str]) -> str:
    """What the tests said, as `pytest -s` shows it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pytest", "-m", "long or not long", "-q", "-s", *tests, cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    return output.decode(errors="replace")
