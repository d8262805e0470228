"""What each figure that the API answers or the page shows is: formula, unit and basis.

The one place that says it; the page's tooltips read it. The formulas of results are those of `trading_core.metrics`.
"""

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
_MARKED = "the newest mark"
_DAY = "the UTC day of market time, as of the broker's checkpoint"
_BOOK = "the newest poll of the YES or Up token"
_FIGURES = (
    (
        "position.unrealised_pnl",
        "Unrealised P&L",
        "quantity x move from entry price to mark, before fees and funding; below it over the stake",
        "USD",
        _MARKED,
    ),
    (
        "position.mark_price",
        "Mark",
        "the venue's fair price, which values a position and triggers its exits; of a token its own price, 0 to 1",
        "USD",
        _MARKED,
    ),
    ("position.entry_price", "Entry", "sum of price x quantity / sum of quantity", "USD", "its entry fills"),
    ("position.exit_price", "Exit", "sum of price x quantity / sum of quantity", "USD", "its exit fills"),
    ("position.quantity", "Quantity", "sum of its entry fills", "coins, or shares of a token", "its entry fills"),
    (
        "position.exits",
        "Stop → target",
        "(mark - stop) / (target - stop); the figures are each distance / mark",
        "fraction",
        _MARKED,
    ),
    ("position.time_left", "Time left", "time-out of the position - market time", "time", "market time"),
    (
        "position.next_funding",
        "Next funding",
        "quantity x mark x estimated hourly rate, at the next settlement; received above 0",
        "USD",
        _MARKED,
    ),
    ("hold", "Held", "exit time - entry time", "time", "one closed position"),
    ("stake", "Stake", "planned value behind the position", "USD", "its order"),
    (
        "slippage_bps",
        "Slippage",
        "(fill price / reference price - 1) x 10,000, turned so that above 0 is worse",
        "bps",
        "one fill",
    ),
    ("day_realised", "Today", "sum of realised P&L", "USD", f"positions closed in {_DAY}"),
    (
        "day_used",
        "Day limit used",
        "loss of the day / (max_daily_loss x equity at the start of the day); at 1 it is paused until midnight",
        "fraction",
        _DAY,
    ),
    ("exposure_usd", "Exposure", "sum of quantity x mark", "USD", "its open positions"),
    ("open_positions", "Positions", "open positions, of max_positions", "count", "open positions"),
    ("signals_per_hour", "Signals / hour", "LONG, SHORT and CLOSE / hours", "1/h", "a day of market time at most"),
    ("positions_per_day", "Positions / day", "positions opened / days", "1/d", "a day of market time at most"),
    ("probability", "Probability", "(best bid + best ask) / 2", "fraction", _BOOK),
    ("spread", "Spread", "best ask - best bid", "probability", _BOOK),
    ("volume_24h", "Volume", "traded value, as the venue says it", "USD", "its last 24 hours"),
    ("coverage", "Coverage", "minutes with data / minutes of the span", "fraction", "all assets"),
    ("sets", "Sets", "parameter sets tried, of those asked for", "count", "the search"),
    ("folds", "Folds", "times that parameters were chosen and judged", "count", "the search"),
    ("in_sample", "Where chosen", "the search's metric", "its unit", "the part on which parameters are chosen"),
    ("out_of_sample", "Where judged", "the same metric", "its unit", "the part after it, never seen in choosing"),
    ("pnl_in_sample", "P&L where chosen", "sum of realised P&L over the folds", "USD", "in sample"),
    ("pnl_out_of_sample", "P&L where judged", "sum of realised P&L over the folds", "USD", "out of sample"),
    ("trades_out_of_sample", "Trades where judged", "number of closed positions", "count", "out of sample"),
    (
        "max_drawdown_out_of_sample",
        "Max drawdown where judged",
        "largest max drawdown of any fold",
        "fraction",
        "out of sample",
    ),
    ("compared", "Compared", "signals + decisions + fills + ledger rows", "count", "the span of the check"),
    ("difference_count", "Differences", "rows that differ, or that one side lacks", "count", "the span of the check"),
    ("age_s", "Last heartbeat", "now - its newest heartbeat; one is due every 5 s, after 15 s it is down", "time",
     "the wall clock"),
    ("behind_s", "Behind", "newest market time known - how far it was at its last heartbeat", "time", "market time"),
    ("fill_fraction", "Size", "bytes / the size at which the oldest messages leave", "fraction", "the stream"),
)  # fmt: skip
DEFINITIONS = [
    MetricDefinition(name=name, title=title, formula=formula, unit=unit, rests_on=basis)
    for name, title, formula, unit, basis in _TABLE + _FIGURES
]
