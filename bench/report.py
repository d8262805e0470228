"""The measured rows as a table for people, as a line of JSON each, and as RESULTS.md."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.rows import Row, Series

HERE = Path(__file__).parent
_COLUMNS = ("measured", "unit", "ours", "limit", "ours / limit", "runs", "spread", "what the limit is")


def show(rows: Sequence[Row], machine: Mapping[str, str]) -> None:
    table = Table(title="Measured beside the limits of the same run", title_justify="left")
    for name in _COLUMNS:
        table.add_column(name, justify="left" if name in (_COLUMNS[0], _COLUMNS[1], _COLUMNS[-1]) else "right")
    for row in rows:
        table.add_row(*_cells(row))
    console = Console(highlight=False, width=None if Console().is_terminal else 200)
    console.print(table)
    console.print(_described(machine), style="dim", markup=False)


def append(rows: Sequence[Row], machine: Mapping[str, str], *, quick: bool) -> Path:
    """One JSON object per row at the end of out/results.jsonl."""
    file = HERE / "out" / "results.jsonl"
    file.parent.mkdir(exist_ok=True)
    with file.open("a", encoding="utf-8") as output:
        for row in rows:
            record = {
                "section": row.section,
                "name": row.name,
                "unit": row.unit,
                "ours": row.ours.headline,
                "ours_runs": row.ours.runs,
                "limit_name": row.limit_name,
                "limit": row.limit.headline,
                "limit_runs": row.limit.runs,
                "ratio": row.ratio,
                "note": row.note,
                "quick": quick,
                "machine": dict(machine),
            }
            output.write(json.dumps(record, ensure_ascii=False) + "\n")
    return file


def write(rows: Sequence[Row], machine: Mapping[str, str], *, quick: bool) -> Path:
    """RESULTS.md, replaced."""
    lines = ["# Results", "", _described(machine), ""]
    if quick:
        lines += ["**A quick run: too short to be quoted.**", ""]
    lines += [
        "What each row measures, on which clock, and what its limit is: [README.md](README.md). The ratios compare "
        "numbers of one run on one machine; numbers of two machines say nothing about each other.",
        "",
        _line((*_COLUMNS, "counted")),
        _line("---" for _ in (*_COLUMNS, "counted")),
        *(_line((*_cells(row), row.note)) for row in rows),
        "",
        "Spread: (max − min) / median of the runs, ours and then the limit's.",
        "",
    ]
    file = HERE / "RESULTS.md"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        row.unit,
        _number(row.ours.headline),
        _number(row.limit.headline),
        _ratio(row.ratio),
        str(len(row.ours.runs)),
        f"{_spread(row.ours)} / {_spread(row.limit)}",
        row.limit_name,
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _ratio(value: float) -> str:
    """Two places, or two digits when that says nothing."""
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def _spread(series: Series) -> str:
    return "–" if series.spread is None else f"{series.spread:.0%}"


def _described(machine: Mapping[str, str]) -> str:
    return ", ".join(value if name == "date" else f"{name} {value}" for name, value in machine.items())
