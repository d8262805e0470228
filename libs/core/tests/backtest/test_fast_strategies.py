"""The scans of the built-in strategies say what their `evaluate` says at every grid point, whatever the parameters."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backtest_builders import T0, minute
from engine_builders import ASSETS, agree, candles, fundings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shared_data import SHARED, needs

from trading_core.backtest.history import FundingRow, History, candle_columns
from trading_core.backtest.parquet import read_history
from trading_core.config import Settings
from trading_core.market.series import Candles
from trading_core.model import HOUR_MS, MINUTE_MS
from trading_core.strategy.registry import LoadedStrategy, find_strategy, load_strategies

STRATEGIES = Path(__file__).parents[4] / "strategies"
PARAMS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "rsi_mean_reversion": {
        "period": st.integers(2, 40),
        "overbought": st.sampled_from([50.5, 60.0, 75.0, 99.0]),
        "oversold": st.sampled_from([1.0, 25.0, 45.0, 50.0]),
        "lookback": st.integers(41, 260),
    },
    "momentum_breakout": {
        "bb_period": st.integers(2, 24),
        "bb_sigma": st.sampled_from([0.1, 1.0, 2.0]),
        "volume_factor": st.sampled_from([0.0, 0.5, 1.0, 2.0]),
        "volume_window": st.sampled_from([1, 20, 60, 400]),
    },
    "funding_arb": {"threshold": st.sampled_from([0.0001, 0.0008, 0.004]), "basis_hours": st.integers(1, 8)},
    "funding_rate": {"threshold": st.sampled_from([0.0001, 0.0008, 0.004]), "basis_hours": st.integers(1, 8)},
}
INTERVALS = {"rsi_mean_reversion": ["1m", "5m", "1h"]}
SLOW = settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])


def strategies(overrides: dict[str, dict[str, Any]]) -> list[LoadedStrategy]:
    chosen = Settings.model_validate({"strategies": overrides})
    available = load_strategies(STRATEGIES, chosen)
    return [find_strategy(name, available) for name in overrides]


@st.composite
def settings_of(draw: st.DrawFn, name: str) -> dict[str, Any]:
    params = draw(st.fixed_dictionaries({}, optional=PARAMS[name]))
    rules = draw(st.fixed_dictionaries({}, optional={"min_confidence": st.sampled_from([0.0, 0.6, 0.8, 1.0])}))
    if "funding" in name:
        rules |= draw(st.fixed_dictionaries({}, optional={"funding_max_age_h": st.integers(1, 3)}))
    return {"params": params, "rules": rules, "interval": draw(st.sampled_from(INTERVALS.get(name, ["1m"])))}


@given(st.data())
@SLOW
def test_built_in_strategies_on_random_data(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(PARAMS)), min_size=1, max_size=4, unique=True), "names")
    loaded = strategies({name: data.draw(settings_of(name), name) for name in sorted(names)})
    minutes = data.draw(st.sampled_from([700, 3_000, 9_000]), "minutes")
    assets = data.draw(st.sampled_from([ASSETS[:1], ASSETS[1:]]), "assets")
    history = History(
        {asset: data.draw(candles(asset, minutes), asset) for asset in assets},
        {asset: data.draw(fundings(minutes), f"funding {asset}") for asset in assets},
    )
    agree(history, loaded, {}, minute(data.draw(st.sampled_from([0, minutes // 2]), "first")), minute(minutes))


def walk(minutes: int, seed: int) -> Candles:
    chance = np.random.default_rng(seed)
    close = np.round(2_500 * np.exp(np.cumsum(chance.standard_normal(minutes) * 0.0007)), 1)
    opened = np.concatenate((close[:1], close[:-1]))
    times = T0 + MINUTE_MS * np.arange(minutes, dtype=np.int64)
    volume = np.round(chance.lognormal(2, 0.8, minutes), 3)
    return candle_columns("ETH", times, opened, np.maximum(opened, close), np.minimum(opened, close), close, volume)


def test_a_jump_leaves_no_doubt_out() -> None:
    """Right after a jump that dwarfs all other moves the RSI of all closes is no guide to that of a window."""
    before = walk(6_000, 3)
    close = np.where(np.arange(6_000) >= 3_000, before.close * 9, before.close)
    flat = candle_columns("ETH", before.open_time_ms, close, close, close, close, before.volume)
    params = {"period": 20, "lookback": 60, "overbought": 55.0, "oversold": 45.0}
    run = agree(History({"ETH": flat}), strategies({"rsi_mean_reversion": {"params": params}}), {}, T0, minute(6_000))
    assert run.trades


@pytest.mark.parametrize("name", sorted(PARAMS))
def test_a_scan_says_something_else_than_pass(name: str) -> None:
    rates = [FundingRow(T0 + hour * HOUR_MS, Decimal("0.001") * (hour % 3 - 1)) for hour in range(100)]
    history = History({"ETH": walk(6_000, 3)}, {"ETH": rates})
    run = agree(history, strategies({name: {}}), {}, T0, minute(6_000))
    assert len(run.trades) > 5


@needs("data/shippable/candles_1m", "data/funding")
def test_all_of_them_on_recorded_data() -> None:
    history = read_history(SHARED / "data/shippable", ASSETS, SHARED / "data/funding")
    opens = history.candles["BTC"].open_time_ms
    loaded = strategies({name: {} for name in PARAMS})
    run = agree(history, loaded, {}, int(opens[0]) + 7 * MINUTE_MS, int(opens[9_000]))
    assert len(run.trades) > 100
