"""Statements made of what was asked: a filter nobody gave is not in their text, so that their plans use the indexes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Statement:
    sql: str
    values: tuple[object, ...]


class Conditions:
    """Clauses with their parameters, numbered as they come. Clauses are constants of the caller, never input."""

    def __init__(self) -> None:
        self.values: list[object] = []
        self.clauses: list[str] = []

    def add(self, clause: str, *values: object) -> None:
        """Each `{}` of `clause` becomes the place of the next of `values`."""
        places = [f"${len(self.values) + number}" for number in range(1, len(values) + 1)]
        self.values += values
        self.clauses.append(clause.format(*places))

    def statement(self, before: str, after: str = "") -> Statement:
        """`before` WHERE all clauses `after`."""
        return Statement(f"{before}\nWHERE {' AND '.join(self.clauses)}\n{after}", tuple(self.values))
