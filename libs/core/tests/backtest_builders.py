"""Small histories and scripted strategies for candle backtests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from trading_core.backtest.engine import Run, run_backtest
from trading_core.backtest.history import FundingRow, History, candle_columns
from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, rule_book
from trading_core.config import BrokerConfig, SnapshotConfig, StrategyRules
from trading_core.market.series import Candles
from trading_core.market.snapshot import MarketSnapshot
from trading_core.model import INTERVALS_MS, MINUTE_MS, Direction, Signal
from trading_core.strategy.base import Strategy
from trading_core.strategy.registry import LoadedStrategy

T0 = 1_750_032_000_000
"""A UTC midnight."""
Bar = tuple[float, float, float, float]
Script = Mapping[tuple[int, str], tuple[str, float]]
"""(minute, asset) → (direction, confidence): what a scripted strategy says when it is evaluated then."""


def minute(number: int) -> int:
    return T0 + number * MINUTE_MS


def flat(price: float) -> Bar:
    return (price, price, price, price)


def bars(asset: str, sequence: Iterable[tuple[int, int, Bar]]) -> Candles:
    """Runs of (first minute, how many, (open, high, low, close)); minutes between the runs are missing."""
    rows = [(minute(first + step), *bar, 1.0) for first, count, bar in sequence for step in range(count)]
    return candle_columns(asset, *zip(*rows, strict=True))


class Scripted(Strategy):
    """Says what it is told to at the minutes it is told."""

    def __init__(self, name: str, script: Script) -> None:
        self.name = name
        self.script = {(minute(number), asset): said for (number, asset), said in script.items()}
        super().__init__()

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        said = self.script.get((snapshot.ts, snapshot.asset))
        return None if said is None else self.signal(snapshot, Direction(said[0]), said[1])


def scripted(
    script: Script,
    *,
    name: str = "alpha",
    interval: str = "1m",
    assets: tuple[str, ...] = ("BTC", "ETH", "SOL"),
    exchanges: tuple[str, ...] = ("hyperliquid",),
    **rules: Any,
) -> LoadedStrategy:
    return LoadedStrategy(
        name=name,
        class_name=name.title(),
        instance=Scripted(name, script),
        enabled=True,
        interval=interval,
        interval_ms=INTERVALS_MS[interval],
        assets=assets,
        exchanges=exchanges,
        grid="-".join(exchanges),
        params={},
        rules=StrategyRules(**rules),
        input_limits={},
        code_hash="",
        params_hash="",
        docs="",
    )


def a_run(
    candles: Mapping[str, Candles],
    *strategies: LoadedStrategy,
    minutes: int,
    first: int = 0,
    funding: Mapping[str, list[FundingRow]] | None = None,
    broker: Mapping[str, Any] | None = None,
) -> Run:
    """A backtest from minute `first` to minute `minutes`."""
    rules = rule_book(
        BrokerConfig(**(broker or {})), {loaded.name: loaded.rules for loaded in strategies}, DEFAULT_SZ_DECIMALS
    )
    history = History(dict(candles), funding or {})
    return run_backtest(history, strategies, rules, SnapshotConfig(), minute(first), minute(minutes))
