"""A strategy led through a market, minute by minute, with one future or another lying where it must not look."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from trading_core import messages
from trading_core.check.market import START, Market, feed
from trading_core.config import SnapshotConfig
from trading_core.errors import StrategyFailed
from trading_core.market.foresight import plant, same_candles
from trading_core.market.state import MarketState
from trading_core.model import MINUTE_MS
from trading_core.strategy.evaluate import evaluate
from trading_core.strategy.registry import LoadedStrategy

LIMITS = SnapshotConfig()
Point = tuple[str, int]
"""Asset and grid point."""


@dataclass
class Walk:
    """What it said at each point, as text; how long each evaluation took."""

    said: dict[Point, str] = field(default_factory=dict)
    took_ns: list[int] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    """Assets whose candles are not what was fed."""
    contradictions: list[Point] = field(default_factory=list)
    """Points asked twice in a row where the second answer was another one."""


def whole(loaded: LoadedStrategy, market: Market, history: int) -> dict[str, MarketState]:
    """States that have seen everything: what a future is taken from."""
    states = {}
    for asset, minutes in market.items():
        state = states[asset] = MarketState(asset, loaded.exchanges, history=max(history, len(minutes.close)))
        for _ in feed(state, minutes, len(minutes.close)):
            pass
    return states


def walk(
    loaded: LoadedStrategy,
    market: Market,
    future: dict[str, MarketState] | None,
    *,
    assets: Iterable[str] | None = None,
    first: int = 0,
    twice: bool = False,
) -> Walk:
    """Every evaluation of `loaded` from minute `first` on; minutes before are only fed.

    future: states that know what comes, in another or in the same world; None: it is cut off. Whatever the strategy
    finds behind its views, or in the frames of its callers, is of that future.
    """
    done = Walk()
    order = list(market if assets is None else assets)
    states = {asset: MarketState(asset, loaded.exchanges, history=loaded.instance.history) for asset in order}
    count = len(next(iter(market.values())).close)
    steps = {asset: feed(states[asset], market[asset], count) for asset in order}
    for minute in range(count):
        for asset in order:
            ts = next(steps[asset])
            if minute < first or ts % loaded.interval_ms:
                continue
            plant(states[asset], None if future is None else future[asset])
            began = time.perf_counter_ns()
            answer = _answer(loaded, states[asset], ts)
            done.took_ns.append(time.perf_counter_ns() - began)
            done.said[asset, ts] = answer
            if twice and _answer(loaded, states[asset], ts) != answer:
                done.contradictions.append((asset, ts))
    done.changed = [asset for asset in order if not _as_fed(states[asset], market, asset)]
    return done


def alone(loaded: LoadedStrategy, market: Market, point: Point) -> str:
    """What a new instance says there, given only the candles that it may look back over."""
    asset, ts = point
    end = (ts - START) // MINUTE_MS
    state = MarketState(asset, loaded.exchanges, history=loaded.instance.history)
    held = np.flatnonzero(market[asset].present[:end])[-loaded.instance.history :]
    for _ in feed(state, market[asset], end, candles_from=int(held[0]) if len(held) else end):
        pass
    return _answer(loaded, state, ts)


def _answer(loaded: LoadedStrategy, state: MarketState, ts: int) -> str:
    try:
        return messages.encode(evaluate(loaded, state, ts, LIMITS)).decode()
    except StrategyFailed as error:
        return f"failed: {str(error).splitlines()[0]}"


def _as_fed(state: MarketState, market: Market, asset: str) -> bool:
    fresh = MarketState(asset, state.exchanges, history=state.history)
    for _ in feed(fresh, market[asset], len(market[asset].close)):
        pass
    return same_candles(state, fresh)
