"""A backtest as one HTML page: figures, chart, months, parts, trades. It loads nothing from anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from trading_core.backtest.figures import minute, monthly_returns, title
from trading_core.backtest.key_figures import key_figures, money, number, percent, profit_factor, rests_on, signed

MOST_TRADES = 2_000
"""A longer list is cut to its newest; the report file has them all."""

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #111827; background: #fff; max-width: 1080px; margin: 2rem auto;
       padding: 0 1rem; }
h1 { font-size: 1.25rem; margin-bottom: .25rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
.quiet { color: #6b7280; } svg { width: 100%; height: auto; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: .75rem; margin: 1rem 0; }
dt { color: #6b7280; font-size: .8rem; } dd { margin: 0; font-size: 1.1rem; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; } .tall { max-height: 32rem; overflow: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .8rem; white-space: nowrap; }
th, td { padding: .2rem .45rem; text-align: right; border-bottom: 1px solid #e5e7eb; }
th { position: sticky; top: 0; background: #f9fafb; } th:first-child, td:first-child { text-align: left; }
.words { white-space: normal; text-align: left; } .gain { color: #15803d; } .loss { color: #b91c1c; }
"""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def page(report: Mapping[str, Any], chart: str) -> str:
    """The whole page. `chart`: an SVG element."""
    summary, config = report["summary"], report["config"]
    heading = escape(title(report))
    return "\n".join(
        (
            "<!doctype html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>Backtest: {heading}</title>',
            f"<style>{_STYLE}</style></head><body>",
            f"<h1>{heading}</h1>",
            f'<p class="quiet">{escape(config["source"])}, {summary["fidelity"]} fidelity, '
            f"{summary['coverage']:.2%} of the minutes present, {summary['days']} days, {summary['trades']} trades</p>",
            _key_figures(summary),
            chart,
            "<h2>Months</h2>",
            _months(report),
            "<h2>Strategies and assets</h2>",
            _parts(summary),
            "<h2>Settings</h2>",
            _settings(config),
            f"<h2>Trades</h2>{_trades(report['trades'])}",
            "<h2>What to know</h2>",
            "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in rests_on(summary)) + "</ul>",
            "</body></html>\n",
        )
    )


def _key_figures(summary: Mapping[str, Any]) -> str:
    shown = [("Equity, USD", money(summary["final_equity"])), *key_figures(summary)]
    return "<dl>" + "".join(f"<div><dt>{escape(name)}</dt><dd>{value}</dd></div>" for name, value in shown) + "</dl>"


def _months(report: Mapping[str, Any]) -> str:
    rows = []
    for year, months in monthly_returns(report).items():
        whole = 1.0
        for change in months.values():
            whole *= 1 + change
        cells = [_change(months.get(month)) for month in range(1, 13)]
        rows.append([f"<td>{year}</td>", *cells, _change(whole - 1)])
    return _table(("Year", *_MONTHS, "Year's"), rows)


def _parts(summary: Mapping[str, Any]) -> str:
    rows = []
    for name, part in {"total": summary, **summary["by_strategy"], **summary["by_asset"]}.items():
        figures = (
            signed(part["realised_pnl"]), f"{part['trades']:,}", percent(part["win_rate"]),
            number(part["expectancy"]), profit_factor(part), number(part["sharpe"]), f"{part['max_drawdown']:.2%}",
            money(part["fees"]), ", ".join(f"{why} {n}" for why, n in part["exit_reasons"].items()),
        )  # fmt: skip
        rows.append([f"<td>{escape(name)}</td>", *(f"<td>{escape(figure)}</td>" for figure in figures)])
    return _table(("", "P&L", "Trades", "Won", "Mean", "Profit factor", "Sharpe", "Drawdown", "Fees", "Exits"), rows)


def _settings(config: Mapping[str, Any]) -> str:
    rows = [
        [
            f"<td>{escape(name)}</td>",
            f"<td>{escape(strategy['interval'])}</td>",
            f'<td class="words">{escape(_pairs(strategy["params"]))}</td>',
            f'<td class="words">{escape(_pairs(strategy["rules"]))}</td>',
            f"<td>{escape(strategy['code_hash'])}</td>",
        ]
        for name, strategy in config["strategies"].items()
    ]
    return _table(("Strategy", "Interval", "Parameters", "Rules", "Code"), rows)


def _trades(trades: Sequence[Mapping[str, Any]]) -> str:
    if not trades:
        return "<p>No trade was made.</p>"
    note = f'<p class="quiet">The newest {MOST_TRADES:,} of {len(trades):,}.</p>' if len(trades) > MOST_TRADES else ""
    rows = []
    for trade in trades[-MOST_TRADES:]:
        amount = float(trade["realised_pnl"])
        plain = (
            minute(trade["exit_time"]), trade["strategy"], trade["asset"], trade["direction"], trade["quantity"],
            trade["entry_price"], trade["exit_price"], f"{(trade['exit_time'] - trade['entry_time']) / 60_000:.0f}",
            trade["exit_reason"], trade["fees"], trade["funding_pnl"],
        )  # fmt: skip
        rows.append([*(f"<td>{escape(str(value))}</td>" for value in plain), _coloured(amount, f"{amount:+,.2f}")])
    names = (
        "Closed, UTC", "Strategy", "Asset", "Direction", "Quantity", "Entry", "Exit", "Minutes", "Why", "Fees",
        "Funding", "P&L",
    )  # fmt: skip
    return note + f'<div class="tall">{_table(names, rows)}</div>'


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _change(change: float | None) -> str:
    return "<td></td>" if change is None else _coloured(change, f"{change:+.2%}")


def _coloured(amount: float, text: str) -> str:
    kind = "gain" if amount > 0 else "loss" if amount < 0 else "quiet"
    return f'<td class="{kind}">{text}</td>'


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {'off' if value is None else value}" for key, value in values.items())
