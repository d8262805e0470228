"""Rule set R1 on our engine: the bars, the settings and the strategies of the comparison with other engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from trading_core.backtest.engine import Engine, Run, run_backtest
from trading_core.backtest.history import History, candle_columns
from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, RuleBook, rule_book
from trading_core.config import Settings, load
from trading_core.errors import ConfigError
from trading_core.market.series import Candles
from trading_core.model import MINUTE_MS
from trading_core.strategy.registry import LoadedStrategy, load_strategy

HERE = Path(__file__).parent
WARM_UP_BARS = 2_000
_COLUMNS = ("ts", "open", "high", "low", "close", "volume")


class Case(NamedTuple):
    """What one run needs beside the bars."""

    settings: Settings
    strategy: LoadedStrategy
    rules: RuleBook


def case(name: str, params: Mapping[str, Any] | None = None, rules: Mapping[str, Any] | None = None) -> Case:
    """The strategy `r1_NAME` (rsi, boll, sma) with the settings of r1.yaml; `params` and `rules` change it."""
    full_name = f"r1_{name}"
    changed = {full_name: {"params": dict(params or {}), "rules": dict(rules or {})}}
    settings = load(HERE / "r1.yaml", strategies=changed)
    strategy = load_strategy(HERE / "strategies" / full_name, settings)
    return Case(settings, strategy, rule_book(settings.broker, {full_name: strategy.rules}, DEFAULT_SZ_DECIMALS))


def read_bars(folder: Path, assets: Sequence[str], count: int | None = None) -> dict[str, Candles]:
    """The first `count` bars of each asset from `ASSET_1m.parquet`; ConfigError when a file is missing."""
    import polars

    found = {}
    for asset in assets:
        file = folder / f"{asset}_1m.parquet"
        if not file.is_file():
            raise ConfigError(f"{file}: no such file. Make the bars with gen_data.py and name their folder BENCH_DATA.")
        frame = polars.read_parquet(file, n_rows=count)
        found[asset] = candle_columns(asset, *(frame[column].to_numpy() for column in _COLUMNS))
    return found


def run(given: Case, bars: Mapping[str, Candles], engine: Engine = "fast") -> Run:
    """From the close of the first bar after the warm-up to the end of the bars, all of which are given."""
    opens = next(iter(bars.values())).open_time_ms
    from_ms = int(opens[0]) + (WARM_UP_BARS + 1) * MINUTE_MS
    to_ms = int(opens[-1]) + MINUTE_MS
    history, limits = History(dict(bars)), given.settings.snapshot
    return run_backtest(history, [given.strategy], given.rules, limits, from_ms, to_ms, engine=engine)


def total(done: Run) -> tuple[int, Decimal]:
    """The number of trades and their P&L in USD."""
    return len(done.trades), sum((trade.realised_pnl or Decimal(0) for trade in done.trades), Decimal(0))
