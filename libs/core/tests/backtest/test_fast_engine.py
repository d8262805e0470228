"""The fast engine gives what the reference engine gives, to the last digit, on whatever chance thinks of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from backtest_builders import T0, Script, Scripted, bars, flat, minute, scripted
from engine_builders import ASSETS, agree, candles, fundings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trading_core.backtest.engine import Engine, Run, run_backtest
from trading_core.backtest.history import History
from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, rule_book
from trading_core.config import BrokerConfig, SnapshotConfig
from trading_core.errors import StrategyFailed
from trading_core.market.snapshot import MarketSnapshot
from trading_core.model import Direction, Signal
from trading_core.strategy.past import Past
from trading_core.strategy.registry import LoadedStrategy

SLOW = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])


class Scanned(Scripted):
    """A scripted strategy with a scan; `bound` gives only lower bounds of its confidences."""

    bound = False

    def scan(self, past: Past) -> None:
        for (ts, asset), (direction, confidence) in self.script.items():
            where = past.ts == ts
            if asset != past.asset or not where.any():
                continue
            if ts % 7 == 0:
                past.ask(where)
            elif self.bound:
                past.say_at_least(where, Direction(direction), confidence / 2)
            else:
                past.say(where, Direction(direction), confidence)


@st.composite
def scripts(draw: st.DrawFn, minutes: int) -> Script:
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    density = draw(st.sampled_from([0.01, 0.1, 0.6, 1.0]))
    confidences = draw(st.sampled_from([(0.9,), (0.4, 0.5, 1.0)]))
    directions = draw(st.sampled_from([("LONG",), ("LONG", "SHORT"), ("LONG", "CLOSE"), ("LONG", "SHORT", "CLOSE")]))
    sticky = draw(st.booleans())
    found: dict[tuple[int, str], tuple[str, float]] = {}
    for asset in ASSETS:
        said = directions[0]
        for number in range(minutes):
            if not sticky or chance.random() < 0.05:
                said = directions[int(chance.integers(len(directions)))]
            if chance.random() < density:
                found[number, asset] = (said, confidences[int(chance.integers(len(confidences)))])
    return found


def rules() -> st.SearchStrategy[dict[str, Any]]:
    """Overrides of one strategy, every limit null now and then."""
    fractions = st.sampled_from(["0.002", "0.01", "0.02"])
    keys: dict[str, st.SearchStrategy[Any]] = {
        "sizing": st.sampled_from(["fraction", "stop_risk"]),
        "stake_fraction": st.sampled_from(["0.0001", "0.02", "0.3"]),
        "risk_fraction": st.sampled_from(["0.0001", "0.005"]),
        "stop_loss": fractions,
        "take_profit": st.none() | fractions,
        "timeout_m": st.none() | st.sampled_from([1, 7, 60]),
        "min_confidence": st.sampled_from([0.0, 0.45, 0.5, 1.0]),
        "cooldown_s": st.sampled_from([0, 60, 300, 7_200]),
        "max_positions": st.sampled_from([0, 1, 2]),
        "max_exposure": st.sampled_from(["0.03", "0.5"]),
        "max_daily_loss": st.sampled_from(["0", "0.0005", "0.01"]),
        "slippage": st.sampled_from(["0", "0.0005"]),
    }
    without_stop = st.fixed_dictionaries({"stop_loss": st.none()}, optional={"timeout_m": keys["timeout_m"]})
    return st.fixed_dictionaries({}, optional=keys) | without_stop


@given(st.data())
@SLOW
def test_scripted_strategies(data: st.DataObject) -> None:
    minutes = data.draw(st.sampled_from([40, 300, 1_700]), "minutes")
    assets = data.draw(st.sampled_from([ASSETS[:1], ASSETS[1:], ASSETS]), "assets")
    history = History(
        {asset: data.draw(candles(asset, minutes), asset) for asset in assets},
        {asset: data.draw(fundings(minutes), f"funding {asset}") for asset in assets},
    )
    loaded = []
    for name in data.draw(st.sampled_from([["alpha"], ["alpha", "beta"], ["alpha", "beta", "gamma"]]), "strategies"):
        interval = data.draw(st.sampled_from(["1m", "1m", "5m", "1h"]), "interval")
        script = data.draw(scripts(minutes), "script")
        strategy = scripted(script, name=name, interval=interval, **data.draw(rules(), "rules"))
        loaded.append(with_scan(strategy, script, data.draw(st.sampled_from(["none", "scan", "bound"]), "scan")))
    broker = data.draw(
        st.fixed_dictionaries(
            {},
            optional={
                "initial_capital": st.sampled_from(["10000", "137.5", "10000.0000001"]),
                "funding_interval_h": st.sampled_from([1, 8]),
                "suspect_fill": st.just("0.0001"),
            },
        ),
        "broker",
    )
    first = data.draw(st.sampled_from([0, 0, 1, minutes // 3]), "first")
    last = data.draw(st.sampled_from([minutes, minutes + 5, minutes - 3]), "last")
    agree(history, loaded, broker, minute(first), minute(last))


def with_scan(loaded: LoadedStrategy, script: Script, kind: str) -> LoadedStrategy:
    if kind == "none":
        return loaded
    instance = Scanned(loaded.name, script)
    instance.bound = kind == "bound"
    return LoadedStrategy(
        **{name: getattr(loaded, name) for name in loaded.__slots__ if name != "instance"}, instance=instance
    )


CALM = {"ETH": bars("ETH", [(0, 2_000, flat(2_500.0))])}


class Contradicting(Scripted):
    def scan(self, past: Past) -> None:
        past.say(past.ts == minute(5), Direction.LONG, 0.9)


class Forgetful(Scripted):
    """Says something only when it is asked the first time."""

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        found = super().evaluate(snapshot)
        self.script.pop((snapshot.ts, snapshot.asset), None)
        return found


def as_class(cls: type[Scripted], script: Script) -> LoadedStrategy:
    loaded = scripted(script)
    values = {name: getattr(loaded, name) for name in loaded.__slots__ if name != "instance"}
    return LoadedStrategy(**values, instance=cls("alpha", script))


def run_calm(loaded: LoadedStrategy, engine: Engine = "fast", minutes: int = 2_000) -> Run:
    book = rule_book(BrokerConfig(), {}, DEFAULT_SZ_DECIMALS)
    return run_backtest(History(CALM), [loaded], book, SnapshotConfig(), T0, minute(minutes), engine=engine)


def test_a_scan_that_invents_a_signal_ends_the_run() -> None:
    with pytest.raises(StrategyFailed, match=r"evaluate says PASS no_signal, scan said LONG with a confidence of 0\.9"):
        run_calm(as_class(Contradicting, {}))


def test_a_scan_that_misses_a_signal_is_found_at_a_sampled_point() -> None:
    # There is no candle at T0, so the first point is minute 1, and 997 points later comes the second sample.
    with pytest.raises(StrategyFailed, match=f"at {minute(998)}: evaluate says LONG .* scan said PASS no_signal"):
        run_calm(as_class(Contradicting, {(5, "ETH"): ("LONG", 0.9), (998, "ETH"): ("LONG", 0.9)}))


def test_a_strategy_that_is_no_function_of_its_snapshot_is_found() -> None:
    with pytest.raises(StrategyFailed, match="an earlier call said LONG"):
        run_calm(as_class(Forgetful, {(5, "ETH"): ("LONG", 0.9)}))


def test_prices_of_many_digits_are_valued_one_by_one() -> None:
    price = 2_500.123456789012
    history = History({"ETH": bars("ETH", [(0, 30, flat(price)), (30, 30, flat(price * 1.001))])})
    agree(history, [scripted({(3, "ETH"): ("LONG", 0.9)})], {}, T0, minute(60))


def test_the_end_of_one_position_lets_the_next_asset_in() -> None:
    # BTC takes the one place from minute 3 to 8; ETH asks every minute and gets in when BTC has timed out.
    script = {(3, "BTC"): ("LONG", 0.9), **{(number, "ETH"): ("LONG", 0.9) for number in range(3, 20)}}
    history = History({"BTC": bars("BTC", [(0, 20, flat(60_000.0))]), "ETH": bars("ETH", [(0, 20, flat(2_500.0))])})
    loaded = [scripted(script, max_positions=1, timeout_m=5, cooldown_s=0)]
    run = agree(history, loaded, {}, T0, minute(20))
    assert [(trade.asset, trade.entry_ms) for trade in run.trades][:2] == [("BTC", minute(3)), ("ETH", minute(8))]


def test_a_day_s_basis_is_taken_at_the_marks_of_the_minute_before() -> None:
    # The holder's LONG gained 0.0799 x 50 five minutes before midnight, so the basis is 10003.791203 and beta's loss of
    # 0.403760 stays above the limit of 0.00004037196 x that = 0.403873 below zero: no pause.
    last = 24 * 60
    history = History({"ETH": bars("ETH", [(0, last - 5, flat(2_500.0)), (last - 5, 20, flat(2_550.0))])})
    holder = scripted({(last - 9, "ETH"): ("LONG", 0.9)}, name="holder", timeout_m=None)
    said = {1: "LONG", 2: "CLOSE", 3: "LONG"}
    script = {(last + number, "ETH"): (direction, 0.9) for number, direction in said.items()}
    beta = scripted(script, name="beta", max_daily_loss="0.00004037196", cooldown_s=0)
    run = agree(history, [holder, beta], {}, T0, minute(last + 6))
    assert [made.decision for made in run.decisions] == ["opened", "opened", "closed", "opened"]
