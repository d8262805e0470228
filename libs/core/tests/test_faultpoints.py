"""Fault points: off unless asked for, then the process is gone at exactly that passing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest

from repository import ROOT
from trading_core.errors import ConfigError
from trading_core.faultpoints import POINTS, VARIABLE, parse

PASSES = """
from trading_core.faultpoints import arm, faultpoint
arm()
for number in range(1, 5):
    print(number, flush=True)
    faultpoint("relay.before_mark")
    faultpoint("broker.after_commit")
"""


def passing(wanted: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, VARIABLE: wanted}
    return subprocess.run([sys.executable, "-c", PASSES], env=environment, capture_output=True, text=True, check=False)


def test_the_process_is_killed_at_the_passing_that_was_asked_for_and_says_where() -> None:
    done = passing("broker.after_commit:3")
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "1\n2\n3\n")
    assert '"name": "broker.after_commit"' in done.stderr


def test_nothing_happens_unless_asked_for() -> None:
    done = passing("")
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n2\n3\n4\n", "")


def test_a_place_without_a_count_is_the_first_passing() -> None:
    assert parse("relay.before_mark, recorder.before_ack:7") == {"relay.before_mark": 1, "recorder.before_ack": 7}


@pytest.mark.parametrize("wrong", ["broker.nowhere", "relay.before_mark:0", "relay.before_mark:soon"])
def test_a_place_that_is_none_is_refused_with_a_sentence(wrong: str) -> None:
    with pytest.raises(ConfigError, match=VARIABLE):
        parse(wrong)


def test_every_declared_place_is_passed_somewhere_and_no_other() -> None:
    sources = [*(ROOT / "libs").rglob("src/**/*.py"), *(ROOT / "services").rglob("src/**/*.py")]
    passed = {name for source in sources for name in re.findall(r'\bfaultpoint\("([^"]+)"\)', source.read_text())}
    assert passed == set(POINTS)
