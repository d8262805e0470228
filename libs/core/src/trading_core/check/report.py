"""The check of one strategy: several walks through made-up markets, compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from trading_core import messages
from trading_core.check.market import Market, made_up_market
from trading_core.check.observe import observed, readers
from trading_core.check.walk import Point, Walk, alone, walk, whole
from trading_core.messages import SignalMessage
from trading_core.model import MINUTE_MS
from trading_core.strategy.registry import LoadedStrategy

LIVE_MINUTES = 2_000
LIVE_EVALUATIONS = 60
SAMPLED = 40
OBSERVED_MINUTES = 720

Load = Callable[[], LoadedStrategy]
"""The strategy, imported afresh: nothing that its modules remember is left."""
Step = Callable[[str], None]
"""Hears what is done next."""


@dataclass
class Findings:
    """What was found; nothing in the first three is well."""

    look_ahead: list[str] = field(default_factory=list)
    impure: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    minutes: int = 0
    evaluations: int = 0
    signals: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    warm_up_minutes: int | None = None
    """Minutes of data before the first answer that was not `warming_up`; None: it never came."""
    median_us: float = 0.0
    p99_us: float = 0.0

    @property
    def clean(self) -> bool:
        return not (self.look_ahead or self.impure or self.broken)


def check(load: Load, folder: Path, step: Step = lambda _: None) -> Findings:
    """Findings about the strategy that `load` gives; `folder` holds its code.

    One walk each with the future there, cut off and replaced by another; one more of a new instance and one of the
    same; each signal once more by an instance that knows nothing else; the last hours while the interpreter tells.
    """
    first = load()
    live = max(LIVE_MINUTES, LIVE_EVALUATIONS * first.interval_ms // MINUTE_MS)
    minutes = first.instance.history + live
    market = made_up_market(minutes, seed=1)
    future = whole(first, market, first.instance.history)
    other = whole(first, made_up_market(minutes, seed=2), 0)
    step("with the future in reach")
    told = walk(first, market, future)
    from_ = minutes - live
    found = _figures(told, minutes)
    step("again, imported afresh")
    if differing := _differing(told, walk(load(), market, future, first=from_)):
        found.impure.append(f"two fresh imports say different things {_where(differing)}: chance, a clock, a file?")
    step("again, by the same instance")
    same = walk(first, market, future, assets=reversed(list(market)), first=from_, twice=True)
    if differing := [*_differing(told, same), *same.contradictions]:
        found.impure.append(f"it remembers: asked again it says something else {_where(differing)}")
    if told.changed or same.changed:
        found.impure.append(f"it changes the candles that it is given ({', '.join(told.changed or same.changed)})")
    if not found.impure:
        for name, ahead in (("cut off", None), ("replaced by another", other)):
            step(f"with the future {name}")
            if differing := _differing(told, walk(load(), market, ahead, first=from_)):
                found.look_ahead.append(f"with the future {name} it says something else {_where(differing)}")
    step("each signal alone")
    differing = [point for point in _sample(told) if alone(load(), market, point) != told.said[point]]
    if differing:
        found.impure.append(
            f"a new instance that has only the candles of its look-back says something else {_where(differing)}"
        )
    step("what it does besides")
    found.impure += sorted(_observed(load, market, folder) | readers(folder))
    return found


def _observed(load: Load, market: Market, folder: Path) -> set[str]:
    minutes = len(next(iter(market.values())).close)
    probe = load()
    package = type(probe.instance).__module__.rpartition(".")[0]
    with observed(package, folder) as found:
        walk(load(), market, None, first=minutes - OBSERVED_MINUTES)
    return found


def _figures(told: Walk, minutes: int) -> Findings:
    found = Findings(minutes=minutes, evaluations=len(told.said))
    start = min(ts for _, ts in told.said) if told.said else 0
    answered: list[int] = []
    for (_, ts), text in told.said.items():
        message = _decoded(text)
        if message is None:
            if not found.broken:
                found.broken.append(text)
            continue
        outcome = message.reason or message.direction
        found.reasons[outcome] = found.reasons.get(outcome, 0) + 1
        found.signals += message.direction != "PASS"
        if outcome not in ("warming_up", "no_candle"):
            answered.append(ts)
    if answered:
        found.warm_up_minutes = (min(answered) - start) // MINUTE_MS
    if told.took_ns:
        found.median_us, found.p99_us = (float(np.percentile(told.took_ns, q)) / 1_000 for q in (50, 99))
    return found


def _decoded(text: str) -> SignalMessage | None:
    if text.startswith("failed: "):
        return None
    message = messages.decode(text)
    assert isinstance(message, SignalMessage)
    return message


def _differing(one: Walk, other: Walk) -> list[Point]:
    return [point for point, text in other.said.items() if one.said[point] != text]


def _where(points: list[Point]) -> str:
    asset, ts = min(points, key=lambda point: point[1])
    return f"at {len(points):,} of its evaluations, first for {asset} at {ts}"


def _sample(told: Walk) -> Iterator[Point]:
    """Signals, evenly over the walk, and some other evaluations."""
    signals = [point for point, text in told.said.items() if '"direction":"PASS"' not in text]
    others = list(told.said)
    for points, count in ((signals, SAMPLED), (others, SAMPLED // 2)):
        yield from points[:: max(1, len(points) // count)]
