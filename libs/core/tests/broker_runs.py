"""Drawn runs of a broker: prices that move, signals, rates in time, late or never, a person, days that turn."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from broker_builders import a_mark, a_rate, a_rule_book, a_signal, at
from hypothesis import strategies as st

from trading_core.broker.inputs import DayChange, FundingHour, Input, MarkToMarket, PauseByPerson, Timeouts

ASSETS = {"BTC": 80_000.0, "ETH": 2_500.0}
STRATEGIES = ("alpha", "beta", "gamma", "delta", "epsilon")
STEP_MINUTES = 20
RULES = a_rule_book(
    {
        "alpha": {"stop_loss": "0.01", "take_profit": "0.01", "timeout_m": 120, "max_daily_loss": "0.0003"},
        "beta": {"sizing": "stop_risk", "risk_fraction": "0.001", "cooldown_s": 4_000, "max_positions": 1},
        "gamma": {"stop_loss": None, "timeout_m": None, "stake_fraction": "0.3", "max_exposure": "0.45"},
        "delta": {"sizing": "fixed", "fixed_quantity": "0.0137", "opposite_signal": "close", "levels": "tick"},
        "epsilon": {"opposite_signal": "ignore", "cooldown_after": "timeout", "timeout_m": 40, "max_exposure": "0.9"},
    }
)

step = st.fixed_dictionaries(
    {
        "moves": st.dictionaries(st.sampled_from(sorted(ASSETS)), st.floats(-0.03, 0.03)),
        "late": st.booleans(),
        "signals": st.dictionaries(
            st.tuples(st.sampled_from(STRATEGIES), st.sampled_from(sorted(ASSETS))),
            st.tuples(st.sampled_from(["LONG", "SHORT", "CLOSE"]), st.sampled_from([0.4, 0.9])),
            max_size=4,
        ),
        "rates": st.dictionaries(
            st.sampled_from(sorted(ASSETS)), st.tuples(st.integers(0, 5), st.integers(-30, 30)), max_size=2
        ),
        "person": st.sampled_from([None, None, None, True, False]),
    }
)
runs = st.lists(step, min_size=1, max_size=90)


def inputs_of(steps: list[dict[str, Any]]) -> list[Input]:
    """A run in order of application: marks move and are missing, rates come in time, late or never."""
    return [given for number, moves in enumerate(steps) for given in _inputs_at(number * STEP_MINUTES, moves, steps)]


def _inputs_at(minute: int, now: dict[str, Any], steps: list[dict[str, Any]]) -> Iterator[Input]:
    if minute % 1_440 == 0:
        yield DayChange(at(minute))
    upto = steps[: minute // STEP_MINUTES + 1]
    prices = {}
    for asset, first in ASSETS.items():
        price = first
        for past in upto:
            price *= 1 + past["moves"].get(asset, 0.0)
        prices[asset] = round(price, 1)
        if asset in now["moves"]:
            yield a_mark(prices[asset], minute, asset=asset, visible_ms=at(minute) + (5 if now["late"] else 0))
    for asset, (hours_ago, rate) in sorted(now["rates"].items()):
        hour = minute // 60 - hours_ago
        if hour >= 0:
            yield a_rate(str(Decimal(rate).scaleb(-5)), hour * 60, asset=asset, minute=minute)
    if minute % 60 == 0:
        yield FundingHour(at(minute))
    yield Timeouts(at(minute))
    for (strategy, asset), (direction, confidence) in sorted(now["signals"].items()):
        yield a_signal(
            direction, minute, price=prices[asset], asset=asset, strategy=strategy, confidence=confidence
        )  # fmt: skip
    if now["person"] is not None:
        yield PauseByPerson("gamma", now["person"], at(minute))
    yield MarkToMarket(at(minute))
