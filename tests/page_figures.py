"""The figures of the home page, worked out from the tables by SQL alone: nothing of `trading_core.metrics` is used."""

from __future__ import annotations

from typing import Any

# Trades and mark-to-market of one portfolio that started with 10,000 USD; ratios are annualised by 252 days.
TRADES = """
SELECT count(*)::float8 AS "Trades",
       100 * avg((realised_pnl > 0)::int)::float8 AS "Win rate",
       (sum(realised_pnl) FILTER (WHERE realised_pnl > 0)
        / nullif(-sum(realised_pnl) FILTER (WHERE realised_pnl < 0), 0))::float8 AS "Profit factor",
       avg(realised_pnl) FILTER (WHERE realised_pnl > 0)::float8 AS "Avg win",
       -avg(realised_pnl) FILTER (WHERE realised_pnl < 0)::float8 AS "Avg loss",
       avg(realised_pnl)::float8 AS "Expectancy"
FROM trading_paper.positions WHERE status = 'CLOSED' AND strategy = $1
"""
# The last row of a UTC day closes it, and the row of 00:00 the day before.
CURVE = """
WITH rows AS (
    SELECT ts, CASE WHEN $1::text IS NULL THEN total_equity
                    ELSE 10000 + coalesce((breakdown -> 'strategies' ->> $1)::numeric, 0) END AS equity
    FROM trading_paper.mark_to_market
), falls AS (
    SELECT 1 - equity / greatest(10000, max(equity) OVER (ORDER BY ts)) AS fall FROM rows
), closes AS (
    SELECT DISTINCT ON (day) day, equity
    FROM (SELECT *, ((ts - interval '1 millisecond') AT TIME ZONE 'UTC')::date AS day FROM rows) each
    ORDER BY day, ts DESC
), returns AS (
    SELECT (equity / lag(equity, 1, 10000) OVER (ORDER BY day) - 1)::float8 AS change FROM closes
)
SELECT avg(change) / nullif(stddev_samp(change), 0) * sqrt(252) AS "Sharpe",
       avg(change) / nullif(sqrt(avg(least(change, 0) ^ 2)), 0) * sqrt(252) AS "Sortino",
       100 * (SELECT max(fall) FROM falls)::float8 AS "Max DD",
       (SELECT equity - 10000 FROM rows ORDER BY ts DESC LIMIT 1)::float8 AS "P&L"
FROM returns
"""
PORTFOLIO = """
SELECT total_equity::float8 AS "Equity", realised_pnl::float8 AS "Realised", unrealised_pnl::float8 AS "Unrealised"
FROM trading_paper.mark_to_market ORDER BY ts DESC LIMIT 1
"""
NAMES = "SELECT class_name, name FROM trading_paper.strategies"


async def expected(connection: Any) -> tuple[dict[str, dict[str, float | None]], dict[str, float | None]]:
    """By class name of the strategy and heading; and those of the portfolio. None: not defined, as without a loss."""
    by_class = {}
    for class_name, name in await connection.fetch(NAMES):
        trades, curve = await connection.fetchrow(TRADES, name), await connection.fetchrow(CURVE, name)
        by_class[class_name] = {**dict(trades), **dict(curve)}
    whole = {**dict(await connection.fetchrow(CURVE, None)), **dict(await connection.fetchrow(PORTFOLIO))}
    return by_class, whole


def differs(shown: str, value: float) -> bool:
    """Whether `shown`, as people read it, is another number than `value` rounded to its places."""
    text = shown.replace("\u2212", "-").replace(",", "").replace("%", "").replace("+", "").strip()
    half_a_place = 0.5 * float(f"1e-{len(text.partition('.')[2])}")
    return abs(float(text) - value) > half_a_place + 1e-6
