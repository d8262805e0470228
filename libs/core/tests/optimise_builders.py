"""Outcomes of made-up sets, markets of made-up hours, and small strategies on disk for searches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars
import yaml

from trading_core.backtest.history import FundingRow, History, candle_columns
from trading_core.config import BrokerConfig, Settings
from trading_core.metrics.curve import sharpe
from trading_core.model import DAY_MS, HOUR_MS, MINUTE_MS
from trading_core.optimise.figures import Figures, Outcome, Pair

Daily = Sequence[float] | npt.NDArray[np.float64]
T0 = 1_750_032_000_000
"""A UTC midnight."""


def some_figures(daily: Daily = (0.01, -0.01), **changes: Any) -> Figures:
    """What a set with these daily returns and two trades a day did."""
    values: dict[str, Any] = {
        "days": len(daily),
        "trades": 2 * len(daily),
        "losses": len(daily),
        "sharpe": sharpe([float(value) for value in daily], 252),
        "sortino": None,
        "realised_pnl": 10_000 * float(np.sum(daily)),
        "profit_factor": None,
        "profit_factor_infinite": False,
        "expectancy": None,
        "win_rate": 0.5,
        "max_drawdown": 0.1,
        "daily_returns": tuple(map(float, daily)),
    }
    return Figures(**{**values, **changes})


def an_outcome(number: int, inside: Daily, outside: Daily, **changes: Any) -> Outcome:
    """A set in one fold."""
    pair = Pair(in_sample=some_figures(inside, **changes), out_of_sample=some_figures(outside, **changes))
    return Outcome(number=number, params={"n": number}, folds=(pair,))


def outcomes_of(returns: npt.NDArray[np.float64], train: int) -> list[Outcome]:
    """returns: shape (days, sets); the first `train` days choose."""
    return [an_outcome(number, column[:train], column[train:]) for number, column in enumerate(returns.T)]


def crossings(hourly: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Daily returns, shape (days, sets), of moving-average crossings with 64 pairs of look-backs on hourly returns.

    Long one unit while the fast mean is above the slow one, else short: each set resembles its neighbours, as the
    sets of a grid do.
    """
    price = np.concatenate(([0.0], np.cumsum(hourly)))
    total = np.concatenate(([0.0], np.cumsum(price)))
    hours = len(hourly)

    def mean(window: int) -> npt.NDArray[np.float64]:
        first = np.maximum(np.arange(1, hours + 1) - window, 0)
        found: npt.NDArray[np.float64] = (total[1 : hours + 1] - total[first]) / np.minimum(
            np.arange(1, hours + 1), window
        )
        return found

    columns = [
        (np.where(mean(fast) > mean(slow), 1.0, -1.0) * hourly).reshape(-1, 24).sum(axis=1)
        for fast in (1, 2, 3, 4, 5, 6, 7, 8)
        for slow in (10, 12, 16, 20, 24, 30, 36, 48)
    ]
    return np.stack(columns, axis=1)


def hourly_returns(seed: int, days: int, trend: float = 0.0) -> npt.NDArray[np.float64]:
    """A random walk with calm and wild days; with `trend` each hour goes on a little with the hour before."""
    random = np.random.default_rng(seed)
    wildness = np.repeat(np.exp(0.4 * random.standard_normal(days)), 24)
    noise = 0.005 * wildness * random.standard_t(5, days * 24)
    found = np.empty_like(noise)
    before = 0.0
    for hour, shock in enumerate(noise):
        before = found[hour] = trend * before + shock
    return found


def minute_history(seed: int, days: int, drift_by_hour: Mapping[int, float] | None = None) -> History:
    """1m candles of BTC, a random walk of about 4 % a day; `drift_by_hour`: what an hour of the day adds to it."""
    random = np.random.default_rng(seed)
    count = days * DAY_MS // MINUTE_MS
    opens = T0 + np.arange(count, dtype=np.int64) * MINUTE_MS
    steps = 0.001 * random.standard_normal(count)
    for hour, drift in (drift_by_hour or {}).items():
        steps[(opens % DAY_MS) // HOUR_MS == hour] += drift / 60
    close = 50_000.0 * np.exp(np.cumsum(steps))
    before = np.concatenate(([50_000.0], close[:-1]))
    high, low = np.maximum(before, close), np.minimum(before, close)
    return History(
        {"BTC": candle_columns("BTC", opens, before, high, low, close, np.ones(count))}, _no_rates(), "made up"
    )


def _no_rates() -> dict[str, list[FundingRow]]:
    return {"BTC": []}


def free_trading(folder: Path) -> Settings:
    """Settings without fees and slippage, so that a coin toss is worth exactly nothing."""
    free = {"hyperliquid": {"slippage": 0, "taker_fee": 0}}
    return Settings(
        assets=("BTC",),
        broker=BrokerConfig.model_validate({"exchanges": free, "cooldown_s": 0, "max_daily_loss": 1}),
        runner={"strategies_dir": str(folder)},
    )


def a_workspace(folder: Path, days: int = 2) -> Path:
    """`folder` as the place to start a command in: config.yaml, strategies/coin_toss, strategies/quiet, data/."""
    free = {"hyperliquid": {"slippage": 0, "taker_fee": 0}}
    config = {"assets": ["BTC"], "broker": {"exchanges": free}, "runner": {"strategies_dir": "strategies"}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    write_strategy(folder / "strategies", "coin_toss", "salt: int = 0", TOSS)
    write_strategy(folder / "strategies", "quiet", "loudness: float = 0.0", "return None")
    candles = folder / "data" / "candles_1m"
    candles.mkdir(parents=True)
    columns = minute_history(1, days).candles["BTC"]._asdict()
    polars.DataFrame({"open_time": columns.pop("open_time_ms"), **columns}).write_parquet(candles / "x_BTC.parquet")
    return folder


def write_strategy(folder: Path, name: str, params: str, rule: str, interval: str = "1h") -> Path:
    """`folder/name` with a strategy whose `evaluate` is `rule`, which sees `snapshot` and `p`, its parameters."""
    place = folder / name
    place.mkdir(parents=True)
    (place / "__init__.py").write_text("")
    class_name = "".join(word.title() for word in name.split("_"))
    (place / "strategy.py").write_text(
        "import hashlib\n"
        "from trading_core.strategy import Direction, Strategy, StrategyParams, register\n\n"
        f"@register\nclass {class_name}(Strategy):\n"
        f'    name = "{name}"\n    interval = "{interval}"\n\n'
        f"    class Params(StrategyParams, frozen=True):\n        {params}\n\n"
        "    def evaluate(self, snapshot):\n        p = self.params\n"
        + "".join(f"        {line}\n" for line in rule.splitlines())
    )
    return place


TOSS = """\
heads = hashlib.sha256(f"{p.salt}/{snapshot.ts}".encode()).digest()[0] % 2
return self.signal(snapshot, Direction.LONG if heads else Direction.SHORT, 1.0)"""
"""A coin: every hour LONG or SHORT by chance, another coin for each `salt`."""
AT_HOUR = """\
if snapshot.ts // 3_600_000 % 24 == p.hour:
    return self.signal(snapshot, Direction.LONG, 1.0)
return None"""
"""LONG once a day, at `hour` UTC."""
