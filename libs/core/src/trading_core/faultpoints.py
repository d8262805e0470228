"""Marked places at which a process can be made to die, for the moments that kills at random miss.

`FAULTPOINTS=broker.after_commit:3` in the environment kills the process with SIGKILL at the third passing of that
place, as a power cut there would. Without the variable a passing costs one look at an empty dictionary.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping

from trading_core.errors import ConfigError

VARIABLE = "FAULTPOINTS"
POINTS: Mapping[str, str] = {
    "broker.after_takeover": "it holds the lock and has not read the ledger yet",
    "broker.before_ack": "a signal is stored, its message is not acknowledged",
    "broker.before_commit": "every row of an input is made, nothing of it is committed",
    "broker.after_commit": "the transaction is over, nobody has heard of it",
    "relay.before_mark": "a row of the outbox is on EXEC and not marked as sent",
    "recorder.before_ack": "a batch is committed, its messages are not acknowledged",
    "runner.before_grid": "the signals of a grid point are on the stream, its grid message is not",
    "collector.after_spool": "a message has its stamp and waits in memory",
    "collector.before_ack": "a message is sent, its acknowledgement has not come",
}
"""Every place, and what is true there."""


def parse(text: str) -> dict[str, int]:
    """`a:3,b` → passings until the process dies, by place. ConfigError for a place that is not one of POINTS."""
    wanted: dict[str, int] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, _, count = item.partition(":")
        if name not in POINTS:
            raise ConfigError(f"{VARIABLE}: there is no {name!r}. It is one of {', '.join(POINTS)}.")
        if not (count or "1").isdecimal() or int(count or "1") < 1:
            raise ConfigError(f"{VARIABLE}: {item!r} must be a place and a count from 1, such as {name}:3.")
        wanted[name] = int(count or "1")
    return wanted


_left: dict[str, int] = {}


def arm() -> Mapping[str, int]:
    """At the start of a process: what FAULTPOINTS asks for from now on. ConfigError as `parse`."""
    _left.clear()
    _left.update(parse(os.environ.get(VARIABLE, "")))
    return dict(_left)


def faultpoint(name: str) -> None:
    """Ends the process here and now when that was asked for; else does nothing."""
    if name in _left:
        _left[name] -= 1
        if _left[name] == 0:
            os.write(2, f'{{"event": "faultpoint_reached", "name": "{name}"}}\n'.encode())
            os.kill(os.getpid(), signal.SIGKILL)
