"""Trades, signals with their decisions, and fills. Filters that are null do not filter."""

TRADES = """
SELECT id, event_id, strategy, exchange, asset, direction, status, quantity, stake, entry_ts, entry_price, exit_ts,
       exit_price, exit_reason, realised_pnl, gross_pnl, fees, funding_pnl, slippage_cost, suspect, late
FROM trading_paper.positions
WHERE portfolio_id = $1
  AND ($2::text IS NULL OR asset = $2)
  AND ($3::text IS NULL OR strategy = $3)
  AND ($4::timestamptz IS NULL OR coalesce(exit_ts, 'infinity') >= $4)
  AND ($5::timestamptz IS NULL OR entry_ts < $5)
  AND ($6::timestamptz IS NULL OR (entry_ts, id) < ($6, $7::bigint))
ORDER BY entry_ts DESC, id DESC
LIMIT $8
"""

_SIGNAL = """
SELECT s.event_id, s.ts, s.strategy, s.exchange, s.asset, s.direction, s.confidence, s.entry_price,
       d.decision, d.reason
FROM trading_signals.signals s
LEFT JOIN trading_paper.decisions d ON d.signal_event_id = s.event_id AND d.portfolio_id = $1
"""

SIGNALS = (
    _SIGNAL
    + """
WHERE s.direction IS NOT NULL
  AND ($2::text IS NULL OR s.asset = $2)
  AND ($3::text IS NULL OR s.strategy = $3)
ORDER BY s.ts DESC, s.id DESC
LIMIT $4
"""
)

_FILL = """
SELECT f.event_id, f.ts, f.strategy, f.exchange, f.asset, f.side, f.purpose, f.quantity, f.price, f.fee,
       p.exit_reason, p.realised_pnl
FROM trading_paper.fills f JOIN trading_paper.positions p ON p.event_id = f.position_id
"""

FILLS = (
    _FILL
    + """
WHERE f.portfolio_id = $1 AND ($2::text IS NULL OR f.asset = $2) AND ($3::text IS NULL OR f.strategy = $3)
ORDER BY f.ts DESC, f.event_id DESC
LIMIT $4
"""
)

FILLS_BY_ID = _FILL + "WHERE f.portfolio_id = $1 AND f.event_id = ANY($2::text[]) ORDER BY f.ts, f.event_id"

SIGNALS_BY_ID = _SIGNAL + "WHERE s.event_id = ANY($2::text[]) ORDER BY s.ts, s.id"
