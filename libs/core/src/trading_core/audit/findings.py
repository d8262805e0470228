"""What the ledger says and what follows from the recorded events, value by value. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from trading_core.audit.recompute import Recomputed, Row, Table
from trading_core.messages import ExecMessage

WHOLE_ROW = "the row"
OF_THE_CLOSE = frozenset({"version", "status", "fees", "funding_pnl", "slippage_cost", "suspect", "late", "exit_ts",
    "exit_ref", "exit_price", "exit_reason", "gross_pnl", "realised_pnl"})  # fmt: skip
"""Columns of a position that go on changing after the span."""


@dataclass(frozen=True)
class Finding:
    """One value that is not what the recorded events give. None: there is no such row."""

    table: str
    id: str
    column: str
    recorded: str | None
    recomputed: str | None

    def __str__(self) -> str:
        said = [
            "nothing" if text is None else text if len(text) < 200 else f"{text[:200]}…"
            for text in (self.recorded, self.recomputed)
        ]
        return f"{self.table} {self.id}: {self.column} is {said[0]}, recomputed {said[1]}"


@dataclass
class Findings:
    """How many rows were compared, by table, and every difference."""

    compared: Counter[str] = field(default_factory=Counter)
    found: list[Finding] = field(default_factory=list)

    def add(self, other: Findings) -> None:
        self.compared += other.compared
        self.found += other.found


def compare(expected: Recomputed, recorded: Mapping[str, Table], announced: Iterable[ExecMessage]) -> Findings:
    """`recorded`: the rows of the ledger by table and key; `announced`: the recorder's copy of EXEC."""
    result = Findings()
    for table, rows in expected.tables.items():
        there = recorded[table]
        for key in sorted(rows.keys() | there.keys()):
            result.compared[table] += 1
            result.found += _rows(table, key, there.get(key), rows.get(key))
    said = {message.id: message for message in announced}
    for id in sorted(expected.announced.keys() | said.keys()):
        result.compared["exec_events"] += 1
        result.found += _messages(id, said.get(id), expected.announced.get(id))
    return result


def _rows(table: str, key: str, recorded: Row | None, recomputed: Row | None) -> Iterator[Finding]:
    if recorded is None or recomputed is None:
        yield Finding(table, key, WHOLE_ROW, _whole(recorded), _whole(recomputed))
        return
    since = table == "positions" and recorded["version"] > recomputed["version"]
    for column, value in recomputed.items():
        if since and column in OF_THE_CLOSE:
            continue
        if _plain(recorded[column]) != _plain(value):
            yield Finding(table, key, column, _text(recorded[column]), _text(value))


def _messages(id: str, recorded: ExecMessage | None, recomputed: ExecMessage | None) -> Iterator[Finding]:
    if recorded is None or recomputed is None:
        there, again = (None if message is None else message.kind for message in (recorded, recomputed))
        yield Finding("exec_events", id, WHOLE_ROW, there, again)
        return
    for column, value in recomputed.body.items():
        if recorded.body.get(column) != value:
            yield Finding("exec_events", id, column, _text(recorded.body.get(column)), _text(value))


def _plain(value: Any) -> Any:
    """JSON by what it says, numbers by value: NUMERIC may drop or add trailing zeros."""
    if isinstance(value, str) and value.startswith(("{", "[")):
        return json.loads(value)
    return value


def _whole(row: Row | None) -> str | None:
    return None if row is None else "there"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode().strip('"')
