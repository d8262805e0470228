"""What was measured against what must hold. Pure; the only file of bounds is bounds.yaml."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import yaml

BOUNDS = Path(__file__).parent / "bounds.yaml"
Verdict = Literal["holds", "FAILS", "partly", "not run"]


@dataclass(frozen=True)
class Bound:
    """The figure must be at most `most`, at least `least`."""

    most: float | None = None
    least: float | None = None

    def holds(self, value: float, factor: float = 1.0) -> bool:
        """factor: how much more than `most` is allowed."""
        return (self.most is None or value <= self.most * factor) and (self.least is None or value >= self.least)

    def __str__(self) -> str:
        return f"≤ {_short(self.most)}" if self.most is not None else f"≥ {_short(self.least or 0.0)}"


@dataclass(frozen=True)
class Row:
    """One fault, and the bound of each of its figures."""

    name: str
    fault: str
    bounds: Mapping[str, Bound]


@dataclass(frozen=True)
class Bounds:
    rows: Mapping[str, Row]
    quick_time_factor: float


def read_bounds(path: Path = BOUNDS) -> Bounds:
    given = yaml.safe_load(path.read_text())
    rows = {}
    for name, entry in given["rows"].items():
        bounds = {figure: Bound(**limits) for figure, limits in entry.items() if figure != "fault"}
        rows[name] = Row(name, entry["fault"], bounds)
    return Bounds(rows, given["quick_time_factor"])


@dataclass
class Found:
    """All that is known of one row after a run. Of a figure that was measured often the worst stays."""

    row: Row
    figures: dict[str, float] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    """What was done, and what is wrong: sentences for the table."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Figure, or `all` → why it could not be measured here."""
    broke_down: bool = False

    def measure(self, figure: str, value: float) -> None:
        """ValueError for a figure without a bound: whoever measures it must say what is right."""
        if figure not in self.row.bounds:
            raise ValueError(f"bounds.yaml: {self.row.name} has no bound for {figure}")
        worst = min if self.row.bounds[figure].least is not None else max
        self.figures[figure] = worst(self.figures.get(figure, value), value)

    def leave_out(self, why: str, figure: str = "all") -> None:
        self.left_out[figure] = why

    def break_down(self, why: str) -> None:
        """The run itself failed, so nothing that it measured proves anything."""
        self.broke_down = True
        self.say(why)

    def say(self, what: str) -> None:
        if what not in self.said:
            self.said.append(what)

    def failing(self, time_factor: float = 1.0) -> list[str]:
        """Figures beyond their bound; those of wall time beyond `time_factor` times it."""
        return [
            figure
            for figure, value in self.figures.items()
            if not self.row.bounds[figure].holds(value, time_factor if figure.endswith("_s") else 1.0)
        ]

    def verdict(self, time_factor: float = 1.0) -> Verdict:
        """A figure that was not measured keeps a row from holding, whatever the reason."""
        if self.broke_down or self.failing(time_factor):
            return "FAILS"
        if not self.figures:
            return "not run"
        return "holds" if set(self.figures) == set(self.row.bounds) and not self.left_out else "partly"


def measured(found: Found, time_factor: float = 1.0) -> list[str]:
    """`back_s 1.3 (≤ 5)`, in the order of bounds.yaml; `!` before what fails, `–` for what was not measured."""
    failing = set(found.failing(time_factor))
    lines = []
    for figure, bound in found.row.bounds.items():
        if figure in found.figures:
            mark = "! " if figure in failing else ""
            lines.append(f"{mark}{figure} {_short(found.figures[figure])} ({bound})")
        else:
            lines.append(f"{figure} – ({bound})")
    return lines


def counts(found: Iterable[Found], time_factor: float = 1.0) -> dict[Verdict, int]:
    verdicts: list[Verdict] = [one.verdict(time_factor) for one in found]
    return {kind: verdicts.count(kind) for kind in ("holds", "FAILS", "partly", "not run")}


def _short(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}".rstrip("0").rstrip(".")
