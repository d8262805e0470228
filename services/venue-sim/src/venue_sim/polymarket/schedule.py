"""Faults by chance: which, how long and after which pause follows from a seed alone. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator

from venue_sim.polymarket.faults import Fault, Kind

PAUSE_S = (3.0, 8.0)
LENGTH_S = (0.5, 5.0)
KINDS: tuple[Kind, ...] = (
    "stall", "half_open", "close", "refuse", "duplicate", "out_of_order", "oversize", "unknown_event", "malformed",
    "empty_sides", "wrong_top", "no_dump", "trades", "tick_size", "late_result", "no_result",
    "rest_429", "rest_html", "rest_null", "rest_500", "rest_truncated", "rest_slow",
)  # fmt: skip
REQUESTS = (None, "gamma", "clob/books", "clob/markets")


def by_chance(seed: int) -> Iterator[tuple[float, Fault]]:
    """(pause in seconds before it, fault), without end."""
    chance = random.Random(f"polymarket {seed}")
    while True:
        kind = chance.choice(KINDS)
        pause_s, length_s = (round(chance.uniform(*span), 1) for span in (PAUSE_S, LENGTH_S))
        request = chance.choice(REQUESTS) if kind.startswith("rest_") else None
        yield pause_s, Fault(kind=kind, for_s=length_s, request=request)
