"""Draws a backtest: equity, drawdown and trades, as PNG or inside a page. Needs matplotlib, imported when asked for."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trading_core.backtest.figures import curve, exits, title
from trading_core.backtest.page import page
from trading_core.errors import ConfigError

_BLUE, _RED, _GREEN, _GREY = "#2563eb", "#dc2626", "#16a34a", "#6b7280"
_DPI = 150
# Short dates; in an SVG text stays text and equal runs give equal bytes.
_STYLE: dict[Any, Any] = {
    "date.converter": "concise",
    "timezone": "UTC",
    "svg.fonttype": "none",
    "svg.hashsalt": "backtest",
}


def require_matplotlib() -> None:
    """ConfigError, before a long run rather than after it, when there is nothing to draw with."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ConfigError("--plot needs matplotlib: install trading-core[research].") from error


def write_plot(report: Mapping[str, Any], file: Path) -> None:
    """A picture when `file` ends in .png, else a page that needs no other file."""
    import matplotlib

    with matplotlib.rc_context(_STYLE):
        if file.suffix.lower() == ".png":
            _figure(report, title(report)).savefig(file, format="png", dpi=_DPI)
        else:
            file.write_text(page(report, _svg(_figure(report, ""))), encoding="utf-8")


def _svg(figure: Any) -> str:
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    text = drawn.getvalue()
    return text[text.index("<svg") :]


def _figure(report: Mapping[str, Any], heading: str) -> Any:
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    shown = curve(report)
    times = [_moment(time_ms) for time_ms in shown.times_ms]
    figure = Figure(figsize=(11, 7.5), layout="constrained")
    equity, drawdown, trades = figure.subplots(3, 1, sharex=True, height_ratios=(3, 1.3, 1.7))
    if heading:
        figure.suptitle(heading, fontsize=11, wrap=True)
    equity.plot(times, shown.equity_usd, color=_BLUE, linewidth=1.2)
    equity.axhline(float(report["summary"]["initial_capital"]), color=_GREY, linewidth=0.8, linestyle=":")
    equity.set_ylabel("equity, USD")
    drawdown.fill_between(times, shown.drawdown, color=_RED, alpha=0.35, linewidth=0)
    drawdown.set_ylabel("drawdown")
    drawdown.yaxis.set_major_formatter(PercentFormatter(1))
    exit_times, realised = exits(report["trades"])
    colours = [_GREEN if amount > 0 else _RED if amount < 0 else _GREY for amount in realised]
    trades.scatter([_moment(time_ms) for time_ms in exit_times], realised, c=colours, s=9, linewidths=0)
    trades.axhline(0, color=_GREY, linewidth=0.8)
    trades.set_ylabel("trades, USD")
    for axes in (equity, drawdown, trades):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _moment(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms / 1000, UTC)
