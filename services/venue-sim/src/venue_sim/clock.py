"""The venue clock: event time that moves at `speed` and survives a restart."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from trading_core.errors import ConfigError
from trading_core.model import DAY_MS

CATCH_UP_S = 0.25


@dataclass(frozen=True)
class ClockState:
    """What a restart needs: where event time stood, how fast it went, and how far the sample is moved."""

    event_ms: int
    speed: float
    shift_ms: int


def read_state(path: Path) -> ClockState | None:
    """The saved state; None when there is none. ConfigError when the file cannot be understood."""
    try:
        saved = json.loads(path.read_text())
        return ClockState(int(saved["event_ms"]), float(saved["speed"]), int(saved["shift"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is not a saved venue clock ({error!r}). Remove it to start afresh.") from error


def write_state(path: Path, state: ClockState) -> None:
    """Whole or not at all, so that a kill in the middle leaves the state before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    beside.write_text(json.dumps({"event_ms": state.event_ms, "speed": state.speed, "shift": state.shift_ms}) + "\n")
    os.replace(beside, path)


def whole_days_before(end_ms: int, wall_ms: int) -> int:
    """The largest shift in whole UTC days that leaves the end of the sample at or before `wall_ms`."""
    return (wall_ms - end_ms) // DAY_MS * DAY_MS


class Pace:
    """Event time against monotonic seconds. Late means late: nothing is skipped and nothing is hurried to catch up."""

    def __init__(self, event_ms: int, speed: float) -> None:
        self.speed = speed
        self._event_ms = event_ms
        self._since_s: float | None = None
        self._passed_ms = event_ms
        self._next_ms = event_ms

    def start(self, now_s: float) -> None:
        """Event time stands still before this."""
        self._since_s = now_s

    def change_speed(self, speed: float, now_s: float) -> bool:
        """From now on at `speed`, event time going on from where it stands; whether that is a change."""
        if speed == self.speed:
            return False
        self._event_ms, self._since_s = self.now_ms(now_s), now_s if self._since_s is not None else None
        self.speed = speed
        return True

    def expect(self, next_ms: int) -> None:
        """The next event is due at `next_ms`: the clock stays before it until `passed`."""
        self._next_ms = next_ms

    def wait_s(self, now_s: float) -> float:
        """Seconds until the expected event is due; negative when it is late."""
        assert self._since_s is not None, "the clock has not been started"
        return self._since_s + (self._next_ms - self._event_ms) / self.speed / 1000 - now_s

    def passed(self, now_s: float) -> None:
        """The expected event happens now."""
        self._passed_ms = self._next_ms
        if self.wait_s(now_s) < -CATCH_UP_S:
            self._event_ms, self._since_s = self._next_ms, now_s

    def now_ms(self, now_s: float) -> int:
        """Event time now: from the last event up to just before the next one."""
        if self._since_s is None:
            return self._event_ms
        moved = self._event_ms + int((now_s - self._since_s) * self.speed * 1000)
        return max(self._passed_ms, min(moved, self._next_ms - 1))
