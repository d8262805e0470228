"""Random histories for candle backtests, and the comparison of the two engines on them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
from backtest_builders import T0
from hypothesis import strategies as st

from trading_core.backtest.engine import Engine, Run, run_backtest
from trading_core.backtest.history import FundingRow, History, candle_columns
from trading_core.backtest.report import report
from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, rule_book
from trading_core.config import BrokerConfig, SnapshotConfig
from trading_core.market.series import Candles
from trading_core.model import HOUR_MS, MINUTE_MS
from trading_core.strategy.registry import LoadedStrategy

ASSETS = ("BTC", "ETH", "SOL")
STARTS = {"BTC": 60_000.0, "ETH": 2_500.0, "SOL": 150.0}


@st.composite
def candles(draw: st.DrawFn, asset: str, minutes: int) -> Candles:
    """A walk of few or many digits, with holes, still stretches and jumps."""
    seed = draw(st.integers(0, 2**32 - 1))
    chance = np.random.default_rng(seed)
    places = draw(st.sampled_from([0, 1, 2, 5, 12]))
    step = draw(st.sampled_from([0.0, 0.0005, 0.004, 0.03]))
    moves = chance.standard_normal(minutes) * step
    moves[chance.random(minutes) < draw(st.sampled_from([0.0, 0.5]))] = 0.0
    moves[chance.random(minutes) < 0.02] *= 8
    close = np.maximum(np.round(STARTS[asset] * np.exp(np.cumsum(moves)), places), 1.0)
    opened = np.where(chance.random(minutes) < 0.2, close, np.concatenate(([close[0]], close[:-1])))
    reach = np.abs(chance.standard_normal((2, minutes))) * step / 2
    high = np.maximum(np.maximum(opened, close), np.round(close * (1 + reach[0]), places))
    low = np.minimum(np.minimum(opened, close), np.maximum(np.round(close * (1 - reach[1]), places), 0.5))
    there = chance.random(minutes) >= draw(st.sampled_from([0.0, 0.0, 0.05, 0.4]))
    opens = T0 + MINUTE_MS * np.arange(minutes, dtype=np.int64)
    volume = np.round(chance.random(minutes) * 10, 3)
    return candle_columns(asset, *(column[there] for column in (opens, opened, high, low, close, volume)))


@st.composite
def fundings(draw: st.DrawFn, minutes: int) -> list[FundingRow]:
    rows = draw(st.lists(st.tuples(st.integers(-1, minutes // 60), st.integers(-9, 9)), max_size=6))
    return sorted(FundingRow(T0 + hour * HOUR_MS + abs(rate), Decimal(rate).scaleb(-4)) for hour, rate in rows)


def agree(history: History, loaded: list[LoadedStrategy], broker: dict[str, Any], from_ms: int, to_ms: int) -> Run:
    """Both engines say the same about everything; what the fast one said."""
    book = rule_book(BrokerConfig(**broker), {one.name: one.rules for one in loaded}, DEFAULT_SZ_DECIMALS)

    def run(engine: Engine) -> Run:
        return run_backtest(history, loaded, book, SnapshotConfig(), from_ms, to_ms, engine=engine)

    fast, reference = run("fast"), run("reference")
    assert (fast.engine, reference.engine) == ("fast", "reference")
    assert fast.trades == reference.trades
    assert fast.payments == reference.payments
    assert fast.owed == reference.owed
    assert list(fast.decisions) == list(reference.decisions)
    ours, theirs = report(fast, 252), report(reference, 252)
    for key in theirs:
        assert ours[key] == theirs[key], key
    for part in ("strategies", "assets"):
        shares, wanted = getattr(fast.equity, part), getattr(reference.equity, part)
        assert {k: v.tolist() for k, v in shares.items()} == {k: v.tolist() for k, v in wanted.items()}
    return fast
