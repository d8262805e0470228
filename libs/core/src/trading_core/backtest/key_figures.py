"""The metrics of a backtest as a person reads them, for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_NONE = "–"


def key_figures(part: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Label and value of every metric of the rule book. `part`: a summary, or one strategy or asset of it."""
    return [
        ("P&L, USD", signed(part["realised_pnl"])),
        ("Sharpe", number(part["sharpe"])),
        ("Sortino", number(part["sortino"])),
        ("Max drawdown", f"{part['max_drawdown']:.2%}"),
        ("Trades", f"{part['trades']:,}"),
        ("Won", percent(part["win_rate"])),
        ("Lost", percent(part["loss_rate"])),
        ("Profit factor", profit_factor(part)),
        ("Mean P&L, USD", number(part["expectancy"])),
        ("Mean win, USD", number(part["avg_win"])),
        ("Mean loss, USD", number(part["avg_loss"])),
        ("Mean hold, min", number(part["avg_hold_s"], 1 / 60)),
        ("Before costs, USD", signed(part["gross_pnl"], part["slippage_cost"])),
        ("Slippage, USD", money(part["slippage_cost"])),
        ("Fees, USD", money(part["fees"])),
        ("Funding, USD", signed(part["funding_pnl"])),
    ]


def rests_on(summary: Mapping[str, Any]) -> Iterable[str]:
    """What the figures rest on, and what a reader should know about them, a sentence each."""
    yield (
        f"Equity {summary['initial_capital']} → {summary['final_equity']} USD over {summary['days']} "
        f"days and {summary['trades']:,} trades; {summary['coverage']:.2%} of the minutes present "
        f"({summary['gaps']} gaps of {summary['missing_minutes']:,} minutes in all)."
    )
    yield (
        f"{summary['evaluations']:,} evaluations; {summary['funding_events']:,} funding payments, "
        f"{summary['funding_hours_owed']:,} hours owed for want of a rate; {summary['forced_closes']} positions closed "
        f"by the end; {summary['exits_with_both_levels_in_bar']} bars with stop and target both inside."
    )
    for name, why in summary["strategies_not_evaluated"].items():
        yield f"{name} was not evaluated: {why}."
    for name, why in summary["strategies_without_input"].items():
        yield f"{name} never had its input: {why}."
    yield from summary["notes"]


def profit_factor(part: Mapping[str, Any]) -> str:
    return "no loss" if part["profit_factor_infinite"] else number(part["profit_factor"])


def number(value: float | None, factor: float = 1.0) -> str:
    return _NONE if value is None else f"{value * factor:,.2f}"


def percent(value: float | None) -> str:
    return _NONE if value is None else f"{value:.1%}"


def money(amount: str) -> str:
    return f"{float(amount):,.2f}"


def signed(*amounts: str) -> str:
    """The sum of the amounts with its sign."""
    return f"{sum(map(float, amounts)):+,.2f}"
