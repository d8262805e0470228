"""What the strategies table rests on: closed positions, last signals, failures."""

STRATEGIES = """
SELECT name, class_name, status, status_reason, interval, assets, exchanges
FROM trading_paper.strategies ORDER BY name COLLATE "C"
"""

CLOSED = """
SELECT strategy, exchange, asset, entry_ts, exit_ts, exit_reason, gross_pnl, fees, funding_pnl, slippage_cost,
       realised_pnl, suspect
FROM trading_paper.positions
WHERE portfolio_id = ANY($1::integer[]) AND status = 'CLOSED'
ORDER BY exit_ts, id
"""

OPEN_COUNTS = """
SELECT strategy, count(*) AS positions, sum(fees) AS fees, sum(funding_pnl) AS funding_pnl
FROM trading_paper.positions WHERE portfolio_id = ANY($1::integer[]) AND status = 'OPEN' GROUP BY strategy
"""

LAST_SIGNALS = """
SELECT name, said.ts AS said_ts, said.direction, said.asset, evaluated.ts AS evaluated_ts
FROM unnest($1::text[]) AS name
LEFT JOIN LATERAL (
    SELECT ts, direction, asset FROM trading_signals.signals
    WHERE strategy = name AND direction IS NOT NULL ORDER BY ts DESC, id DESC LIMIT 1) said ON true
LEFT JOIN LATERAL (
    SELECT ts FROM trading_signals.signals WHERE strategy = name ORDER BY ts DESC LIMIT 1) evaluated ON true
"""

# The newest report of the runner about each strategy; a failure ends with a reload, or once the strategy has
# evaluated the same asset again.
FAILURES = """
SELECT newest.strategy, newest.ts, newest.body::text AS body
FROM (SELECT DISTINCT ON (body ->> 'strategy') body ->> 'strategy' AS strategy, event, ts, body
      FROM trading_ops.events
      WHERE service = 'strategy-runner' AND event IN ('error', 'reload') AND body ? 'strategy'
      ORDER BY body ->> 'strategy', ts DESC, stored_at DESC) newest
WHERE newest.event = 'error' AND NOT EXISTS (
    SELECT 1 FROM trading_signals.signals s
    WHERE s.strategy = newest.strategy AND s.ts > newest.ts
      AND (newest.body ->> 'asset' IS NULL OR s.asset = newest.body ->> 'asset')
      AND coalesce(s.reason, '') NOT IN ('failed', 'strategy_failed'))
"""

HEARTBEATS = """
SELECT service, instance, sent_at, started_at, status, event_time, detail::text AS detail FROM trading_ops.heartbeats
WHERE sent_at > now() - interval '1 day'
"""

KNOWN = """
SELECT EXISTS (SELECT FROM trading_paper.strategies WHERE name = $1)
    OR EXISTS (SELECT FROM trading_paper.positions WHERE strategy = $1) AS known
"""

RULES = "SELECT name, rules::text AS rules FROM trading_paper.strategies"
CHECKPOINTS = """
SELECT portfolio_id, visible_ms, rank, key, state FROM trading_paper.checkpoints
WHERE portfolio_id = ANY($1::integer[])
"""
