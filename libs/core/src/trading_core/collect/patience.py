"""Asking a venue until it answers, and waiting before the next socket."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from trading_core.errors import VenueMessageInvalid, VenueUnavailable

RETRY_S = (1.0, 2.0, 4.0, 8.0, 15.0)
RETRY_INVALID_S = 5.0
"""The same question gets the same answer, but a venue out of order says nonsense for a while too."""
BACK_OFF_S = (0.5, 4.0)
BACK_OFF_LONG_S = 30.0
FAILING_S = 300.0
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_BEGAN_NS = time.time_ns() - time.clock_gettime_ns(_STEADY)
T = TypeVar("T")
log = structlog.get_logger()


def wall_ms() -> int:
    """Wall time as it would be had nobody set this machine's clock since the start.

    Venue time is this plus a measured offset: a clock set an hour forward would carry the watermark with it, one set
    back would make every event one from the future.
    """
    return (_BEGAN_NS + _steady_ns()) // 1_000_000


def wall_set_by_ms() -> int:
    """By how much the clock was set since the start; above 0 forward."""
    return time.time_ns() // 1_000_000 - wall_ms()


def _steady_ns() -> int:
    """Goes on while the machine sleeps, as the venues do: on Linux only the first of these clocks."""
    return time.clock_gettime_ns(_STEADY)


async def until_answered(what: str, ask: Callable[[], Awaitable[T]]) -> T:
    """The answer, however long the venue is away."""
    attempt = 0
    while True:
        try:
            return await ask()
        except (VenueUnavailable, VenueMessageInvalid) as error:
            log.warning("venue_unanswered", what=what, error=str(error))
            is_invalid = isinstance(error, VenueMessageInvalid)
            delay_s = RETRY_INVALID_S if is_invalid else RETRY_S[min(attempt, len(RETRY_S) - 1)]
            await asyncio.sleep(delay_s * random.uniform(1.0, 1.5))
            attempt += 1


def back_off_s(failing_for_s: float) -> float:
    """A random wait before the next connection; a longer one when none has worked for five minutes."""
    lowest, highest = BACK_OFF_S
    return random.uniform(lowest, BACK_OFF_LONG_S if failing_for_s > FAILING_S else highest)
