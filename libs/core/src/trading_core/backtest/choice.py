"""Which strategies a backtest runs, and with which parameters and rules."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from trading_core.config import Settings, StrategyRules, load
from trading_core.errors import ConfigError
from trading_core.strategy.registry import LoadedStrategy, find_strategy, load_strategies

Overrides = dict[str, dict[str, dict[str, Any]]]
"""Strategy name → `params` and `rules` → key → value, as under `strategies:` of the configuration."""
_OF_THE_RUN = {"funding_interval_h": "broker", "annualisation_days": "metrics"}
"""Keys that one backtest may change for all its strategies, and the section in which they stand."""


def choose(names: Sequence[str] | None, params: Sequence[str]) -> tuple[Settings, list[LoadedStrategy]]:
    """The strategies of `names` (None: all there are) under the platform's settings with `params` on top.

    A param is `key=value` or `strategy.key=value`: a parameter of the strategies that have one of that name, else a
    rule of the broker for these strategies; `funding_interval_h` and `annualisation_days` are of the whole run.
    ConfigError, naming the nearest, when there is neither.
    """
    settings = load()
    picked = _picked(names, settings)
    overrides = _overrides(params, picked)
    run = _of_the_run(params)
    if not overrides and not run:
        return settings, picked
    try:
        changed = load(None, strategies=overrides, **run)
        return changed, _picked([loaded.name for loaded in picked], changed)
    except ConfigError as error:
        raise ConfigError(f"--param: {error}") from error


def _picked(names: Sequence[str] | None, settings: Settings) -> list[LoadedStrategy]:
    available = load_strategies(Path(settings.runner.strategies_dir), settings)
    if names is None:
        return available
    return list({found.name: found for name in names for found in [find_strategy(name, available)]}.values())


def _overrides(params: Sequence[str], picked: Sequence[LoadedStrategy]) -> Overrides:
    found: Overrides = {}
    for text in params:
        key, sign, value_text = (part.strip() for part in text.partition("="))
        if not sign or not key or not value_text:
            raise ConfigError(f"--param {text!r} is no NAME=VALUE. Write it like threshold=0.001 or timeout_m=null.")
        if key in _OF_THE_RUN:
            continue
        owner, _, name = key.rpartition(".")
        targets = _owner(text, owner, picked) if owner else picked
        value = _value(text, value_text)
        takers = [loaded for loaded in targets if name in loaded.params]
        if not takers:
            _check_rule(text, name, value, targets)
        for loaded in takers or targets:
            section = found.setdefault(loaded.name, {}).setdefault("params" if takers else "rules", {})
            section[name] = value
    return found


def _of_the_run(params: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Section → key → value."""
    found: dict[str, dict[str, Any]] = {}
    for text in params:
        key, _, value_text = (part.strip() for part in text.partition("="))
        if key in _OF_THE_RUN:
            found.setdefault(_OF_THE_RUN[key], {})[key] = _value(text, value_text)
    return found


def _owner(text: str, owner: str, picked: Sequence[LoadedStrategy]) -> list[LoadedStrategy]:
    try:
        return [find_strategy(owner, picked)]
    except ConfigError as error:
        raise ConfigError(f"--param {text}: among those of this run {error}") from error


def _value(text: str, value: str) -> Any:
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"--param {text}: {value!r} is no value. Write a number, a word or null.") from error


def _check_rule(text: str, name: str, value: Any, targets: Sequence[LoadedStrategy]) -> None:
    rules = StrategyRules.model_fields
    if name not in rules:
        own = {key for loaded in targets for key in loaded.params}
        near = difflib.get_close_matches(name, [*sorted(own), *rules], n=3, cutoff=0.5) or sorted(own)
        raise ConfigError(
            f"--param {text}: {name} is neither a parameter of {', '.join(loaded.name for loaded in targets)} nor a "
            f"rule of the broker, the nearest names are: {', '.join(near) or ', '.join(rules)}."
        )
    try:
        StrategyRules.model_validate({name: value})
    except ValidationError as error:
        said = error.errors()[0]["msg"]
        raise ConfigError(f"--param {text}: {said[0].lower()}{said[1:]}.") from error
