"""Pictures and pages of a run: what they show, and that a page needs nothing else."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
from backtest_builders import T0, a_run, bars, flat, scripted

from trading_core.backtest.figures import curve, monthly_returns
from trading_core.backtest.page import page
from trading_core.backtest.plot import write_plot
from trading_core.backtest.report import report
from trading_core.model import DAY_MS, MINUTE_MS

drawing = pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None, reason="matplotlib of trading-core[research] is not installed"
)


def a_report(minutes: int = 240, **changes: Any) -> dict[str, Any]:
    """One LONG trade of BTC that ends at its target."""
    candles = {"BTC": bars("BTC", [(0, 60, flat(50_000.0)), (60, minutes - 60, flat(53_000.0))])}
    run = a_run(candles, scripted({(5, "BTC"): ("LONG", 1.0)}, name="a<b"), minutes=minutes)
    return {**report(run, 252), **changes}


def equity(*rows: tuple[int, float]) -> dict[str, Any]:
    """A report of nothing but a curve: (minutes since T0, USD)."""
    return {
        "summary": {"initial_capital": "100"},
        "equity": {"rows": [[T0 + at * MINUTE_MS, repr(amount)] for at, amount in rows]},
    }


def test_a_curve_falls_from_its_running_peak() -> None:
    shown = curve(equity((0, 100.0), (1, 110.0), (2, 99.0), (3, 121.0)))
    assert shown.equity_usd == [100.0, 110.0, 99.0, 121.0]
    assert shown.drawdown == [0.0, 0.0, pytest.approx(-0.1), 0.0]


def test_the_peak_starts_at_the_capital() -> None:
    assert curve(equity((0, 90.0))).drawdown == [pytest.approx(-0.1)]


def test_a_thinned_curve_keeps_its_end_and_the_deepest_fall() -> None:
    rows = [(at, 100.0) for at in range(1_000)]
    rows[333] = (333, 50.0)
    shown = curve(equity(*rows, (1_000, 101.0)), points=10)
    assert len(shown.times_ms) <= 11
    assert shown.equity_usd[-1] == 101.0
    assert min(shown.drawdown) == pytest.approx(-0.5)


def test_months_are_compared_with_the_month_before() -> None:
    # T0 lies in June 2025, 15 days before July.
    days = DAY_MS // MINUTE_MS
    found = monthly_returns(equity((0, 100.0), (3 * days, 110.0), (15 * days, 120.0), (20 * days, 90.0)))
    assert found == {2025: {6: pytest.approx(0.2), 7: pytest.approx(-0.25)}}


def test_a_page_shows_figures_months_trades_and_settings() -> None:
    text = page(a_report(), "<svg></svg>")
    for part in ("<svg></svg>", "Max drawdown", "2025-06-16", "take_profit", "Year&#x27;s", "no loss"):
        assert part in text


def test_a_page_spells_names_as_text_and_not_as_markup() -> None:
    text = page(a_report(), "")
    assert "a&lt;b" in text
    assert "a<b" not in text


def test_a_page_without_trades_says_so() -> None:
    assert "No trade was made." in page(a_report(trades=[]), "")


@drawing
def test_a_page_needs_no_other_file_and_equal_runs_give_equal_pages(tmp_path: Path) -> None:
    one, other = tmp_path / "one.html", tmp_path / "other.html"
    write_plot(a_report(), one)
    write_plot(a_report(), other)
    text = one.read_text()
    assert text == other.read_text()
    assert text.count("<svg") == 1
    # Links are to places inside the drawing; addresses name the vocabulary of SVG and are not loaded.
    assert [link for link in re.findall(r'(?:src|href)="([^"]*)"', text) if not link.startswith("#")] == []
    assert "@import" not in text


@drawing
def test_a_file_that_ends_in_png_is_a_picture(tmp_path: Path) -> None:
    file = tmp_path / "run.PNG"
    write_plot(a_report(), file)
    assert file.read_bytes().startswith(b"\x89PNG")
