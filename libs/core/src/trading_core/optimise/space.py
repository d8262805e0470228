"""The space of parameter sets: what `--param threshold=0.05:0.20:0.01 --param timeout_m=30:120:15` spans."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

import yaml

from trading_core.errors import ConfigError
from trading_core.money import exactly

_HOW = "Write NAME=from:to:step, NAME=a,b,c or NAME=value"


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter and its values, which are computed when asked for: a range may be very long."""

    name: str
    text: str
    count: int
    start: Decimal = Decimal(0)
    step: Decimal = Decimal(0)
    listed: tuple[Any, ...] | None = None

    def value(self, place: int) -> Any:
        """The value at `place`, 0 or more and below `count`: whole numbers as int, others as float."""
        if self.listed is not None:
            return self.listed[place]
        with exactly():
            value = self.start + place * self.step
        # 30:120:15 counts minutes; 0.5:2:0.5 stays a float also at 1 and 2.
        whole = self.start == self.start.to_integral_value() and self.step == self.step.to_integral_value()
        return int(value) if whole else float(value)

    def named(self, name: str) -> Axis:
        """The same values under another name."""
        return replace(self, name=name)

    def values(self) -> list[Any]:
        return [self.value(place) for place in range(self.count)]


@dataclass(frozen=True, slots=True)
class Space:
    """All combinations. A set has a number, 0 to size - 1; the last axis changes fastest."""

    axes: tuple[Axis, ...]

    @property
    def size(self) -> int:
        return math.prod(axis.count for axis in self.axes)

    def places(self, number: int) -> tuple[int, ...]:
        """The place on each axis of set `number`."""
        found = []
        for axis in reversed(self.axes):
            number, place = divmod(number, axis.count)
            found.append(place)
        return tuple(reversed(found))

    def number(self, places: Sequence[int]) -> int:
        """The inverse of `places`."""
        number = 0
        for axis, place in zip(self.axes, places, strict=True):
            number = number * axis.count + place
        return number

    def params(self, number: int) -> dict[str, Any]:
        """Name → value of set `number`."""
        return {axis.name: axis.value(place) for axis, place in zip(self.axes, self.places(number), strict=True)}


def parse_space(texts: Sequence[str]) -> Space:
    """The space of the `--param` arguments. ConfigError, in one line, for one that spans nothing."""
    axes = tuple(_axis(text) for text in texts)
    names = [axis.name for axis in axes]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"--param {name} is given {names.count(name)} times. Name each parameter once.")
    return Space(axes)


def _axis(text: str) -> Axis:
    name, sign, values = (part.strip() for part in text.partition("="))
    if not sign or not name or not values:
        raise ConfigError(f"--param {text!r} has no values. {_HOW}, like threshold=0.05:0.20:0.01.")
    if ":" in values:
        return _range(text, name, values)
    listed = tuple(_value(text, part.strip()) for part in values.split(","))
    if len(set(map(repr, listed))) < len(listed):
        raise ConfigError(f"--param {text}: a value stands there twice. Name each once.")
    return Axis(name, text, len(listed), listed=listed)


def _range(text: str, name: str, values: str) -> Axis:
    parts = [part.strip() for part in values.split(":")]
    if len(parts) != 3 or not all(parts):
        raise ConfigError(f"--param {text}: a range needs three numbers. Write {name}=from:to:step.")
    start, end, step = (_number(text, part) for part in parts)
    if step <= 0:
        raise ConfigError(f"--param {text}: the step {parts[2]} must be above 0. Write from:to:step, upwards.")
    if end < start:
        raise ConfigError(
            f"--param {text}: {parts[0]} lies above {parts[1]}. Swap them: {name}={parts[1]}:{parts[0]}:…"
        )
    with exactly():
        count = int((end - start) // step) + 1
    return Axis(name, text, count, start=start, step=step)


def _number(text: str, part: str) -> Decimal:
    try:
        number = Decimal(part)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > 15:
        raise ConfigError(f"--param {text}: {part!r} is no number to count with. {_HOW}.")
    return number


def _value(text: str, part: str) -> Any:
    try:
        value = yaml.safe_load(part)
    except yaml.YAMLError as error:
        raise ConfigError(f"--param {text}: {part!r} is no value. Write a number, a word or null.") from error
    if (value is None and part not in ("null", "~")) or isinstance(value, dict | list):
        raise ConfigError(f"--param {text}: {part!r} is no value. {_HOW}.")
    return value
