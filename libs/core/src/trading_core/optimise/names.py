"""Which strategy is searched, and whether the parameters of the search are its own or rules of the broker."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from trading_core.backtest.choice import choose
from trading_core.config import Settings, StrategyRules
from trading_core.errors import ConfigError
from trading_core.optimise.space import Axis, Space
from trading_core.strategy.registry import LoadedStrategy, find_strategy

_CHECKED = 10_000
"""So many values of one rule are looked at beforehand; those behind them when their turn comes."""


def resolve(name: str, space: Space) -> tuple[Settings, LoadedStrategy, Space]:
    """The settings, the strategy, and the space under plain names (`funding_rate.threshold` becomes `threshold`).

    ConfigError, as of a backtest, for a strategy or a name that there is not, and for a value that a rule cannot have.
    Values of the strategy's own parameters may depend on each other, so they are looked at set by set.
    """
    settings, [loaded] = choose([name], [])
    axes = tuple(_resolved(axis, name, loaded) for axis in space.axes)
    for axis in axes:
        if axis.name not in loaded.params:
            for place in range(min(axis.count, _CHECKED)):
                _check(axis, axis.value(place))
    return settings, loaded, Space(axes)


def _resolved(axis: Axis, strategy: str, loaded: LoadedStrategy) -> Axis:
    owner, _, bare = axis.name.rpartition(".")
    if bare not in loaded.params:
        first: Any = axis.value(0)
        choose([strategy], [f"{axis.name}={'null' if first is None else first}"])
    elif owner:
        find_strategy(owner, [loaded])
    return axis.named(bare)


def _check(axis: Axis, value: Any) -> None:
    try:
        StrategyRules.model_validate({axis.name: value})
    except ValidationError as error:
        said = error.errors()[0]["msg"]
        raise ConfigError(f"--param {axis.text}: {value!r}: {said[0].lower()}{said[1:]}.") from error
