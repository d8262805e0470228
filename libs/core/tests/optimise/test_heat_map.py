"""Cells of the heat map: each shows its best set in sample, and what that set did out of sample."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from optimise_builders import an_outcome

from trading_core.errors import ConfigError
from trading_core.optimise.figures import Outcome
from trading_core.optimise.heat_map import axes_of, heat_map
from trading_core.optimise.plot import write_heat_map
from trading_core.optimise.space import Space, parse_space

SPACE = parse_space(["a=1,2", "b=10,20,30", "c=0,1"])


def pnl(space: Space, inside: dict[int, float]) -> list[Outcome]:
    """Sets by number with a P&L in sample; out of sample it is a tenth of that."""
    return [an_outcome(number, [value / 1e4], [value / 1e5]) for number, value in inside.items()]


def test_a_cell_shows_the_best_of_the_rest_and_that_set_out_of_sample() -> None:
    # Numbers of a=1, b=10: 0 and 1 (c); of a=2, b=30: 10 and 11.
    shown = heat_map(SPACE, pnl(SPACE, {0: 5.0, 1: 7.0, 10: 9.0, 11: -1.0}), "pnl", *axes_of(SPACE, ["a", "b"]))
    assert shown.in_sample.shape == (3, 2)
    assert (shown.in_sample[0, 0], shown.in_sample[2, 1]) == (pytest.approx(7), pytest.approx(9))
    assert shown.out_of_sample[2, 1] == pytest.approx(0.9)
    assert shown.best == (2, 1)
    assert shown.others == ("c",)
    assert shown.trades_in_sample[1, 0] == -1
    assert math.isnan(shown.in_sample[1, 0])


def test_a_cell_without_trades_is_known_as_such() -> None:
    idle = an_outcome(0, [0.0, 0.0], [0.0], trades=0)
    shown = heat_map(SPACE, [idle], "sharpe", *axes_of(SPACE, ["a", "b"]))
    assert shown.trades_in_sample[0, 0] == 0
    assert math.isnan(shown.in_sample[0, 0])
    assert shown.best is None


def test_the_longest_axes_are_drawn_in_the_order_given() -> None:
    across, down = axes_of(parse_space(["a=1,2", "b=1:5:1", "c=7", "d=1:9:1"]), None)
    assert (across.name, down and down.name) == ("b", "d")


def test_a_single_parameter_is_one_row() -> None:
    space = parse_space(["a=1,2,3"])
    across, down = axes_of(space, None)
    assert (across.name, down) == ("a", None)
    assert heat_map(space, pnl(space, {0: 1.0, 2: 3.0}), "pnl", across, down).in_sample.shape == (1, 3)


def test_three_axes_are_refused() -> None:
    with pytest.raises(ConfigError, match="a heat map has two axes"):
        axes_of(SPACE, ["a", "b", "c"])


@pytest.mark.parametrize("metric", ["pnl", "sharpe", "profit_factor", "drawdown", "win_rate"])
@pytest.mark.parametrize("texts", [["a=1,2", "b=10,20,null"], ["a=1,2,3,4,5,6"]])
def test_any_metric_is_drawn(tmp_path: Path, metric: str, texts: list[str]) -> None:
    space = parse_space(texts)
    outcomes = [an_outcome(0, [0.01, 0.02], [0.01], profit_factor=1.5), an_outcome(3, [0.0], [0.0], trades=0)]
    write_heat_map(heat_map(space, outcomes, metric, *axes_of(space, None)), metric, "heading", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
