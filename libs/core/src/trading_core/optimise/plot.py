"""Draws the heat map as PNG. Needs matplotlib, imported when asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from trading_core.market.series import FloatArray, IntArray
from trading_core.optimise.figures import METRICS
from trading_core.optimise.heat_map import HeatMap

_DPI = 150
_LABELLED = 12
"""With more columns or rows than this a number in each cell does not fit."""
_DEEP = 0.38
"""So far from the middle of the colours white can be read better than black."""
_GREY, _DARK = "#e5e7eb", "#6b7280"
_IN_PERCENT = ("drawdown", "win_rate")


def write_heat_map(shown: HeatMap, metric: str, heading: str, file: Path) -> None:
    """In sample and out of sample beside each other, on one scale of colours."""
    from matplotlib.figure import Figure

    rows, columns = shown.in_sample.shape
    figure = Figure(
        figsize=(max(9.0, min(18.0, 2.5 + 1.3 * columns)), max(3.2, min(12.0, 2.2 + 0.42 * rows))), layout="constrained"
    )
    figure.suptitle(heading, fontsize=11, wrap=True)
    left, right = figure.subplots(1, 2, sharey=True)
    scale = _scale(shown, metric)
    parts = (
        (left, "in sample: chosen here", shown.in_sample, shown.trades_in_sample),
        (right, "out of sample: judged here", shown.out_of_sample, shown.trades_out_of_sample),
    )
    for axes, title, values, trades in parts:
        image = _cells(axes, values, trades, metric, scale)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel(shown.across.name)
        _ticks(axes.xaxis, shown.across.values())
        if shown.best is not None:
            _frame(axes, shown.best)
    if shown.down is None:
        left.set_yticks([])
    else:
        left.set_ylabel(shown.down.name)
        _ticks(left.yaxis, shown.down.values())
    figure.colorbar(image, ax=[left, right], label=METRICS[metric], shrink=0.9, extend="both")
    notes = ["crossed: no trade", "framed: the best in sample"]
    if shown.others:
        notes.append(f"each cell: the best in sample over {', '.join(shown.others)}")
    figure.supxlabel("; ".join(notes), fontsize=8, color=_DARK)
    figure.savefig(file, format="png", dpi=_DPI)


def _scale(shown: HeatMap, metric: str) -> dict[str, Any]:
    """Colours around what is neither good nor bad; a drawdown is the worse the larger it is."""
    from matplotlib.colors import Normalize, TwoSlopeNorm

    both = np.concatenate([shown.in_sample.ravel(), shown.out_of_sample.ravel()])
    known = both[np.isfinite(both)]
    if metric in _IN_PERCENT:
        colours = "RdYlBu_r" if metric == "drawdown" else "RdYlBu"
        top = float(known.max()) if metric == "drawdown" and known.size else 1.0
        return {"cmap": colours, "norm": Normalize(0.0, top or 1.0)}
    middle = 1.0 if metric == "profit_factor" else 0.0
    # The darkest colours are for the outermost tenth, so that one corner does not make all the others alike.
    reach = float(np.quantile(np.abs(known - middle), 0.9)) if known.size else 1.0
    return {"cmap": "RdYlBu", "norm": TwoSlopeNorm(middle, middle - (reach or 1.0), middle + (reach or 1.0))}


def _cells(axes: Any, values: FloatArray, trades: IntArray, metric: str, scale: dict[str, Any]) -> Any:
    axes.set_facecolor(_GREY)
    image = axes.imshow(np.ma.masked_invalid(values), aspect="auto", origin="lower", **scale)
    rows, columns = values.shape
    written = columns <= _LABELLED and rows <= 2 * _LABELLED
    for row, column in np.ndindex(rows, columns):
        if trades[row, column] == 0:
            axes.plot(column, row, marker="x", color=_DARK, markersize=6)
        elif written and np.isfinite(values[row, column]):
            place = float(scale["norm"](values[row, column]))
            axes.text(
                column, row, _number(float(values[row, column]), metric), ha="center", va="center", fontsize=7,
                color="white" if abs(place - 0.5) > _DEEP else "black",
            )  # fmt: skip
    return image


def _frame(axes: Any, cell: tuple[int, int]) -> None:
    from matplotlib.patches import Rectangle

    row, column = cell
    axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="black", linewidth=1.8))


def _ticks(axis: Any, values: list[Any]) -> None:
    step = -(-len(values) // 20)
    axis.set_ticks(range(0, len(values), step), [_short(value) for value in values[::step]], fontsize=8)


def _short(value: Any) -> str:
    return "off" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _number(value: float, metric: str) -> str:
    if metric in _IN_PERCENT:
        return f"{value:.1%}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
