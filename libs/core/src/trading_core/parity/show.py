"""Parity results in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from trading_core.db.times import utc
from trading_core.model import DAY_MS, MINUTE_MS
from trading_core.parity.results import Result, Shown, changed_fields
from trading_core.parity.words import MEANING, began, sentence

SHOWN = 10
FIELDS = 8
TITLE = {"recorded": "Recorded order", "ideal": "Ideal order"}


def show(result: Result, console: Console) -> None:
    console.print(f"{TITLE[result.order]}, portfolio {result.portfolio}, {result.period}", style="bold")
    console.print(f"  {began(result)}; {result.duration_ms / 1000:.1f} s", style="dim")
    differing = _differing(result)
    for kind, count in result.compared.items():
        console.print(f"  {kind:14} {count:>9,} compared  {differing.get(kind, 0):>6,} different")
    for cause, count in result.causes.most_common():
        console.print(f"  {cause:15} {count:>7,}  {MEANING.get(cause, '')}")
    roots = [difference for difference in result.differences if difference.root]
    for difference in roots[:SHOWN]:
        _show_difference(difference, console)
    if len(roots) > SHOWN:
        console.print(f"\n… and {len(roots) - SHOWN:,} more; --html FILE shows them, --json FILE has them all")
    console.print(sentence(result), style="bold green" if result.passed else "bold red")


def show_list(results: Sequence[Result], console: Console) -> None:
    """Stored reports, newest first."""
    if not results:
        console.print("No report is stored yet; `parity --nightly` checks every whole day.")
        return
    table = Table("portfolio", "day or span (UTC)", "order", "verdict", "compared", "different", "causes", box=None)
    for result in results:
        causes = ", ".join(f"{cause} {count:,}" for cause, count in result.causes.most_common())
        table.add_row(
            result.portfolio, _when(result), result.order, result.verdict, f"{sum(result.compared.values()):,}",
            f"{result.difference_count:,}", causes, style="" if result.passed else "bold red",
        )  # fmt: skip
    console.print(table)


def _when(result: Result) -> str:
    """The date alone of a whole day."""
    first, last = utc(result.first_ms), utc(result.last_ms)
    if result.first_ms % DAY_MS == 0 and result.last_ms == result.first_ms + DAY_MS - MINUTE_MS:
        return f"{first:%Y-%m-%d}"
    same = first.date() == last.date()
    return f"{first:%Y-%m-%d %H:%M} – {last:%H:%M}" if same else f"{first:%Y-%m-%d %H:%M} – {last:%Y-%m-%d %H:%M}"


def _differing(result: Result) -> dict[str, int]:
    found: dict[str, int] = {}
    for difference in result.differences:
        found[difference.kind] = found.get(difference.kind, 0) + 1
    return found


def _show_difference(difference: Shown, console: Console) -> None:
    console.print(
        f"\n{difference.cause}: {difference.kind} {difference.id} at {utc(difference.ts):%Y-%m-%d %H:%M}", style="bold"
    )
    if difference.live is None or difference.replayed is None:
        side = "live" if difference.replayed is None else "the replay"
        console.print(f"  only {side} has it: {difference.live or difference.replayed}", markup=False)
        return
    changed = changed_fields(difference.live, difference.replayed)
    for name, live, replayed in changed[:FIELDS]:
        console.print(f"  {name}: live {live}, replay {replayed}", markup=False)
    if len(changed) > FIELDS:
        console.print(f"  … and {len(changed) - FIELDS} more fields")
