"""Strategies that do what a strategy must not, each in its own way, beside one that just goes on."""

from __future__ import annotations

import os
import signal
import sys
import time

import numpy as np

from trading_core.config import StrategyRules
from trading_core.market.snapshot import MarketSnapshot
from trading_core.model import MINUTE_MS, Direction, Signal
from trading_core.strategy.base import Strategy
from trading_core.strategy.registry import LoadedStrategy


class Steady(Strategy):
    """LONG at every candle."""

    name = "steady"

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        return self.signal(snapshot, Direction.LONG, 0.9, close=float(snapshot.closes("1m", 1)[-1]))


class Raises(Strategy):
    name = "bad"

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        raise ZeroDivisionError("on purpose")


class Loops(Strategy):
    name = "bad"

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        while True:
            pass


class Sleeps(Strategy):
    name = "bad"

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        time.sleep(3_600)
        return None


class Stubborn(Strategy):
    """Swallows whatever is raised into it."""

    name = "bad"

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        while True:
            try:
                while True:
                    pass
            except BaseException:
                continue


class Native(Strategy):
    """In native code nothing can be raised."""

    name = "bad"

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        sum(range(10**13))
        return None


class Crashes(Strategy):
    name = "bad"

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        os.kill(os.getpid(), signal.SIGSEGV)
        return None


class Leaves(Strategy):
    name = "bad"

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        os._exit(3)


class Exits(Strategy):
    name = "bad"

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        sys.exit(3)


class Greedy(Strategy):
    """Two gibibytes."""

    name = "bad"

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        np.ones(2**28)
        return None


BAD: dict[type[Strategy], str] = {
    Raises: "ZeroDivisionError: on purpose",
    Loops: "Overrun: it took longer than 250 ms",
    Sleeps: "Overrun: it took longer than 250 ms",
    Stubborn: "it did not come back within 500 ms",
    Native: "it did not come back within 500 ms",
    Crashes: "its process was ended by SIGSEGV",
    Leaves: "it ended its process (3)",
    Exits: "SystemExit: 3",
    Greedy: "MemoryError",
}
"""And the words that the failure's text holds."""


def loaded(strategy: type[Strategy], name: str = "") -> LoadedStrategy:
    """`strategy` with its defaults on BTC, under another name if one is given."""
    instance = strategy()
    instance.name = name or strategy.name
    return LoadedStrategy(
        name=instance.name, class_name=strategy.__name__, instance=instance, interval="1m", interval_ms=MINUTE_MS,
        assets=("BTC",), exchanges=("hyperliquid",), grid="hyperliquid", params={}, rules=StrategyRules(),
        input_limits={}, code_hash="c", params_hash="p", docs="", enabled=True,
    )  # fmt: skip
