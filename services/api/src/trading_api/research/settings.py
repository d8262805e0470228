"""What several runs were run with, side by side. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_RUN = ("assets", "source", "isolation", "initial_capital", "annualisation_days")
_STRATEGY = ("interval", "assets", "code_hash")


@dataclass(frozen=True)
class Setting:
    """One setting of each run, in the order of the runs; None where a run has no such setting.

    `part`: a strategy, or `run` for what holds for all of it.
    """

    part: str
    name: str
    values: tuple[str | None, ...]

    @property
    def differs(self) -> bool:
        return len(set(self.values)) > 1


def side_by_side(configs: Sequence[Mapping[str, Any]]) -> list[Setting]:
    """Every setting of any of the runs: those that differ first, else in the order of the first run that has it."""
    flat = [dict(_settings(config)) for config in configs]
    names = list(dict.fromkeys(key for each in flat for key in each))
    found = [Setting(part, name, tuple(each.get((part, name)) for each in flat)) for part, name in names]
    return sorted(found, key=lambda setting: not setting.differs)


def _settings(config: Mapping[str, Any]) -> list[tuple[tuple[str, str], str]]:
    rows = [(("run", name), _text(config.get(name))) for name in _RUN]
    for strategy, values in config.get("strategies", {}).items():
        rows += [((strategy, name), _text(values.get(name))) for name in _STRATEGY]
        rows += [((strategy, name), _text(value)) for name, value in values.get("params", {}).items()]
        rows += [((strategy, f"rules.{name}"), _text(value)) for name, value in values.get("rules", {}).items()]
    return rows


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return json.dumps(value)
