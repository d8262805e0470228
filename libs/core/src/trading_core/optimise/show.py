"""The result of a search on a terminal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from trading_core.backtest.figures import minute
from trading_core.optimise.figures import METRICS
from trading_core.optimise.verdict import per_cent

_ROWS = 10
_IN_PERCENT = ("drawdown", "win_rate")


def print_result(found: Mapping[str, Any], console: Console, facts: Sequence[str] = ()) -> None:
    """The ten best in sample with what they did out of sample, then what that is worth.

    `facts`: what may explain that no set traded.
    """
    study, counts = found["study"], found["counts"]
    for line in _complaints(found):
        console.print(line, markup=False, soft_wrap=True)
    if not counts["traded"]:
        console.print(f"No set traded: {_sets(counts['ran'])} of {study['class_name']}, 0 trades in and out of sample.")
        for fact in facts:
            console.print(fact, markup=False, soft_wrap=True)
        return
    console.print(_table(found))
    shown = min(_ROWS, counts["ran"])
    idle = counts["ran"] - counts["traded"]
    console.print(
        f"The {shown} best in sample of {_sets(counts['ran'])}"
        + (f", of which {idle:,} never traded" if idle else "")
        + f". {_folds(study['folds'])}",
        soft_wrap=True,
    )
    for line in _judged(found["judgement"], study["metric"]):
        console.print(line, markup=False, soft_wrap=True)


def _table(found: Mapping[str, Any]) -> Table:
    study = found["study"]
    metric, names = study["metric"], list(study["params"])
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("#", justify="right")
    for name in names:
        table.add_column(name, justify="right")
    for part in ("in", "out"):
        # The metric itself, then what it rests on, twice.
        for label in (METRICS[metric], *(() if metric == "pnl" else ("P&L",)), "trades"):
            table.add_column(f"{label} {part}", justify="right")
    for candidate in found["candidates"][:_ROWS]:
        cells = [_value(candidate["params"][name]) for name in names]
        for part in (candidate["in_sample"], candidate["out_of_sample"]):
            cells.append(_number(part[metric], metric))
            cells += [] if metric == "pnl" else [_number(part["realised_pnl"], "pnl")]
            cells.append(str(part["trades"]))
        table.add_row(str(candidate["rank"]), *cells)
    return table


def _judged(judgement: Mapping[str, Any] | None, metric: str) -> list[str]:
    if judgement is None:
        return [f"There is nothing to judge: no set has a {METRICS[metric]} in sample."]
    deflated, overfitting = judgement["deflated_sharpe"], judgement["probability_of_overfitting"]
    return [
        judgement["sentence"],
        f"Out of sample a worthless set would do as well as the chosen one in "
        f"{per_cent(judgement['luck_out_of_sample'])} of cases.",
        f"{judgement['trials']:,} tries, as good as {judgement['effective_trials']:.0f} independent ones; "
        f"deflated Sharpe ratio {_or_dash(deflated)}; probability of backtest overfitting {_or_dash(overfitting)}; "
        f"{judgement['days_in_sample']} days in sample, {judgement['days_out_of_sample']} out of sample, "
        f"{judgement['trades']} trades of the chosen set.",
        f"Verdict: {judgement['verdict']}: {judgement['why']}.",
    ]


def _complaints(found: Mapping[str, Any]) -> list[str]:
    """One line for sets that could not be tried and one for those that broke."""
    lines = []
    for key, what in (("refused", "are impossible"), ("failed", "made the strategy fail")):
        if found[key]:
            reasons = Counter(str(entry["why"]) for entry in found[key])
            reason, _ = reasons.most_common(1)[0]
            lines.append(
                f"{_sets(len(found[key]))} {what} and {'are' if key == 'refused' else 'were'} left out: {reason}"
            )
    return lines


def _folds(folds: Sequence[Mapping[str, int]]) -> str:
    said = [
        f"chosen on {minute(f['from_ms'])} to {minute(f['split_ms'])}, judged to {minute(f['to_ms'])}" for f in folds
    ]
    if len(said) == 1:
        return f"{said[0][0].upper()}{said[0][1:]} UTC."
    return f"{len(said)} folds, figures are means over them and sums; the first {said[0]}, the last {said[-1]} UTC."


def _sets(count: int) -> str:
    return f"{count:,} {'set' if count == 1 else 'sets'}"


def _value(value: Any) -> str:
    return "off" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _number(value: float | None, metric: str) -> str:
    if value is None:
        return "–"
    if math.isinf(value):
        return "no loss"
    return f"{value:.2%}" if metric in _IN_PERCENT else f"{value:.2f}"


def _or_dash(probability: float | None) -> str:
    return "–" if probability is None else f"{probability:.2f}"
