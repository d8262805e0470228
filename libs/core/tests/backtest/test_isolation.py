"""Strategies on ledgers of their own: each does what it does alone, and the portfolio is their sum."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from market_recording import ASSETS, START, a_recording

from repository import ROOT
from trading_core.backtest.engine import Engine, Run, run_backtest
from trading_core.backtest.parquet import read_history
from trading_core.backtest.report import report
from trading_core.backtest.ticks import run_ticks
from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, Isolation, rule_book
from trading_core.config import SnapshotConfig, load
from trading_core.messages import MarketData
from trading_core.model import DAY_MS, MINUTE_MS
from trading_core.sequence.timeline import order_of
from trading_core.strategy.registry import LoadedStrategy, load_strategies

SETTINGS = load(ROOT / "config.yaml")
FROM = 1_746_403_200_000
"""2025-05-05."""


def strategies(*names: str) -> list[LoadedStrategy]:
    return [loaded for loaded in load_strategies(ROOT / "strategies", SETTINGS) if loaded.name in names]


def on_candles(names: tuple[str, ...], isolation: Isolation, engine: Engine = "fast") -> Run:
    loaded = strategies(*names)
    rules = rule_book(SETTINGS.broker, {s.name: s.rules for s in loaded}, DEFAULT_SZ_DECIMALS)
    history = read_history(ROOT / "data/sample", ("BTC", "ETH"))
    limits = SETTINGS.snapshot
    return run_backtest(
        history, loaded, rules, limits, FROM, FROM + 3 * DAY_MS, engine=engine, isolation=isolation
    )  # fmt: skip


def without_names(trades: list[Any]) -> list[tuple[Any, ...]]:
    return [(t.strategy, t.asset, t.entry_ms, t.quantity, t.exit_ms, t.realised_pnl) for t in trades]


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_each_strategy_trades_as_if_it_were_alone(engine: Engine) -> None:
    both = on_candles(("rsi_mean_reversion", "momentum_breakout"), "per_strategy", engine)
    assert {trade.portfolio for trade in both.trades} == {"default-rsi_mean_reversion", "default-momentum_breakout"}
    exits = [trade.exit_ms or 0 for trade in both.trades]
    assert exits == sorted(exits)
    for name in ("rsi_mean_reversion", "momentum_breakout"):
        alone = on_candles((name,), "shared", engine)
        assert alone.trades
        assert without_names([t for t in both.trades if t.strategy == name]) == without_names(alone.trades)
        assert (both.equity.strategies[name] == alone.equity.pnl).all()


def test_the_report_is_about_the_sum_and_each_part_about_its_own_capital() -> None:
    both = on_candles(("rsi_mean_reversion", "momentum_breakout"), "per_strategy")
    said, alone = report(both, 252), report(on_candles(("momentum_breakout",), "shared"), 252)
    assert (said["config"]["isolation"], said["config"]["initial_capital"]) == ("per_strategy", "20000")
    assert said["summary"]["parts_are"] == "strategies on their own capital"
    assert said["summary"]["by_strategy"]["momentum_breakout"] == alone["summary"]["by_strategy"]["momentum_breakout"]
    assert (both.equity.pnl == sum(both.equity.assets.values())).all()


def test_a_strategy_that_is_not_evaluated_brings_no_capital() -> None:
    run = on_candles(("momentum_breakout", "contrarian_pure"), "per_strategy")
    assert run.equity.capital == 10_000
    said = report(run, 252)["summary"]["strategies_not_evaluated"]
    assert said == {"contrarian_pure": "there are no candles of polymarket"}


async def test_on_ticks_too_each_strategy_trades_as_if_it_were_alone() -> None:
    recording = a_recording(11)
    market = [*recording.backfill, *(message for minute in recording.minutes for message in minute)]

    async def ticks(names: tuple[str, ...], isolation: Isolation) -> Run:
        loaded = strategies(*names)
        rules = rule_book(SETTINGS.broker, {s.name: s.rules for s in loaded}, DEFAULT_SZ_DECIMALS)
        return await run_ticks(
            served(market), "memory", loaded, tuple(ASSETS), rules, SnapshotConfig(), START + MINUTE_MS,
            recording.last_ts, isolation=isolation,
        )  # fmt: skip

    names = ("rsi_mean_reversion", "momentum_breakout")
    both = await ticks(names, "per_strategy")
    assert both.trades
    for name in names:
        alone = await ticks((name,), "shared")
        assert without_names([t for t in both.trades if t.strategy == name]) == without_names(alone.trades)
    evaluations = [(await ticks((name,), "shared")).evaluations for name in names]
    assert both.evaluations == sum(evaluations)


async def served(market: list[MarketData]) -> AsyncIterator[MarketData]:
    for message in sorted(market, key=order_of):
        yield message
