"""Faults by chance: which, how long and after which pause follows from a seed alone. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import msgspec

from venue_sim.faults import Fault

PAUSE_S = (3.0, 8.0)
LENGTH_S = (0.5, 5.0)
SILENCE_S = (10.0, 14.0)
"""Of `SILENT` kinds: longer than a watchdog is patient with a busy channel, else nobody could tell what was lost."""
SILENT = ("stall", "half_open")
Narrowed = tuple[dict[str, Any], ...]
_TIMED: Narrowed = ({"channel": "trades"}, {"channel": "bbo"}, {"channel": "candle"})
_CODES: Narrowed = ({"code": 1000}, {"code": 1001}, {"code": 1006})
_REQUESTS: Narrowed = (
    {},
    {"request": "candleSnapshot"},
    {"request": "fundingHistory"},
    {"request": "metaAndAssetCtxs"},
)
CHOICES: tuple[tuple[str, Narrowed], ...] = (
    ("stall", ({}, {"channel": "trades"}, {"channel": "candle", "coin": "ETH"}, {"channel": "activeAssetCtx"})),
    ("half_open", ({},)),
    ("close", _CODES),
    ("refuse", _CODES),
    ("duplicate", ({},)),
    # Not contexts: they carry no time of their own, so one out of its turn is another event.
    ("out_of_order", _TIMED),
    ("late", _TIMED),
    ("oversize", ({"channel": "bbo"},)),
    ("unknown_event", ({},)),
    ("malformed", ({},)),
    ("empty_sides", ({},)),
    ("rest_429", _REQUESTS),
    ("rest_null", _REQUESTS),
    ("rest_500", _REQUESTS),
    ("rest_502", _REQUESTS),
    ("rest_truncated", _REQUESTS),
    ("rest_slow", _REQUESTS),
    ("speed", ({"factor": 3.0},)),
    ("clock_offset", ({"offset_ms": 2_000}, {"offset_ms": -2_000})),
)
"""Kinds with what narrows them. A delisted coin does not come back by itself, so it is none of them."""


def by_chance(seed: int) -> Iterator[tuple[float, Fault]]:
    """(pause in seconds before it, fault), without end."""
    chance = random.Random(seed)
    while True:
        kind, variants = chance.choice(CHOICES)
        lengths = SILENCE_S if kind in SILENT else LENGTH_S
        pause_s, length_s = (round(chance.uniform(*span), 1) for span in (PAUSE_S, lengths))
        asked = {"kind": kind, "for_s": length_s, **chance.choice(variants)}
        yield pause_s, msgspec.convert(asked, Fault)
