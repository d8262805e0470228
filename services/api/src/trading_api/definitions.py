"""What each figure of the API is: formula, unit and basis. The formulas are those of `trading_core.metrics`."""

from __future__ import annotations

from trading_api.schemas_compare import MetricDefinition

_CLOSED = "closed positions"
_DAYS = "daily returns by UTC day; below 30 days it is mostly luck"
_ROWS = "the mark-to-market row of every minute"
_TABLE = (
    ("trades", "Trades", "number of closed positions", "count", _CLOSED),
    ("win_rate", "Win rate", "positions with P&L above 0 / all closed positions", "fraction", _CLOSED),
    ("avg_win", "Average win", "sum of gains / number of gains", "USD", "closed positions with a gain"),
    ("avg_loss", "Average loss", "sum of losses / number of losses, as a positive number", "USD", "those with a loss"),
    ("profit_factor", "Profit factor", "sum of gains / sum of losses; not defined without a loss", "ratio", _CLOSED),
    ("expectancy", "Expectancy", "win rate x average win - loss rate x average loss = mean P&L", "USD", _CLOSED),
    ("average_hold_s", "Average hold", "mean of exit time - entry time", "s", _CLOSED),
    ("realised_pnl", "Realised P&L", "price - slippage - fees + funding", "USD", _CLOSED),
    ("gross_pnl", "Price P&L", "quantity x (exit - entry) at the fill prices, slippage inside", "USD", _CLOSED),
    ("split.price", "Price", "direction x quantity x (exit - entry) at the reference prices", "USD", _CLOSED),
    ("split.slippage", "Slippage", "cost of fills against their reference prices", "USD", _CLOSED),
    ("split.fees", "Fees", "notional x fee rate of each fill", "USD", _CLOSED),
    ("split.funding", "Funding", "quantity x mark x hourly rate, each full hour; received above 0", "USD", _CLOSED),
    ("equity", "Equity", "initial capital + realised + unrealised + funding - fees of what is open", "USD", "marks"),
    (
        "unrealised_pnl",
        "Unrealised P&L",
        "quantity x move from entry price to mark, before costs",
        "USD",
        "open positions",
    ),
    ("return_fraction", "Return", "final equity / initial capital - 1", "fraction", "marks"),
    ("total_pnl", "Total P&L", "equity - initial capital", "USD", "closed and open positions"),
    ("drawdown", "Drawdown", "(running peak - equity) / running peak, now", "fraction", _ROWS),
    ("max_drawdown", "Max drawdown", "largest drawdown so far; the peak starts at the capital", "fraction", _ROWS),
    ("sharpe", "Sharpe", "mean / standard deviation (n - 1) of daily returns x sqrt(days a year)", "ratio", _DAYS),
    (
        "sortino",
        "Sortino",
        "mean / sqrt(sum of squared losses / n) of daily returns x sqrt(days a year)",
        "ratio",
        _DAYS,
    ),
)
DEFINITIONS = [
    MetricDefinition(name=name, title=title, formula=formula, unit=unit, rests_on=basis)
    for name, title, formula, unit, basis in _TABLE
]
