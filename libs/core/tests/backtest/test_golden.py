"""The reference results of the rule book, made by an independent implementation: every digit must agree."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from backtest_builders import Scripted, scripted
from shared_data import SHARED, needs

from trading_core.backtest.engine import Engine, Run, run_backtest
from trading_core.backtest.history import History, candle_columns, funding_rows
from trading_core.backtest.parquet import read_history
from trading_core.backtest.report import report
from trading_core.broker.rules import RuleBook, rule_book
from trading_core.config import BrokerConfig, Settings, SnapshotConfig
from trading_core.model import INTERVALS_MS, MINUTE_MS
from trading_core.strategy.registry import find_strategy, load_strategies

REPOSITORY = Path(__file__).parents[4]
SCENARIOS, RSI = "golden/scenarios.json", "golden/rsi_alone.json"
VENUE_KEYS = ("slippage", "taker_fee", "maker_fee", "min_notional")
NUMBER = re.compile(r"-?\d+(\.\d+)?")


@pytest.fixture(params=["fast", "reference"])
def engine(request: pytest.FixtureRequest) -> Engine:
    chosen: Engine = request.param
    return chosen


@cache
def golden(name: str) -> Any:
    return json.loads((SHARED / name).read_bytes())


def scenario_names() -> list[str]:
    if not (SHARED / SCENARIOS).exists():
        return ["scenarios"]
    return [scenario["name"] for scenario in golden(SCENARIOS)["scenarios"]]


@needs(SCENARIOS)
@pytest.mark.parametrize("name", scenario_names())
def test_scenario(name: str, engine: Engine) -> None:
    [scenario] = [scenario for scenario in golden(SCENARIOS)["scenarios"] if scenario["name"] == name]
    run = run_scenario(scenario, engine)
    result, expected, t0 = report(run, 252), scenario["expect"], scenario["t0"]

    def since(ts_ms: int) -> int:
        return int(ts_ms - t0) // MINUTE_MS

    decisions = [
        [since(d["time"]), d["strategy"], d["asset"], d["direction"], d["decision"], d["reason"]]
        for d in result["decisions"]
    ]
    assert decisions == expected["decisions"]
    columns = golden(SCENARIOS)["trade_columns"]
    agree("trades", [[trade[column] for column in columns] for trade in result["trades"]], expected["trades"])
    payments = [[since(p.hour_ms), p.strategy, p.asset, format(p.amount, "f")] for p in run.payments]
    agree("funding", payments, expected["funding"])
    assert [[since(owed.hour_ms), owed.strategy, owed.asset] for owed in run.owed] == expected["funding_owed"]
    assert passes_of(result) == {part: said["counts"] for part, said in expected["passes"].items()}
    agree("final_equity", result["summary"]["final_equity"], expected["final_equity"])
    assert result["mark_to_market_sha256"] == expected["mark_to_market_sha256"]


@needs(RSI, "data/shippable/candles_1m", "data/funding")
def test_rsi_mean_reversion_alone(engine: Engine) -> None:
    run_and_compare(RSI, engine)


@needs("golden/all_perp.json", "data/shippable/candles_1m", "data/funding")
def test_four_strategies_in_one_portfolio(engine: Engine) -> None:
    run_and_compare("golden/all_perp.json", engine)


@needs("golden/all_perp_shippable.json", "data/shippable/candles_1m", "data/shippable/funding")
def test_four_strategies_with_holes_in_the_funding(engine: Engine) -> None:
    run_and_compare("golden/all_perp_shippable.json", engine)


@needs("golden/stress.json", "data/shippable/candles_1m", "data/funding")
def test_settings_that_bring_out_every_exit_and_every_refusal(engine: Engine) -> None:
    run_and_compare("golden/stress.json", engine)


def run_and_compare(name: str, engine: Engine) -> None:
    """The strategies of a golden file under its settings give its trades, decisions, passes, equity and metrics."""
    expected = golden(name)
    config = expected["config"]
    overrides = config.get("overrides", {})
    strategies = {
        strategy: {"params": params, "rules": overrides.get(strategy, {})}
        for strategy, params in config["strategies"].items()
    }
    settings = Settings.model_validate({"broker": config.get("broker", {}), "strategies": strategies})
    available = load_strategies(REPOSITORY / "strategies", settings)
    loaded = [find_strategy(strategy, available) for strategy in config["strategies"]]
    rules = rule_book(
        settings.broker, {strategy.name: strategy.rules for strategy in loaded}, config["portfolio"]["sz_decimals"]
    )
    for strategy in loaded:
        assert strategy.params == config["strategy_parameters"][strategy.name]
        agree("rules", rules_of(rules, strategy.name), config["effective_rules"][strategy.name])

    history = read_history(
        SHARED / "data/shippable", config["assets"], SHARED / config["funding"].removeprefix("shared/")
    )
    first, last = expected["equity_hourly"][0][0], expected["equity_hourly"][-1][0]
    result = report(run_backtest(history, loaded, rules, settings.snapshot, first, last, engine=engine), 252)

    columns = expected["trades"]["columns"]
    agree("trades", [[trade[column] for column in columns] for trade in result["trades"]], expected["trades"]["rows"])
    totals = {key: value for key, value in expected["summary"].items() if key != "close_calls"}
    agree("summary", {key: result["summary"][key] for key in totals}, totals)
    for part in ("decisions", "passes"):
        days = [[day["day_start"], day["sha256"], day["counts"]] for day in result[f"{part}_by_day"]]
        assert days == expected[f"{part}_by_day"]["rows"]
    funding = [[day["day_start"], day["events"], day["amount"]] for day in result["funding_by_day"]]
    agree("funding", funding, expected["funding_by_day"]["rows"])
    agree("equity_hourly", result["equity_hourly"], expected["equity_hourly"])
    for key in ("decisions_sha256", "mark_to_market_rows", "mark_to_market_sha256"):
        assert result[key] == expected[key]


def rules_of(rules: RuleBook, strategy: str) -> dict[str, Any]:
    """What `strategy` is held to, under the flat keys of the golden files; no order rests, so no maker fee is held."""
    held = {
        **msgspec.structs.asdict(rules.rules_for(strategy, "hyperliquid")),
        "suspect_pnl": rules.suspect_pnl,
        "suspect_fill": rules.suspect_fill,
        "maker_fee": Decimal("0.0002"),
    }
    return {key: format(value, "f") if isinstance(value, Decimal) else value for key, value in held.items()}


def run_scenario(scenario: dict[str, Any], engine: Engine) -> Run:
    t0 = scenario["t0"]
    candles = {}
    for asset, runs in scenario["bars"].items():
        rows = [(t0 + (first + step) * MINUTE_MS, *bar) for first, count, *bar in runs for step in range(count)]
        candles[asset] = candle_columns(asset, *zip(*rows, strict=True))
    funding = {asset: funding_rows(*zip(*rows, strict=True)) for asset, rows in scenario["funding"].items() if rows}
    intervals = {width: name for name, width in INTERVALS_MS.items()}
    strategies = []
    for strategy in scenario["strategies"]:
        loaded = scripted(
            {}, name=strategy["name"], interval=intervals[strategy["interval_ms"]], assets=tuple(candles),
            **strategy["rules"],
        )  # fmt: skip
        assert isinstance(loaded.instance, Scripted)
        loaded.instance.script = {
            (t0 + minute * MINUTE_MS, asset): (direction, confidence)
            for minute, asset, direction, confidence in strategy["signals"]
        }
        strategies.append(loaded)
    broker = dict(scenario["broker"])
    venue = {key: broker.pop(key) for key in VENUE_KEYS if key in broker}
    config = BrokerConfig(**broker, exchanges={"hyperliquid": venue})
    sizes = golden(SCENARIOS)["portfolio"]["sz_decimals"]
    rules = rule_book(config, {loaded.name: loaded.rules for loaded in strategies}, sizes)
    last = t0 + scenario["minutes"] * MINUTE_MS
    return run_backtest(History(candles, funding), strategies, rules, SnapshotConfig(), t0, last, engine=engine)


def passes_of(result: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Counts by reason for each strategy/asset."""
    parts: dict[str, dict[str, int]] = {}
    for day in result["passes_by_day"]:
        for key, count in day["counts"].items():
            part, _, reason = key.rpartition("/")
            counts = parts.setdefault(part, {})
            counts[reason] = counts.get(reason, 0) + count
    return parts


def agree(where: str, ours: Any, theirs: Any) -> None:
    """Decimals in strings compare as numbers, floats to 1e-9, everything else exactly. We may say more than they."""
    if isinstance(theirs, dict):
        assert set(theirs) <= set(ours), where
        for key in theirs:
            agree(f"{where}.{key}", ours[key], theirs[key])
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs), where
        for number, (our, their) in enumerate(zip(ours, theirs, strict=True)):
            agree(f"{where}[{number}]", our, their)
    elif isinstance(theirs, float):
        assert math.isclose(ours, theirs, rel_tol=1e-9), (where, ours, theirs)
    elif isinstance(theirs, str) and NUMBER.fullmatch(theirs):
        assert Decimal(ours) == Decimal(theirs), (where, ours, theirs)
    else:
        assert ours == theirs, (where, ours, theirs)
