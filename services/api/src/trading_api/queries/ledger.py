"""Totals and open positions of the portfolio, which may be the sum of several ledgers."""

PORTFOLIO = """
SELECT sum(p.initial_capital) AS initial_capital, sum(closed.trades)::bigint AS trades,
       sum(closed.realised_pnl) AS realised_pnl, max(marked.newest) AS newest
FROM trading_paper.portfolio p,
     LATERAL (SELECT count(*) AS trades, coalesce(sum(realised_pnl), 0) AS realised_pnl
              FROM trading_paper.positions WHERE portfolio_id = p.id AND status = 'CLOSED') closed,
     LATERAL (SELECT max(ts) AS newest FROM trading_paper.mark_to_market WHERE portfolio_id = p.id) marked
WHERE p.id = ANY($1::integer[])
"""

OPEN_POSITIONS = """
SELECT event_id, strategy, exchange, asset, instrument, direction, quantity, entry_price, entry_ts, stake, fees,
       funding_pnl, stop_price, target_price, deadline_ts, confidence, suspect, version, entry_ref, slippage_cost, late
FROM trading_paper.positions
WHERE portfolio_id = ANY($1::integer[]) AND status = 'OPEN'
ORDER BY entry_ts, id
"""

NEWEST_MARK = """
SELECT coalesce(price::text, payload ->> 'mark_price') AS price, ts,
       payload ->> 'funding_estimate_1h' AS funding_rate_1h
FROM trading_market_data.ticks
WHERE exchange = $1 AND asset = $2 AND kind = 'ctx' AND payload ->> 'polled' IS DISTINCT FROM 'true'
ORDER BY visible_ms DESC LIMIT 1
"""

NEWEST_POLL = """
SELECT yes_price::text AS price, ts, NULL AS funding_rate_1h FROM trading_market_data.polymarket_markets
WHERE market_id = $1 AND yes_price IS NOT NULL ORDER BY ts DESC LIMIT 1
"""

# The clock for as long as no mark has been heard: of the candles stored last, the newest close.
NEWEST_CLOSE = """
SELECT max(open_time) + interval '1 minute' FROM (
    SELECT open_time FROM trading_market_data.candles WHERE interval = '1m' ORDER BY id DESC LIMIT 20) last
"""

# Put there by `python -m trading_core seed`, the first thing it writes; a real run never has it.
MADE_UP = "SELECT body ->> 'notice' AS notice FROM trading_ops.events WHERE event_id = 'seed:made-up'"
