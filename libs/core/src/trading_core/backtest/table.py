"""The summary of a backtest on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from trading_core.backtest.key_figures import key_figures, number, percent, profit_factor, rests_on, signed

_FIGURES_A_LINE = 3


def print_table(summary: dict[str, Any], files: Iterable[Path]) -> None:
    """Every metric of the whole run, one line for each strategy and asset, and what the numbers rest on."""
    console = Console(highlight=False)
    console.print(f"Backtest, {summary['fidelity']} fidelity (amounts in USD)", style="bold")
    console.print(_whole(summary))
    console.print(_parts(summary))
    for line in rests_on(summary):
        console.print(line, style="dim" if line in summary["notes"] else None, markup=False)
    for file in files:
        console.print(f"Written: {file}", markup=False)


def _whole(summary: Mapping[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    figures = [(name.removesuffix(", USD"), value) for name, value in key_figures(summary)]
    for _ in range(_FIGURES_A_LINE):
        table.add_column(style="dim", no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
    for first in range(0, len(figures), _FIGURES_A_LINE):
        line = figures[first : first + _FIGURES_A_LINE]
        table.add_row(*(cell for figure in line for cell in figure))
    return table


def _parts(summary: Mapping[str, Any]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), title_justify="left")
    table.add_column("", no_wrap=True)
    for label in ("P&L", "trades", "won", "mean", "PF", "Sharpe", "drawdown", "hold"):
        table.add_column(label, justify="right")
    for name, part in {**summary["by_strategy"], **summary["by_asset"]}.items():
        hold = number(part["avg_hold_s"], 1 / 60)
        table.add_row(
            name, signed(part["realised_pnl"]), f"{part['trades']:,}", percent(part["win_rate"]),
            number(part["expectancy"]), profit_factor(part), number(part["sharpe"]), f"{part['max_drawdown']:.2%}",
            hold if hold == "–" else f"{hold} m",
        )  # fmt: skip
    return table
