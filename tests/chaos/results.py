"""results.json: what each row showed when it ran last, and at which commit. A run replaces no row but its own."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from chaos.table import Found, Row
from repository import ROOT

RESULTS = Path(__file__).parent / "results.json"
OWN = (":!tests/chaos/results.json", ":!docs/reliability.md")
"""What a run writes itself is no change of what it measures."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """`commit`: `1a2b3c4`, with a + when files differed from it. The rest is as in `Found`."""

    ran_at: str
    commit: str
    machine: str
    figures: dict[str, float]
    said: list[str]
    left_out: dict[str, str]
    broke_down: bool = False

    def found(self, row: Row) -> Found:
        """Judged by the bounds of today; a figure that has none any more is forgotten."""
        figures = {name: value for name, value in self.figures.items() if name in row.bounds}
        return Found(row, figures, list(self.said), dict(self.left_out), self.broke_down)


def read(path: Path = RESULTS) -> dict[str, Result]:
    return msgspec.json.decode(path.read_bytes(), type=dict[str, Result]) if path.exists() else {}


def write(results: Mapping[str, Result], path: Path = RESULTS) -> None:
    ordered = {name: results[name] for name in sorted(results, key=lambda name: int(name.removeprefix("R")))}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(ordered), indent=1) + b"\n")


def updated(before: Mapping[str, Result], ran: Iterable[Found]) -> dict[str, Result]:
    """The newest of every row: of now for those that `ran`."""
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M}"
    commit, machine = _commit(), f"{os.cpu_count()} cores, Python {platform.python_version()}"
    return dict(before) | {
        one.row.name: Result(
            ran_at=now, commit=commit, machine=machine, figures=one.figures, said=one.said, left_out=one.left_out,
            broke_down=one.broke_down,
        )
        for one in ran
    }  # fmt: skip


def _commit() -> str:
    """`-` outside of a repository."""
    head = _git("rev-parse", "--short=7", "HEAD")
    return f"{head}{'+' if _git('status', '--porcelain', '--', '.', *OWN) else ''}" if head else "-"


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
