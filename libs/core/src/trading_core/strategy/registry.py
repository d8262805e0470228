"""Finds strategies in their folders: `strategies/<name>/strategy.py` with a `config.yaml` beside it."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
from pydantic import ValidationError

from trading_core import ids
from trading_core.config import Settings, StrategyConfig, StrategyRules
from trading_core.errors import ConfigError
from trading_core.model import INTERVALS_MS
from trading_core.strategy.base import Strategy, StrategyParams
from trading_core.strategy.files import code_hash, import_class, read_config


@dataclass(frozen=True, slots=True)
class LoadedStrategy:
    """A strategy with its effective settings: its own `config.yaml` with `strategies.<name>` of the platform on it."""

    name: str
    class_name: str
    instance: Strategy
    enabled: bool
    interval: str
    interval_ms: int
    assets: tuple[str, ...]
    exchanges: tuple[str, ...]
    """Whose data it needs; it trades on the first."""
    grid: str
    """`exchanges` joined by '-': the grid message that counts its evaluations."""
    params: dict[str, Any]
    """Every parameter with its effective value, JSON values."""
    rules: StrategyRules
    input_limits: dict[str, int]
    """Keys of section `snapshot` that its `rules` override."""
    code_hash: str
    params_hash: str
    """Of its parameters, interval and input limits: all settings that its signals depend on."""
    docs: str
    """The docstring of the class, Markdown."""


def load_strategies(directory: Path, settings: Settings) -> list[LoadedStrategy]:
    """Every strategy under `directory`, enabled or not, sorted by name.

    ConfigError for a name under `strategies:` that has no folder, an unknown or impossible parameter, an asset that
    is not configured, and a folder that cannot be imported.
    """
    if not directory.is_dir():
        raise ConfigError(f"runner.strategies_dir: {directory} is no folder. Name the one that holds the strategies.")
    folders = sorted(file.parent for file in directory.glob("*/strategy.py"))
    known = [folder.name for folder in folders]
    for name in settings.strategies:
        if name not in known:
            raise ConfigError(f"strategies.{name}: {_not_found(name, known)} Correct or remove the key.")
    return [load_strategy(folder, settings) for folder in folders]


def enabled_strategies(settings: Settings) -> list[LoadedStrategy]:
    """Those that trade, from `runner.strategies_dir`: what runner, broker and parity must agree on."""
    loaded = load_strategies(Path(settings.runner.strategies_dir), settings)
    return [strategy for strategy in loaded if strategy.enabled]


def load_strategy(folder: Path, settings: Settings | None = None) -> LoadedStrategy:
    """The one strategy in `folder`; `settings` default to those of the platform. Errors as `load_strategies`."""
    settings = Settings() if settings is None else settings
    cls, own = import_class(folder), read_config(folder)
    config = _merged(own, settings.strategies.get(folder.name, StrategyConfig()))
    interval = config.interval or cls.interval
    params = _params(cls, config.params)
    values = msgspec.to_builtins(params)
    return LoadedStrategy(
        name=cls.name,
        class_name=cls.__name__,
        instance=cls(params, interval=interval),
        enabled=config.enabled,
        interval=interval,
        interval_ms=INTERVALS_MS[interval],
        assets=_assets(cls, own, settings),
        exchanges=tuple(cls.exchanges),
        grid="-".join(cls.exchanges),
        params=values,
        rules=config.rules,
        input_limits=config.rules.input_limits(),
        code_hash=code_hash(folder),
        params_hash=_params_hash(values, interval, config.rules.input_limits()),
        docs=inspect.getdoc(cls) or "",
    )


def reconfigured(loaded: LoadedStrategy, params: Mapping[str, Any], rules: Mapping[str, Any]) -> LoadedStrategy:
    """`loaded` with `params` and `rules` over its own. ConfigError when they are impossible; nothing is imported."""
    cls = type(loaded.instance)
    changed = _params(cls, {**loaded.params, **params})
    own = {key: getattr(loaded.rules, key) for key in loaded.rules.model_fields_set}
    try:
        merged = StrategyRules(**{**own, **rules})
    except ValidationError as error:
        detail = error.errors()[0]
        raise ConfigError(f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}, got {detail['input']!r}.") from error
    values, limits = msgspec.to_builtins(changed), merged.input_limits()
    return replace(
        loaded,
        instance=cls(changed, interval=loaded.interval),
        params=values,
        rules=merged,
        input_limits=limits,
        params_hash=_params_hash(values, loaded.interval, limits),
    )


def find_strategy(name: str, loaded: Iterable[LoadedStrategy]) -> LoadedStrategy:
    """By snake_case name or class name. ConfigError with the nearest names when there is none."""
    by_name = {key: strategy for strategy in loaded for key in (strategy.name, strategy.class_name)}
    if name not in by_name:
        raise ConfigError(_not_found(name, list(by_name)))
    return by_name[name]


def _params_hash(params: dict[str, Any], interval: str, input_limits: dict[str, int]) -> str:
    return ids.h8({"params": params, "interval": interval, "inputs": input_limits})


def _not_found(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or sorted(known)
    return f"there is no strategy {name!r}, the nearest names are: {', '.join(near) or 'none'}."


def _merged(own: StrategyConfig, over: StrategyConfig) -> StrategyConfig:
    """`over` on `own`, key by key, also inside `params` and `rules`; only keys that were set count."""
    given = {key: getattr(over, key) for key in over.model_fields_set - {"params", "rules"}}
    rules = {key: getattr(layer.rules, key) for layer in (own, over) for key in layer.rules.model_fields_set}
    return own.model_copy(update={**given, "params": {**own.params, **over.params}, "rules": StrategyRules(**rules)})


def _params(cls: type[Strategy], given: dict[str, Any]) -> StrategyParams:
    key = f"strategies.{cls.name}.params"
    allowed = sorted(field.name for field in msgspec.structs.fields(cls.Params))
    for name in given:
        if name not in allowed:
            raise ConfigError(
                f"{key}.{name} is no parameter of {cls.__name__}, allowed are: {', '.join(allowed) or 'none'}. "
                "Correct or remove it."
            )
    try:
        # Not strict, since a value from the environment is text.
        return msgspec.convert(given, cls.Params, strict=False)
    except msgspec.ValidationError as error:
        reason, _, where = str(error).partition(" - at `$")
        raise ConfigError(f"{key}{where.rstrip('`')}: {reason}, given are {given}. Fix it.") from error


def _assets(cls: type[Strategy], own: StrategyConfig, settings: Settings) -> tuple[str, ...]:
    """What the platform says; else what the strategy says, as far as the platform has it; else all there are."""
    over = settings.strategies.get(cls.name, StrategyConfig()).assets
    if over is None:
        wanted = own.assets or cls.assets or settings.assets
        return tuple(asset for asset in wanted if asset in settings.assets)
    for asset in over:
        if asset not in settings.assets:
            raise ConfigError(
                f"strategies.{cls.name}.assets: {asset} is not among the platform's assets "
                f"({', '.join(settings.assets)}). Add it to `assets:` or remove it here."
            )
    return over
