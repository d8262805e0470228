"""The rule set of the comparison with other engines: our live strategy and broker code makes exactly its trades."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from bench import r1

from r1_reference import Row, Trade, boll_trades, pnl_in_mills, rsi_trades, sma_trades
from trading_core.backtest.engine import Engine
from trading_core.backtest.history import candle_columns
from trading_core.broker.events import PositionState
from trading_core.market.series import Candles
from trading_core.model import MINUTE_MS

T0 = 1_735_689_600_000
"""A UTC midnight, so that bar n % 60 == 59 closes an hour."""


def walk(seed: int, bars: int, volatility: float) -> list[Row]:
    """Bars of a random walk in tenths of a dollar; each opens where the one before closed."""
    random = np.random.default_rng(seed)
    path = np.rint(600_000 * np.exp(np.cumsum(random.normal(0, volatility, (bars, 4)).ravel()))).astype(int)
    path = path.reshape(bars, 4)
    opens = np.concatenate(([600_000], path[:-1, -1]))
    highs, lows = np.maximum(path.max(axis=1), opens), np.minimum(path.min(axis=1), opens)
    volumes = np.round(random.lognormal(2.0, 0.8, bars), 3)
    columns = (opens, highs, lows, path[:, -1], volumes)
    return [(int(o), int(h), int(low), int(c), float(v)) for o, h, low, c, v in zip(*columns, strict=True)]


def candles(rows: Sequence[Row]) -> Candles:
    opens, highs, lows, closes, volumes = zip(*rows, strict=True)
    times = [T0 + number * MINUTE_MS for number in range(len(rows))]
    opened, highest, lowest, closed = ([price / 10 for price in column] for column in (opens, highs, lows, closes))
    return candle_columns("BTC", times, opened, highest, lowest, closed, volumes)


def as_trade(position: PositionState) -> Trade:
    assert position.exit_ms is not None
    assert position.exit_price is not None
    entered, left = ((ms - T0) // MINUTE_MS - 1 for ms in (position.entry_ms, position.exit_ms))
    side = 1 if position.direction == "LONG" else -1
    return side, entered, int(position.entry_price * 10), left, int(position.exit_price * 10)


@pytest.mark.parametrize("engine", ["fast", "reference"])
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    ("name", "params", "rules", "reference", "volatility"),
    [
        ("rsi", {}, {}, lambda rows: rsi_trades(rows, 14, 25, 75, "0.02", "0.04"), 0.001),
        (
            "rsi",
            {"window": 7, "lower": 35, "upper": 65},
            {"stop_loss": "0.01", "take_profit": "0.02"},
            lambda rows: rsi_trades(rows, 7, 35, 65, "0.01", "0.02"),
            0.0015,
        ),
        ("boll", {}, {}, boll_trades, 0.001),
        ("sma", {}, {}, sma_trades, 0.001),
    ],
)
def test_every_trade_is_that_of_the_rule_set(
    name: str,
    params: dict[str, Any],
    rules: dict[str, Any],
    reference: Callable[[list[Row]], list[Trade]],
    volatility: float,
    seed: int,
    engine: Engine,
) -> None:
    rows = walk(seed, 12_000, volatility)
    done = r1.run(r1.case(name, params, rules), {"BTC": candles(rows)}, engine)
    expected = reference(rows)
    assert [as_trade(position) for position in done.trades] == expected
    assert len(expected) > 3
    assert r1.total(done) == (len(expected), Decimal(sum(map(pnl_in_mills, expected))) / 10_000)


def test_the_random_bars_reach_every_exit() -> None:
    given = r1.case("rsi", {"window": 7, "lower": 35, "upper": 65}, {"stop_loss": "0.01", "take_profit": "0.02"})
    done = r1.run(given, {"BTC": candles(walk(1, 12_000, 0.0015))})
    assert {position.exit_reason for position in done.trades} >= {"stop_loss", "take_profit", "timeout"}
