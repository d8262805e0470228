"""The summary of a backtest as a table on a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

# Money in USD; `won` and `drawdown` in per cent, the hold in minutes.
_COLUMNS = (
    ("P&L", "realised_pnl"),
    ("trades", "trades"),
    ("won", "win_rate"),
    ("mean", "expectancy"),
    ("Sharpe", "sharpe"),
    ("drawdown", "max_drawdown"),
    ("fees", "fees"),
    ("hold", "avg_hold_s"),
)


def print_table(summary: dict[str, Any], files: Iterable[Path]) -> None:
    """One line for the whole run, each strategy and each asset; then what the numbers rest on."""
    console = Console(highlight=False)
    table = Table(title="Backtest, candle fidelity", title_justify="left", box=None, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    for label, _ in _COLUMNS:
        table.add_column(label, justify="right")
    for name, part in {"total": summary, **summary["by_strategy"], **summary["by_asset"]}.items():
        table.add_row(name, *(_shown(key, part) for _, key in _COLUMNS))
    console.print(table)
    console.print(
        f"Equity {summary['initial_capital']} → {summary['final_equity']} USD over {summary['days']} days, "
        f"{summary['coverage']:.2%} of the minutes present; "
        f"{summary['evaluations']} evaluations, {summary['funding_events']} funding payments "
        f"({summary['funding_hours_owed']} hours owed), {summary['forced_closes']} forced closes, "
        f"{summary['exits_with_both_levels_in_bar']} bars with stop and target, {summary['gaps']} gaps."
    )
    for name, why in summary["strategies_not_evaluated"].items():
        console.print(f"{name} was not evaluated: {why}.", markup=False)
    for name, why in summary["strategies_without_input"].items():
        console.print(f"{name} never had its input: {why}.", markup=False)
    for note in summary["notes"]:
        console.print(note, style="dim")
    for file in files:
        console.print(f"Written: {file}", markup=False)


def _shown(key: str, part: dict[str, Any]) -> str:
    value = part[key]
    if value is None:
        return "–"
    match key:
        case "win_rate":
            return f"{value:.0%}"
        case "max_drawdown":
            return f"{value:.2%}"
        case "avg_hold_s":
            return f"{value / 60:.0f} m"
        case "trades":
            return str(value)
        case _:
            return f"{float(value):.2f}"
