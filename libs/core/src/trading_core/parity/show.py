"""Parity reports for people."""

from __future__ import annotations

from rich.console import Console

from trading_core.db.times import utc
from trading_core.parity.ideal import IdealReport
from trading_core.parity.recording import Span
from trading_core.parity.replay import Report

SHOWN = 10
MEANING = {
    "late_signal": "the signal came after its minute was passed",
    "gap": "data was missing, live or in the history",
    "skip": "a minute was passed without somebody",
    "config_changed": "settings are not those of the run",
    "code_changed": "a strategy's code is not that of the run",
    "follows": "consequences of the above",
    "unexplained": "no cause found: this must not be",
}


def period(span: Span) -> str:
    return f"{utc(span.first_ms):%Y-%m-%d %H:%M} to {utc(span.last_ms):%Y-%m-%d %H:%M} UTC"


def show_recorded(report: Report, console: Console) -> None:
    console.print(f"Recorded order, portfolio {report.span.portfolio}, {period(report.span)}", style="bold")
    for kind, count in report.compared.items():
        differing = sum(difference.kind == kind for difference in report.differences)
        console.print(f"  {kind:14} {count:>9,} compared  {differing:>6,} different")
    for difference in report.differences[:SHOWN]:
        _show_texts(console, difference.kind, difference.id, difference.ts, difference.live, difference.replay)
    _show_rest(console, len(report.differences))
    if report.differences:
        console.print(f"NOT identical: {len(report.differences):,} differences", style="bold red")
    else:
        console.print("identical: every signal, decision, fill and ledger row, byte for byte", style="bold green")


def show_ideal(report: IdealReport, console: Console) -> None:
    console.print(f"Ideal order, portfolio {report.span.portfolio}, {period(report.span)}", style="bold")
    console.print(f"  {sum(report.compared.values()):,} signals and ledger events compared")
    for cause, count in report.causes().most_common():
        console.print(f"  {cause:15} {count:>7,}  {MEANING.get(cause, '')}")
    roots = [difference for difference in report.differences if not difference.cause.startswith("follows:")]
    for root in roots[:SHOWN]:
        _show_texts(console, f"{root.cause}: {root.kind}", root.id, root.ts, root.live, root.ideal)
    _show_rest(console, len(roots))
    if report.unexplained:
        console.print(f"{report.unexplained:,} differences are unexplained", style="bold red")
    elif report.differences:
        console.print("every difference has a cause", style="bold green")
    else:
        console.print("no difference: live traded as a backtest would have", style="bold green")


def _show_texts(console: Console, what: str, id: str, ts: int, live: str | None, again: str | None) -> None:
    console.print(f"\n{what} {id} at {utc(ts):%Y-%m-%d %H:%M}", style="bold")
    console.print(f"  live:   {live}", markup=False)
    console.print(f"  replay: {again}", markup=False)


def _show_rest(console: Console, count: int) -> None:
    if count > SHOWN:
        console.print(f"\n… and {count - SHOWN:,} more; --json FILE has them all")
