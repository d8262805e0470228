"""Made-up signals: when each strategy speaks and which way. On coins with a look ahead, so that some win, some lose.

Nothing can be learned about a strategy from them. The broker's core decides what becomes of them, as of any other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from trading_core.market.series import FloatArray, IntArray
from trading_core.seed.windows import Window

RIGHT = {
    "rsi_mean_reversion": 0.85, "funding_arb": 0.79, "momentum_breakout": 0.775, "funding_rate": 0.74,
    "funding_oi": 0.69,
}  # fmt: skip
"""How often an entry faces the way the price will go; costs eat what is below about 0.77."""
OTHER_RIGHT = 0.7
LEAST_SLOT = 25.0
"""Minutes. In a shorter one the cooldown after a loss would refuse every other entry."""
RUNS_ON, REVERSES, REPEATS, WEAK = 0.05, 0.15, 0.35, 0.12
"""How often an entry is left to its timeout, is followed by the opposite, is said again, or is followed by a weak one.
"""
REFUSED = 0.04
"""More slots than trades, for those that the broker refuses and those that fall into a hole."""


class Said(NamedTuple):
    """One LONG, SHORT or CLOSE at the end of minute `minute`; `market` is empty for a coin."""

    minute: int
    direction: Literal["LONG", "SHORT", "CLOSE"]
    confidence: float
    market: str = ""


@dataclass(frozen=True)
class Stream:
    """One strategy on one asset of which `trades` round trips are wanted. `step` and `timeout` are minutes."""

    strategy: str
    asset: str
    step: int
    timeout: int | None
    trades: float


def on_coin(draw: np.random.Generator, stream: Stream, closes: FloatArray, heard: IntArray) -> list[Said]:
    """In slots of equal length: each has an entry and, some minutes later, an exit, a reversal or nothing at all."""
    minutes = len(closes)
    timeout = stream.timeout if stream.timeout is not None and stream.timeout <= 120 else None
    slots = stream.trades * (1 + REFUSED)
    runs = 0
    if timeout is not None and stream.trades:
        runs = math.ceil((timeout + 8) / (minutes / stream.trades))
        slots *= 1 + RUNS_ON * (runs - 1)
    if slots < 1:
        return []
    # A strategy says one thing at a time: an entry counts more than what was said after the exit before it.
    by_minute = {said.minute: said for said in _spoken(draw, stream, closes, heard, minutes / slots, runs)}
    return [by_minute[minute] for minute in sorted(by_minute)]


def _spoken(
    draw: np.random.Generator, stream: Stream, closes: FloatArray, heard: IntArray, slot: float, runs: int
) -> Iterator[Said]:
    right = RIGHT.get(stream.strategy, OTHER_RIGHT)
    last = len(closes) - 1
    number, held = 0, ""
    while (number + 1) * slot < last:
        begins = number * slot
        enters = _on_step(begins + draw.uniform(0.02, 0.25) * slot, stream.step)
        leaves = max(enters + stream.step, _on_step(begins + draw.uniform(0.4, 0.84) * slot, stream.step))
        rolls = draw.random(5).tolist()
        number += 1
        if leaves >= last or not (heard[enters - 1] and heard[leaves - 1]):
            held = ""
            continue
        if not held:
            rises = bool(closes[leaves - 1] >= closes[enters - 1])
            held = "LONG" if rises == (rolls[0] < right) else "SHORT"
            yield Said(enters, _way(held), _confidence(draw))
        again = _on_step((enters + leaves) / 2, stream.step)
        if rolls[1] < REPEATS and again not in (enters, leaves) and heard[again - 1]:
            yield Said(again, _way(held), _confidence(draw))
        if runs and rolls[2] < RUNS_ON:
            number += runs - 1
            held = ""
        elif rolls[3] < REVERSES:
            held = "SHORT" if held == "LONG" else "LONG"
            yield Said(leaves, _way(held), _confidence(draw))
        else:
            yield Said(leaves, "CLOSE", 1.0)
            held = ""
            weak = leaves + stream.step
            if rolls[4] < WEAK and heard[weak - 1]:
                yield Said(weak, "LONG", round(float(draw.uniform(0.2, 0.49)), 4))


def on_windows(threshold: float, windows: Sequence[Window], heard: IntArray) -> list[Said]:
    """Against the favoured side, once in a window: when it is first above the threshold with five minutes left."""
    found = []
    for window in windows:
        for minute in range(window.first + 3, window.end - 5):
            chance = window.chance(minute)
            favoured = max(chance, 1 - chance)
            if favoured < threshold or not heard[minute - 1]:
                continue
            confidence = 0.5 + 0.5 * (favoured - threshold) / (1 - threshold)
            found.append(Said(minute, "LONG" if chance < 0.5 else "SHORT", round(confidence, 6), window.market))
            break
    return found


def shares(strategies: Sequence[str], assets: Sequence[str], trades: int) -> Mapping[tuple[str, str], float]:
    """`trades` shared out to strategies on coins; some are busier than others."""
    weights = {
        (strategy, asset): 1 + 0.12 * (number % 3) + 0.05 * place
        for number, strategy in enumerate(strategies)
        for place, asset in enumerate(assets)
    }
    total = sum(weights.values())
    return {key: trades * weight / total for key, weight in weights.items()}


def _on_step(minute: float, step: int) -> int:
    return max(1, math.ceil(minute / step)) * step


def _way(held: str) -> Literal["LONG", "SHORT"]:
    return "LONG" if held == "LONG" else "SHORT"


def _confidence(draw: np.random.Generator) -> float:
    return round(float(draw.uniform(0.5, 0.98)), 4)
